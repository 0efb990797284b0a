"""A text file's lines to paragraphs, whichever way it writes them.

Three manners are told apart by measuring: paragraphs as runs of hard-wrapped lines with blank lines between (Project
Gutenberg), hard-wrapped lines whose first is indented (many Chinese and older texts), and one line a paragraph (web
novels). Verse is kept in its lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

ParagraphKind = Literal["prose", "verse", "break"]
Line = tuple[int, int]  # without the white space around it

MARKDOWN_LINE = re.compile(r"#{1,6}(?:\s|$)|```|~~~|(?:={3,}|-{3,})$|\[\^[^\]]+\]:")
_VERSE_CHARS = 80  # a line of verse; in a file without wrapping the page has no width to compare with
_SPACES = " \t\u3000\u00a0\u2002\u2003\u2009\ufeff\u200b"
_BREAK = re.compile(
    r"(?:[*＊⁂❦❧☙◇◆◈○◎●□■☆★※△▲▽▼♦♠♥♣✦✧✻✽❖§#＃]+[\s*＊⁂❦❧☙◇◆◈○◎●□■☆★※△▲▽▼♦♠♥♣✦✧✻✽❖§#＃·•.]*|[-–—―_=~～〜+·•.\s]{3,})$"
)
_DOTS = re.compile(r"[.…·•\s]+$")
_SENTENCE_END = re.compile(r"[.!?。！？…．:：;；][\"'”’」』）)\]*_]*$")
_LOWER = re.compile(r"(?:>[ \t]*)*[\"'“‘(\[_—–-]*[a-zà-öø-ÿа-яα-ω]")
_CJK_START = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\u3000-\u303f\uff00-\uffef“‘—…]")


@dataclass(slots=True)
class Paragraph:
    """A run of lines; offsets are code points into the text file.

    Attributes:
        gap: blank lines before it.
        indent: white space before its first line.
    """

    kind: ParagraphKind
    lines: list[Line]
    gap: int
    indent: int

    @property
    def start(self) -> int:
        return self.lines[0][0]

    @property
    def end(self) -> int:
        return self.lines[-1][1]


@dataclass(slots=True, frozen=True)
class Manner:
    """How a file writes its paragraphs.

    Attributes:
        wrapped: lines are broken at a width.
        width: that width, in characters (the 95th percentile of line lengths).
        gap: blank lines usually between two paragraphs.
        follow: share of lines that are followed by another without a blank line between.
    """

    wrapped: bool
    width: int
    gap: int
    follow: float


def split_paragraphs(
    text: str, start: int, end: int, *, markdown: bool = False
) -> tuple[list[Paragraph], Manner]:
    """Paragraphs of text[start:end]."""
    groups = _groups(text, start, end, markdown)
    manner = _manner(groups)
    if markdown and not _CJK_START.search(text[start : start + 4000]):  # a line's end is a space there
        manner = Manner(True, max(manner.width, 72), manner.gap, manner.follow)
    found: list[Paragraph] = []
    for gap, lines, indents in groups:
        found.extend(_paragraphs(text, gap, lines, indents, manner))
    return found, manner


Group = tuple[int, list[Line], list[int]]


def _groups(text: str, start: int, end: int, markdown: bool) -> list[Group]:
    """Runs of lines without a blank line, each with the number of blank lines before it."""
    groups: list[Group] = []
    lines: list[Line] = []
    indents: list[int] = []
    gap = blank = 0
    lone = None
    at = start
    for raw in text[start:end].split("\n"):
        inner = raw.strip(_SPACES)
        if inner:
            alone = markdown and MARKDOWN_LINE.match(inner)
            if lines and (alone or lone):
                groups.append((gap, lines, indents))
                lines, indents = [], []
            lone = alone
            if not lines:
                gap, blank = blank, 0
            indent = raw.find(inner[0]) if raw[0] in _SPACES else 0
            lines.append((at + indent, at + indent + len(inner)))
            indents.append(indent)
        else:
            if lines:
                groups.append((gap, lines, indents))
                lines, indents = [], []
            blank += 1
        at += len(raw) + 1
    if lines:
        groups.append((gap, lines, indents))
    return groups


def _manner(groups: list[Group]) -> Manner:
    lengths = sorted(e - s for _, lines, _ in groups for s, e in lines)
    if not lengths:
        return Manner(False, 80, 1, 0.0)
    width = lengths[int(0.95 * (len(lengths) - 1))]
    followed = [
        e - s + indent
        for _, lines, indents in groups
        for (s, e), indent in zip(lines[:-1], indents, strict=False)
    ]
    follow = len(followed) / len(lengths)
    full = sum(n >= 0.75 * width for n in followed) / len(followed) if followed else 0.0
    gaps = sorted(gap for gap, _, _ in groups[1:])
    usual = gaps[len(gaps) // 2] if gaps else 1
    return Manner(width <= 200 and full >= 0.5, width, usual, follow)


def _paragraphs(
    text: str, gap: int, lines: list[Line], indents: list[int], manner: Manner
) -> list[Paragraph]:
    if len(lines) == 1:
        return [_one(text, lines, gap, indents[0])]
    if (manner.wrapped or manner.follow < 0.3) and _is_verse(text, lines, indents, manner):
        return [Paragraph("verse", lines, gap, indents[0])]
    if not manner.wrapped:
        return [_one(text, [line], gap if i == 0 else 0, indents[i]) for i, line in enumerate(lines)]
    found: list[Paragraph] = []
    begin = 0
    for i in range(1, len(lines)):
        if _begins(text, lines, indents, i, manner):
            found.append(_one(text, lines[begin:i], gap if begin == 0 else 0, indents[begin]))
            begin = i
    found.append(_one(text, lines[begin:], gap if begin == 0 else 0, indents[begin]))
    return found


def _one(text: str, lines: list[Line], gap: int, indent: int) -> Paragraph:
    is_break = len(lines) == 1 and is_break_line(text[lines[0][0] : lines[0][1]])
    return Paragraph("break" if is_break else "prose", lines, gap, indent)


def is_break_line(line: str) -> bool:
    """A line of ornaments: * * *, ———, ◇◇◇; not "…", which may be somebody's silence."""
    if line[:1].isalnum():
        return False  # most lines
    return len(line) <= 200 and bool(_BREAK.match(line)) and not _DOTS.match(line)


