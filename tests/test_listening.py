"""What a listener gets from real text on the real voices: every word understood, also over the beds; people told apart.

Kokoro renders part of each example; Whisper and a speaker recogniser, which know nothing of us, listen.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from flows import RenderOptions, render_chapter
from models.machine import Machine
from tasks.results import ChapterResult
from tests.conftest import ROOT, save
from tests.ears import embed, heard, word_error

EDGE_S = 0.15  # of the pause around a line, so that no sound of it is cut off


def part(example: str, chapter: int, first: int, last: int) -> dict[str, Any]:
    """Segments `first` to `last` (one-based) of an example's chapter, as a novel of their own."""
    novel = json.loads((ROOT / "examples" / example).read_text(encoding="utf-8"))
    chosen = next(c for c in novel["chapters"] if c["number"] == chapter)
    return {**novel, "chapters": [{**chosen, "segments": chosen["segments"][first - 1 : last]}]}


def render(novel: dict[str, Any], folder: Path, machine: Machine, speech: str) -> ChapterResult:
    path = save(novel, folder / "novel.json")
    return render_chapter(
        path, novel["chapters"][0]["id"], RenderOptions(output=folder / "out", speech=speech), machine
    )


def lines_of(result: ChapterResult, track: str) -> tuple[list[dict[str, Any]], list[np.ndarray], int]:
    """The timeline's lines and their stretches of a track."""
    audio, rate = sf.read(result.outputs[track], dtype="float32", always_2d=True)
    lines = json.loads(result.outputs["timeline"].read_text())["dialogue_segments"]
    cuts = [
        audio[
            int(max(0, s["start_s"] - EDGE_S) * rate) : int(
                (s["start_s"] + s["actual_duration_s"] + EDGE_S) * rate
            )
        ].T
        for s in lines
    ]
    return lines, cuts, rate


@pytest.mark.parametrize(
    ("example", "chapter", "segments", "language", "most"),
    [("treasure_island_ch05.json", 5, (2, 14), "en", 0.09), ("yao_luxun.json", 3, (1, 10), "zh", 0.15)],
)
def test_every_word_is_understood_also_over_the_beds(
    kokoro_dir: Path, machine: Machine, tmp_path: Path, example: str, chapter: int, segments: tuple[int, int],
    language: str, most: float,
) -> None:  # fmt: skip
    result = render(part(example, chapter, *segments), tmp_path, machine, "kokoro")
    assert result.status == "completed", result.missing
    errors = {}
    for track in ("stems/dialogue", "master"):
        lines, cuts, rate = lines_of(result, track)
        said = [s["content"] for s in lines]
        errors[track] = word_error(said, [heard(cut, rate, language) for cut in cuts], language)
    assert errors["stems/dialogue"] <= most
    assert errors["master"] <= errors["stems/dialogue"] + 0.03


def test_people_are_told_apart_and_stay_themselves(machine: Machine, tmp_path: Path) -> None:
    """Treasure Island's whole chapter on the shaped voices (fast), each speaker with ten seconds of speech or more."""
    result = render(part("treasure_island_ch05.json", 5, 1, 91), tmp_path, machine, "hibari")
    lines, cuts, rate = lines_of(result, "stems/dialogue")
    by_speaker: dict[str, list[np.ndarray]] = {}
    for line, cut in zip(lines, cuts, strict=True):
        by_speaker.setdefault(line["speaker"], []).append(cut)
    enough = {who: parts for who, parts in by_speaker.items() if sum(p.shape[1] for p in parts) >= 10 * rate}
    assert len(enough) >= 4
    voice = {who: embed(np.concatenate(parts, 1)[:, : 60 * rate], rate) for who, parts in enough.items()}
    for a, b in combinations(voice, 2):
        assert float(voice[a] @ voice[b]) < 0.90, f"{a} and {b} sound alike"
    for who, parts in enough.items():
        if sum(p.shape[1] for p in parts) >= 20 * rate:
            halves = [embed(np.concatenate(parts[i::2], 1)[:, : 60 * rate], rate) for i in (0, 1)]
            assert float(halves[0] @ halves[1]) > 0.90, f"{who} does not stay the same"
