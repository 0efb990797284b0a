"""The silence between two lines: by how the first ends and by what changes. Data and sources: data/pauses.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from story.novel import Segment, is_chinese


def pause_between(
    before: Segment, after: Segment, between: Iterable[Segment], language: str, *, scene_changes: bool = False
) -> float:
    """Seconds of silence between two lines (data/pauses.json): the longest that applies."""
    table = pause_table()
    changes = table["changes_s"]
    applies = [
        changes["break" if s.type == "break" else "effect" if s.type == "effect" else "silence"]
        for s in between
    ]
    if scene_changes:
        applies.append(changes["scene"])
    if before.type == "heading":
        applies.append(changes["after_heading"])
    elif after.type == "heading":
        applies.append(changes["before_heading"])
    for kind in ("letter", "verse"):
        if kind in (before.type, after.type) and before.paragraph != after.paragraph:
            applies.append(changes[kind])
    if not applies and _goes_on(before, after, language):
        return table["same_sentence_s"]
    applies.append(table["endings_s"]["zh" if is_chinese(language) else "en"][ending(before.content)])
    if before.speaker != after.speaker:
        applies.append(changes["speaker"])
    if before.paragraph is not None and after.paragraph is not None and before.paragraph != after.paragraph:
        talk = before.type == after.type == "dialogue"
        applies.append(changes["paragraph_in_dialogue" if talk else "paragraph"])
    return max(applies)


_ENDINGS = [
    ("ellipsis", re.compile(r"(…|\.{3})[.。]?$")),
    ("dash", re.compile(r"(—|–|--)$")),
    ("sentence", re.compile(r"[.!?。！？]$")),
    ("clause", re.compile(r"[;:；：]$")),
    ("comma", re.compile(r"[,，、]$")),
]


def ending(text: str) -> str:
    """How a line ends: "sentence", "clause", "comma", "dash", "ellipsis" or "none"."""
    bare = text.rstrip(" \t\n\u3000\"'“”‘’」』)）]】")
    return next((name for name, pattern in _ENDINGS if pattern.search(bare)), "none")


def _goes_on(before: Segment, after: Segment, language: str) -> bool:
    """Whether one sentence runs through both lines: `"Pew," he cried, "they've …"`, `"Down!" he cried.`"""
    if before.paragraph != after.paragraph:
        return False
    starts_small = after.content.lstrip(" \"'“‘「『—–-…")[:1].islower()
    return starts_small or (ending(before.content) in ("comma", "none") and not is_chinese(language))


@cache
def pause_table() -> dict[str, Any]:
    return json.loads(files("story").joinpath("data/pauses.json").read_text(encoding="utf-8"))
