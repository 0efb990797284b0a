"""What makes chapters a book: one loudness over all that are there, in this run or from one before."""

from __future__ import annotations

from pathlib import Path

from flows.book_files import chapter_target
from flows.book_results import BookResult
from flows.options import RenderOptions
from mixing.profiles import load_profile
from models.machine import Machine
from story.errors import SoundboundError
from story.novel import Novel
from tasks.book import read_result
from tasks.level import level
from tasks.results import ChapterResult

MOVED = ("profile", "loudness", "mix", "outputs")  # of a chapter's result, when its master is made again


def finish_book(result: BookResult, book: Novel, options: RenderOptions, machine: Machine) -> None:
    """Level the chapters in place; `result` gets the book's figures and the chapters' new ones."""
    folders = list(published(result, book, options).values())
    leveled = level(folders, options.profile, options.format, machine.encodes_dir)
    now = {r.chapter: r for r in leveled.chapters}
    for chapter in result.chapters:
        if chapter.result is not None:
            moved = {name: getattr(now[chapter.chapter], name) for name in MOVED}
            chapter.result = chapter.result.model_copy(update=moved)
    result.gain_db = leveled.gain_db
    result.integrated_lufs = leveled.integrated_lufs or _before(options, book)


def published(result: BookResult, book: Novel, options: RenderOptions) -> dict[str, Path]:
    """Folders by chapter id, in the book's order: this run's chapters, and others made with the same profile and format."""
    mine = {c.chapter for c in result.chapters if c.result is not None}
    asked = {c.chapter for c in result.chapters}
    suffix = f".{load_profile(options.profile).format(options.format)}"
    found = {}
    for chapter in book.chapters:
        folder = chapter_target(options.output, book, chapter)
        if chapter.id in mine or (chapter.id not in asked and _fits(folder, options.profile, suffix)):
            found[chapter.id] = folder
    return found


def _fits(folder: Path, profile: str, suffix: str) -> bool:
    if not (folder / "report.json").exists():
        return False
    try:
        other: ChapterResult = read_result(folder)
    except SoundboundError:  # of an older version: not this book's affair
        return False
    return other.profile == profile and other.outputs["master"].suffix == suffix


def _before(options: RenderOptions, book: Novel) -> float | None:
    """The book's loudness as an earlier run measured it, where nothing has changed since."""
    path = chapter_target(options.output, book, book.chapters[0]).parent / "report.json"
    try:
        return BookResult.model_validate_json(path.read_text(encoding="utf-8")).integrated_lufs
    except (OSError, ValueError):
        return None
