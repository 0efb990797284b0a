"""A chapter as attribution sees it, and what it makes of it."""

from __future__ import annotations

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


@dataclass(slots=True)
class Read:
    """A chapter read: its turns and who speaks each."""

    turns: list[Turn]
    decisions: list[Decision]
