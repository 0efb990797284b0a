"""Small books for the tests of books, serials and serving: few short lines, spoken by an engine of the tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from models.machine import EngineSettings, Machine
from tests.conftest import STORM
from tests.engines import HERE

LINES = [
    "It was night, and rain fell on the road.",
    "Who is there?",
    "Somebody knocked three times at the door.",
    "Then it was quiet.",
]


def chapter(number: int, *more: str) -> dict[str, Any]:
    """A chapter of a heading, two short lines and `more`."""
    said = [f"Night {number}.", LINES[number % len(LINES)], f"That was night {number} of the storm.", *more]
    return {
        "id": f"ch{number:02d}",
        "number": number,
        "title": f"Night {number}",
        "segments": [{"speaker": "narrator", "content": text} for text in said],
    }


def book(title: str, numbers: int | list[int]) -> dict[str, Any]:
    """A novel with the given chapters."""
    chosen = range(1, numbers + 1) if isinstance(numbers, int) else numbers
    novel = {k: copy.deepcopy(v) for k, v in STORM.items() if k != "chapters"}
    return {**novel, "title": title, "chapters": [chapter(n) for n in chosen]}


def paced(folder: Path, name: str = "Tone", **options: Any) -> EngineSettings:
    """An engine of tests/engines.py as a person would set it up; `delay_s` among the options makes it take its time."""
    return EngineSettings(
        kind="speech",
        engine=f"{HERE}:{name}",
        languages=["en"],
        voices=voices(folder),
        memory_mb=10,
        options=options,
    )


def with_engine(machine: Machine, folder: Path, name: str = "Tone", **options: Any) -> Machine:
    """`machine` with the speech engine `paced`, and a home of its own in `folder`."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return machine.model_copy(update={"home": home, "engines": {"paced": paced(folder, name, **options)}})


def write_settings(folder: Path, engine: EngineSettings, **more: Any) -> Path:
    """soundbound.toml with the engine `paced`, for processes that read their settings."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    lines.append("[engines.paced]")
    for key, value in engine.model_dump(mode="json", exclude_defaults=True, exclude={"options"}).items():
        lines.append(f"{key} = {json.dumps(value)}")
    lines.append("[engines.paced.options]")
    lines += [f"{key} = {json.dumps(value)}" for key, value in engine.options.items()]
    path = folder / "soundbound.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def voices(folder: Path) -> Path:
    kinds = [("low", "male", 110.0), ("high", "female", 210.0)]
    listed = [
        {"id": name, "model": "paced", "languages": ["en"], "gender": gender, "age": "adult", "pitch_hz": hz,
         "narrator_rank": rank, "parameters": {"f0": hz}}
        for rank, (name, gender, hz) in enumerate(kinds, 1)
    ]  # fmt: skip
    path = folder / "voices.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    return path
