"""What makes chapters a book: one loudness, and one file, over all that are there, from this run or from one before."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from flows.book_files import chapter_target
from flows.book_results import BookResult
from flows.fingerprint import music_of
from flows.options import RenderOptions
from mixing.profiles import load_profile
from mixing.tags import Tags
from models.machine import Machine
from story.errors import SoundboundError
from story.novel import Novel
from tasks.bind import bind
from tasks.book import read_result
from tasks.level import level

MOVED = ("profile", "loudness", "mix", "outputs")  # of a chapter's result, when its master is made again


def finish_book(
    result: BookResult,
    book: Novel,
    options: RenderOptions,
    machine: Machine,
    *,
    m4b: bool,
    cover: Path | None,
) -> None:
    """Level the chapters in place and bind them; `result` gets the book's figures and files, the chapters their new ones."""
    there = published(result, book, options)
    folders = list(there.values())
    leveled = level(folders, options.profile, options.format, machine.encodes_dir)
    now = {r.chapter: r for r in leveled.chapters}
    for chapter in result.chapters:
        if chapter.result is not None:
            moved = {name: getattr(now[chapter.chapter], name) for name in MOVED}
            chapter.result = chapter.result.model_copy(update=moved)
    result.gain_db = leveled.gain_db
    before = _before(options, book)
    result.integrated_lufs = leveled.integrated_lufs or (before and before.integrated_lufs)
    if not m4b:
        return
    path = folders[0].parent / "book.m4b"
    lacking = [c.number for c in book.chapters if c.id not in there]
    if lacking:
        result.warnings.append(f"book.m4b lacks chapters {', '.join(map(str, lacking))}")
    voices = {v.voice_id for r in leveled.chapters for v in r.cast}
    tags = Tags(
        title=book.title,
        book=book.title,
        author=book.author,
        narrators=sorted(voices)[:20],
        language=book.language,
    )
    result.bound = {id: now[id].fingerprint for id in there}
    unchanged = before and before.bound == result.bound and not leveled.remastered and cover is None
    if not (unchanged and path.exists()):
        bind(folders, path, tags, cover, machine.encodes_dir)
    result.outputs["m4b"] = path


def published(result: BookResult, book: Novel, options: RenderOptions) -> dict[str, Path]:
    """Folders by chapter id, in the book's order: this run's chapters, and others with the same profile, format, music."""
    mine = {c.chapter for c in result.chapters if c.result is not None}
    asked = {c.chapter for c in result.chapters}
    made = _Manner(
        options.profile, f".{load_profile(options.profile).format(options.format)}", music_of(options)
    )
    found = {}
    for chapter in book.chapters:
        folder = chapter_target(options.output, book, chapter)
        if chapter.id in mine or (chapter.id not in asked and _manner(folder) == made):
            found[chapter.id] = folder
    return found


class _Manner(NamedTuple):
    """What the chapters of one file have in common."""

    profile: str
    suffix: str
    music: str


def _manner(folder: Path) -> _Manner | None:
    """Of a chapter that is published there."""
    if not (folder / "report.json").exists():
        return None
    try:
        other = read_result(folder)
    except SoundboundError:  # of an older version: not this book's affair
        return None
    return _Manner(other.profile, other.outputs["master"].suffix, other.music)


def _before(options: RenderOptions, book: Novel) -> BookResult | None:
    """The book's report of an earlier run."""
    path = chapter_target(options.output, book, book.chapters[0]).parent / "report.json"
    try:
        return BookResult.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
