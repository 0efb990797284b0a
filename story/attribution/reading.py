"""A chapter as attribution sees it, and what it makes of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from story.attribution.decode import Decision
from story.attribution.quotations import Quote, Span
from story.attribution.turns import Turn


@dataclass(slots=True)
class Prose:
    """One chapter: its text, paragraphs and quotations."""

    text: str
    spans: list[Span]
    quotes: list[Quote]


Spoken = dict[int, Decision]
"""What a chapter's reading comes to: for each quotation that is said, by its index, who says it."""


def spoken(turns: Sequence[Turn], decisions: Sequence[Decision]) -> Spoken:
    return {quote: decision for turn, decision in zip(turns, decisions, strict=True) for quote in turn.quotes}


def tell_narrator(chapter: Prose, told: list[list[int]], narrator: int, me: re.Pattern[str]) -> None:
    """Adds the narrator to the paragraphs whose narration says "I": whoever tells of himself is there."""
    k = 0
    for block, span in enumerate(chapter.spans):
        at = span.start
        while k < len(chapter.quotes) and chapter.quotes[k].last_block < block:
            k += 1
        j = k
        found = False
        while j < len(chapter.quotes) and chapter.quotes[j].outer_start < span.end:
            found = found or bool(me.search(chapter.text, at, max(at, chapter.quotes[j].outer_start)))
            at = max(at, chapter.quotes[j].outer_end)
            j += 1
        if found or me.search(chapter.text, at, max(at, span.end)):
            told[block].insert(0, narrator)
