"""Stage of a book: one loudness for all its published chapters."""

from __future__ import annotations

from pathlib import Path

from mixing.contracts import AudioFormat
from tasks.book import BookLevel, level_book
from tasks.progress import percent
from tasks.stage import stage


@stage("level the book", timeout_s=24 * 3600)
def level(
    folders: list[Path], profile_name: str, audio_format: AudioFormat | None, encodes_dir: Path
) -> BookLevel:
    """Master the chapters again with the book's gain; those that have it are left alone."""
    with percent("level") as progress:
        return level_book(folders, profile_name, audio_format, encodes_dir=encodes_dir, progress=progress)
