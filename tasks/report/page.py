"""A chapter's result as one HTML page. Every text goes through the template's escaping; scripts run by hash only."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from mixing.contracts import LineLevel
from tasks.report.score import clock, colour_of, score
from tasks.results import ChapterResult

_WORST = 12  # lines shown before the full list
_PLAYABLE = ("flac", "wav", "mp3", "opus", "m4a")


@cache
def _part(name: str) -> str:
    return files("tasks.report").joinpath(name).read_text(encoding="utf-8")


def _level(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def report_html(result: ChapterResult) -> str:
    """The page for a chapter's folder: the audio is linked relative to it."""
    script = _part("page.js")
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters.update(clock=clock, level=_level)
    names = {v.character: v.name for v in result.cast}
    return environment.from_string(_part("page.html")).render(
        r=result,
        mix=result.mix,
        score=score(result),
        colours=colour_of(result),
        names=names,
        texts={lane.id: lane for lane in result.lanes},
        lines=_by_closeness(result),
        worst=_WORST,
        voices={v.character: v for v in result.cast},
        audio=_audio(result),
        files=_files(result),
        style=_part("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _by_closeness(result: ChapterResult) -> list[LineLevel]:
    """Lines with a bed under them, the one that stands least above it first; the others behind."""
    if result.mix is None:
        return []
    return sorted(
        result.mix.lines, key=lambda line: 1e9 if line.speech_to_bed_lu is None else line.speech_to_bed_lu
    )


def _audio(result: ChapterResult) -> list[dict[str, Any]]:
    """Master first, then the stems, by their names in the chapter's folder."""
    found = []
    for name, path in result.outputs.items():
        stem = name.startswith("stems/")
        if path.suffix.removeprefix(".") in _PLAYABLE and (stem or name == "master"):
            label = name.removeprefix("stems/")
            found.append({"label": label, "href": f"stems/{path.name}" if stem else path.name, "stem": stem})
    return sorted(found, key=lambda each: (each["stem"], each["label"]))


def _files(result: ChapterResult) -> list[str]:
    """What else lies in the folder."""
    others: list[Path] = [
        p for n, p in result.outputs.items() if n != "master" and not n.startswith("stems/")
    ]
    return sorted({p.name for p in others} - {"report.html"})