def _begins(text: str, lines: list[Line], indents: list[int], i: int, manner: Manner) -> bool:
    """Whether line i of a wrapped group begins a paragraph without a blank line before it."""
    s, e = lines[i]
    before_s, before_e = lines[i - 1]
    if is_break_line(text[s:e]) or is_break_line(text[before_s:before_e]):
        return True
    least = min(indents)
    if indents[i] > least and text[s - 1 : s] == "\u3000":
        return True
    if indents[i] >= least + 2 and indents[i - 1] == least:
        # an indented first line, unless the indented line only carries a broken sentence on
        return bool(_SENTENCE_END.search(text[before_s:before_e])) or not _LOWER.match(text, s)
    if (
        len(lines) > 30 or manner.follow > 0.97
    ):  # no blank lines at all: a short line that ends a sentence is the last
        short = before_e - before_s < 0.7 * manner.width
        return short and bool(_SENTENCE_END.search(text[before_s:before_e])) and not _LOWER.match(text, s)
    return False


def _is_verse(text: str, lines: list[Line], indents: list[int], manner: Manner) -> bool:
    """Lines that were meant as lines: none carries on in lower case, none is filled to the margin."""
    longest = max(e - s for s, e in lines)
    hard = sum(text[e : e + 2] == "  " or text[e - 1] == "\\" for _, e in lines[:-1])
    if hard >= 0.6 * (len(lines) - 1) and longest < 100:  # Markdown's own line breaks
        return True
    if any(_CJK_START.match(text, s) for s, _ in lines):
        return _is_cjk_verse(text, lines, manner)
    if longest > _VERSE_CHARS:
        return False
    carried = sum(bool(_LOWER.match(text, s)) for s, _ in lines[1:])
    widest = max(e - s + i for (s, e), i in zip(lines, indents, strict=True))
    if min(indents) >= 4 and carried <= 0.25 * len(lines) and longest < 0.85 * manner.width:
        return True
    if carried > 0.1 * len(lines):
        return False
    if len(lines) >= 4:
        return widest <= 0.9 * manner.width
    return longest <= 0.7 * manner.width


def _is_cjk_verse(text: str, lines: list[Line], manner: Manner) -> bool:
    """Two lines or more, all much shorter than the page, each ending in punctuation or all of one length."""
    lengths = {e - s for s, e in lines}
    if max(lengths) > 0.6 * manner.width or max(lengths) > 24 or min(lengths) < 3:
        return False
    ends = sum(text[e - 1] in "，。！？；、,.!?;" for _, e in lines)
    return len(lengths) <= 2 or ends >= len(lines) - 1
