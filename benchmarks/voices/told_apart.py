"""Are a book's leading characters told apart, and does each stay the same? A speaker recogniser listens.

    python -m benchmarks.voices.told_apart        # prints and writes benchmarks/voices/told_apart.json

The six characters with the most to say in each example, in the voices the cast gives them, say their own lines and then
passages of the book's narration until each has spoken for about half a minute: most of a chapter's people do not have
the ten seconds by themselves that a recogniser needs. Cosines are resemblyzer's; any two of them should be under 0.90,
the two halves of one (every second line) over 0.90.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from app.server import prefect_server
from app.settings import load_settings
from flows import RenderOptions, render_chapter
from models import catalog
from story.cast import cast_novel
from story.durations import estimate_duration_s
from story.loading import load_novel
from tests.conftest import ROOT, save
from tests.ears import embed
from tests.test_listening import lines_of

RESULT = Path(__file__).with_name("told_apart.json")
EXAMPLES = (("treasure_island_ch05.json", "kokoro"), ("treasure_island_ch05.json", "hibari"), ("yao_luxun.json", "kokoro"))  # fmt: skip
LEADING, SPOKEN_S, POOL_S = 6, 30.0, 10.0


def main() -> int:
    found = []
    with prefect_server(load_settings().home):
        for example, speech in EXAMPLES:
            with tempfile.TemporaryDirectory(prefix="told-apart-") as folder:
                found.append(measure(example, speech, Path(folder)))
            print(json.dumps(found[-1], ensure_ascii=False), flush=True)
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    held = all(f["most_alike"] < 0.90 < f["least_steady"] and f["least_pooled_s"] >= POOL_S for f in found)
    print("held" if held else "NOT held")
    return 0 if held else 1


def measure(example: str, speech: str, folder: Path) -> dict[str, Any]:
    novel = json.loads((ROOT / "examples" / example).read_text(encoding="utf-8"))
    machine = load_settings().machine()
    voices = cast_of(novel, speech, folder)
    path = save(longer(novel, voices), folder / "novel.json")
    result = render_chapter(path, "1", RenderOptions(output=folder / "out", speech=speech), machine)
    lines, cuts, rate = lines_of(result, "stems/dialogue")
    spoken: dict[str, list[np.ndarray]] = {}
    for line, cut in zip(lines, cuts, strict=True):
        spoken.setdefault(line["speaker"], []).append(cut)
    halves = {who: [np.concatenate(parts[i::2], axis=1) for i in (0, 1)] for who, parts in spoken.items()}
    whole = {who: embed(np.concatenate(parts, axis=1), rate) for who, parts in spoken.items()}
    alike = {f"{a} - {b}": float(whole[a] @ whole[b]) for a, b in combinations(whole, 2)}
    steady = {who: float(embed(a, rate) @ embed(b, rate)) for who, (a, b) in halves.items()}
    return {
        "example": example,
        "speech": speech,
        "voices": voices,
        "least_pooled_s": round(min(h.shape[1] for pair in halves.values() for h in pair) / rate, 1),
        "most_alike": round(max(alike.values()), 3),
        "pair": max(alike, key=lambda pair: alike[pair]),
        "least_steady": round(min(steady.values()), 3),
        "steady": {who: round(value, 3) for who, value in steady.items()},
    }


def cast_of(novel: dict[str, Any], speech: str, folder: Path) -> dict[str, str]:
    """The voices of those who speak most, as `soundbound cast` gives them for the whole book."""
    book = load_novel(save(novel, folder / "whole.json"))
    model = catalog.entry(speech, "speech", load_settings().machine())
    cast = cast_novel(book, catalog.voices(model), model.name, book.language)
    said: dict[str, int] = {}
    for segment in (s for c in book.chapters for s in c.segments):
        said[segment.speaker] = said.get(segment.speaker, 0) + len(segment.content)
    leading = sorted(said, key=lambda who: -said[who])[:LEADING]
    return {who: cast.voice_of(who) for who in leading}


def sentences(texts: list[str]) -> list[str]:
    """Short enough that everyone has several: the halves are every second one."""
    return [
        part.strip()
        for text in texts
        for part in re.split(r"(?<=[.!?;。！？；])", text)
        if len(part.strip()) > 3
    ]


def longer(novel: dict[str, Any], voices: dict[str, str]) -> dict[str, Any]:
    """The novel as one chapter in which each of `voices` speaks for `SPOKEN_S`."""
    everything = [s for c in novel["chapters"] for s in c["segments"] if s.get("type") != "heading"]
    narrated = [s["content"] for s in everything if s.get("type", "narration") == "narration"]
    segments = []
    for who in voices:
        own = [s for s in everything if s["speaker"] == who]
        seconds = 0.0
        for text in dict.fromkeys(sentences([s["content"] for s in own] + narrated)):
            if seconds > SPOKEN_S:
                break
            seconds += estimate_duration_s(text, novel["language"])
            segments.append({"type": "dialogue", "speaker": who, "content": text})
    characters = [
        {**c, "voice_id": voices.get(c["id"], c.get("voice_id"))} if c["id"] in voices else c
        for c in novel["characters"]
    ]
    chapter = {"id": "ch01", "number": 1, "title": "Voices", "segments": segments}
    return {**novel, "characters": characters, "chapters": [chapter]}


if __name__ == "__main__":
    sys.exit(main())
