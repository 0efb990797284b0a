"""Which marks a book quotes speech with, and what each mark in it does: open, close, either, or nothing.

A book keeps one outer style. The marks that begin its paragraphs tell which: ‘British’ single ones, “double” ones,
「corner」 brackets, or a — dash. Whatever is inside the outer marks is part of the speech.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["open", "close", "either", "maybe_close"]

OPENING = "“„‟«「『﹁﹃〝"
CLOSING = "”»」』﹂﹄〞〟"
NEUTRAL = '"＂'
SINGLES = "‘’'‚‛"
PAIR = {"「": "」", "『": "』", "﹁": "﹂", "﹃": "﹄", "«": "»"}
DASHES = "—–―"

_DOUBLE_MARK = re.compile(f"[{OPENING}{CLOSING}{NEUTRAL}]")
_ANY_MARK = re.compile(f"[{OPENING}{CLOSING}{NEUTRAL}{SINGLES}]")
_BLOCK_START = re.compile(
    rf"[\s\u3000]*(?:([{OPENING}{NEUTRAL}])|(['‘])(?=\s?[\w—…])|([{DASHES}]|--)(?=\s*\w))"
)
_ELISIONS = frozenset(
    [
        "tis",
        "twas",
        "twere",
        "twill",
        "twould",
        "em",
        "un",
        "ee",
        "er",
        "im",
        "ere",
        "ow",
        "cause",
        "bout",
        "til",
        "till",
        "gainst",
        "mid",
        "neath",
        "nother",
        "nuff",
        "round",
        "fraid",
        "ave",
        "as",
        "aint",
        "is",
        "e",
        "ome",
        "ouse",
        "and",
        "n",
        "nd",
        "d",
        "s",
        "t",
        "ll",
        "re",
        "ve",
        "m",
        "bus",
        "phone",
        "cello",
        "ware",
    ]
)
_WORD = re.compile(r"\w+")
ENDS = ".,!?;:…—–-。！？，；：～~)）*_"
MIN_DASH_SHARE = 0.15  # of the paragraphs, for a dash at their beginning to mean speech


@dataclass(frozen=True, slots=True)
class Style:
    """How a book marks speech: `single` marks are outer ones; a `dash` opens a speaking paragraph."""

    single: bool = False
    dash: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    at: int
    char: str
    role: Role


def detect_style(blocks: Iterable[str]) -> Style:
    """The style of a book from its paragraphs."""
    doubles = singles = dashes = total = double_marks = 0
    for block in blocks:
        total += 1
        double_marks += len(_DOUBLE_MARK.findall(block))
        found = _BLOCK_START.match(block)
        if found:
            doubles += found[1] is not None
            if found[2] is not None:
                word = _WORD.match(block, found.end())
                singles += not (found[2] == "'" and word and word[0].lower() in _ELISIONS)
            dashes += found[3] is not None
    single = singles > 2 * doubles and singles >= 1
    few = doubles + singles + double_marks / 8
    return Style(single=single, dash=dashes > few and dashes >= MIN_DASH_SHARE * total and dashes >= 3)


def marks_in(text: str, start: int, end: int, style: Style) -> list[Mark]:
    """The marks of `text[start:end]` that may begin or end a quotation, in order."""
    pattern = _ANY_MARK if style.single else _DOUBLE_MARK
    found = []
    for match in pattern.finditer(text, start, end):
        at, char = match.start(), match[0]
        role = _role(text, at, char, start, end)
        if role is not None:
            found.append(Mark(at, char, role))
    return found


def _role(text: str, at: int, char: str, start: int, end: int) -> Role | None:
    if char in SINGLES:
        return _single_role(text, at, char, start, end)
    before = text[at - 1] if at > start else " "
    after = text[at + 1] if at + 1 < end else " "
    if char in OPENING:
        # A mark turned the wrong way: after the end of a sentence, before a blank.
        wrong = char == "“" and before in ".,!?…。！？" and (after.isspace() or after in CLOSING)
        return "close" if wrong else "open"
    if char in CLOSING:
        wrong = char == "”" and before in "：:" and not after.isspace()
        return "open" if wrong else "close"
    return _neutral_role(before, after)


def _neutral_role(before: str, after: str) -> Role:
    """For marks without direction: by what stands around them; "either" where that says nothing."""
    if before in "：:" and not after.isspace():
        return "open"
    left = before.isspace() or before in "([{（《" + DASHES
    right = after.isspace() or after in ")]},.;:!?，。；：！？）" + DASHES
    if left and not right:
        return "open"
    if right and not left:
        return "close"
    if not left and not right:
        if before in ".!?,…。！？，":
            return "close"  # “…！”he said, no blank between
        if before.isascii() and before == "-":
            return "either"
    return "either"


def _single_role(text: str, at: int, char: str, start: int, end: int) -> Role | None:
    before = text[at - 1] if at > start else " "
    after = text[at + 1] if at + 1 < end else " "
    if char in "‘‚‛":
        return None if before.isalnum() and after.isalnum() else "open"
    if before.isalnum():
        if after.isalnum():
            return None  # don't
        return "maybe_close"  # goin' or the boys', or the end
    if before.isspace() or before in '([—–-"“':
        if after.isspace():  # marks set off by blanks, as tokenisers leave them
            return "close" if text[max(start, at - 3) : at].rstrip()[-1:] in ENDS else "maybe_close"
        if after.isalnum():
            if char == "’":
                return None  # ’tis
            word = _WORD.match(text, at + 1)
            return None if word and word[0].lower() in _ELISIONS else "open"
        if char == "’":
            return "close" if before in '—–-"“' else None
        return "open" if before not in "—–-" else "either"
    if after.isalnum() and char == "'":
        return "open" if before not in ENDS else "close"
    return "close"
