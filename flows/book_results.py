"""What a book's run hands back, and what its report.json holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from story.errors import SoundboundError
from tasks.results import ChapterResult, Status


class BookChapter(BaseModel):
    """One chapter of the book as this run left it."""

    chapter: str
    number: int
    title: str
    status: Status
    kept: bool = False  # finished before, with the same content and options: not rendered again
    error: str = ""
    result: ChapterResult | None = None  # None: failed


class BookResult(BaseModel):
    """The typed result of the flow render_book; also the book's report.json."""

    format: Literal["soundbound.book/1"] = "soundbound.book/1"
    status: Status
    novel: str
    author: str = ""
    language: str
    profile: str
    duration_s: float
    integrated_lufs: float | None = None  # of all chapters as one programme
    gain_db: float | None = None  # the one gain of the book
    chapters: list[BookChapter]
    outputs: dict[str, Path] = {}
    bound: dict[str, str] = {}  # what is in the M4B: chapter id → fingerprint, in order
    warnings: list[str] = []
    again: list[str] = []  # commands that render what is missing
    flow_run_id: str | None = None

    @property
    def rendered(self) -> list[ChapterResult]:
        """The results of all chapters that are there."""
        return [c.result for c in self.chapters if c.result is not None]


class ShowResult(BaseModel):
    """One show of a serial's run."""

    novel: str
    chapters: list[BookChapter]
    feed: Path | None = None  # None: no chapter is there yet


class BookError(SoundboundError):
    """No chapter of the book could be rendered."""

    def __init__(self, message: str, result: BookResult, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.result = result
