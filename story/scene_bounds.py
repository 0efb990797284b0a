"""Where a scene ends and the next begins: at breaks, jumps in time, and arrivals at another kind of place.

Scenes are whole segments. A move or a jump in time opens a scene only when both it and the one it ends are long
enough to be heard as scenes: a bed that flickers is worse than one that is a little late.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from story.novel import Chapter, Segment
from story.polarity import polarity
from story.scene_ambience import is_shift
from story.scene_evidence import ARRIVAL, findings
from story.scene_lexicon import lexicon
from story.scene_text import READ_TYPES, reading_text

Cause = Literal["chapter", "break", "time", "move"]

# A shift this far into a segment (by characters) belongs to the segment after it.
_LATE = 0.6
# So much more evidence for the new place than for the old one in the segments that follow.
_STAYS = 1.0


@dataclass
class Block:
    """The segments of one scene and why it begins."""

    cause: Cause
    segments: list[Segment] = field(default_factory=list)
    arrival_class: str | None = None


@dataclass
class _Shift:
    at: int  # index of the first segment of the new scene
    cause: Cause
    arrival_class: str | None


def _stretches(chapter: Chapter, minimum: int) -> list[Block]:
    """Splits at breaks and inner headings, which stay with what follows.

    A line or two before a heading (an epigraph, a teller's word) is no scene of its own.
    """
    stretches = [Block("chapter")]
    for segment in chapter.segments:
        spoken_before = any(s.type not in ("heading", "break") for s in stretches[-1].segments)
        inner = segment.type == "heading" and _length(stretches[-1].segments) >= minimum
        if spoken_before and (segment.type == "break" or inner):
            stretches.append(Block("break"))
        stretches[-1].segments.append(segment)
    if len(stretches) > 1 and not any(s.type not in ("heading", "break") for s in stretches[-1].segments):
        stretches[-2].segments += stretches.pop().segments
    return [stretch for stretch in stretches if stretch.segments]


@cache
def _sentence_start(language: str) -> re.Pattern[str]:
    starts = (
        r"(?:^|(?<=[.!?]\s)|(?<=[.!?][”\"]\s))(?:But |And |So |Then |Now |Well, )?"
        if language == "en"
        else "(?:^|(?<=[。！？；]))(?:但|可是|于是|到了?|且说|却说|话说)?"
    )
    return re.compile(
        starts + f"({lexicon(language).time_shift.pattern})" + (r"(?!\w)" if language == "en" else ""),
        re.IGNORECASE,
    )


def time_shift(segment: Segment, language: str) -> int | None:
    """Where in the segment a sentence opens with a jump in time ("Next morning", 第二天), or None."""
    if segment.type not in READ_TYPES:
        return None
    text = reading_text(segment.content, language)
    match = _sentence_start(language).search(text)
    if match is None:
        return None
    if polarity(text, match.start(1), match.end(1), language, noun=True) != "asserted":
        return None
    return match.start(1)


def _support(segments: list[Segment], language: str, start: int) -> dict[str, float]:
    """Evidence for place classes in the next few narrated segments from index `start`."""
    totals: dict[str, float] = {}
    for segment in segments[start : start + 12]:
        for finding in findings(segment, language):
            if finding.kind == "place":
                totals[finding.value] = totals.get(finding.value, 0.0) + finding.weight
    return totals


def _shifts(segments: list[Segment], language: str) -> list[_Shift]:
    """Candidate boundaries inside a stretch, in order."""
    found: list[_Shift] = []
    current: str | None = None
    weights: dict[str, float] = {}
    for i, segment in enumerate(segments):
        places = [f for f in findings(segment, language) if f.kind == "place"]
        length = max(1, len(segment.content))
        jump = time_shift(segment, language)
        if jump is not None and i > 0 and jump / length <= _LATE:
            arrived = next((f.value for f in places if f.arrival), None)
            found.append(_Shift(i, "time", arrived))
            weights = {}
            current = arrived
        for finding in places:
            if finding.arrival and current is not None and is_shift(finding.value, current):
                at = i if finding.start / length <= _LATE else i + 1
                support = _support(segments, language, i)
                if 0 < at < len(segments) and support.get(finding.value, 0.0) >= ARRIVAL + _STAYS:
                    found.append(_Shift(at, "move", finding.value))
                    weights = {}
                    current = finding.value
            weights[finding.value] = weights.get(finding.value, 0.0) + finding.weight
        best = max(weights, key=lambda name: (weights[name], name), default=None)
        if best is not None and weights[best] >= 2.0:
            current = best
    return found


def _length(segments: list[Segment]) -> int:
    return sum(len(segment.content) for segment in segments)


def blocks(chapter: Chapter, language: str) -> list[Block]:
    """The chapter's segments in blocks, one a scene: all segments, each once, in order."""
    minimum = lexicon(language).data["minimum_characters"]
    result: list[Block] = []
    for stretch in _stretches(chapter, minimum):
        start = 0
        block = Block(stretch.cause)
        for shift in _shifts(stretch.segments, language):
            before, after = stretch.segments[start : shift.at], stretch.segments[shift.at :]
            if _length(before) < minimum or _length(after) < minimum:
                continue
            block.segments = before
            result.append(block)
            block = Block(shift.cause, arrival_class=shift.arrival_class)
            start = shift.at
        block.segments = stretch.segments[start:]
        result.append(block)
    return result
