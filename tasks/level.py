"""Stage of a book: one loudness for all its published chapters."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from mixing.contracts import AudioFormat
from tasks.book import BookLevel, level_book
from tasks.progress import percent


@task(
    name="level the book",
    retries=1,
    retry_delay_seconds=2,
    cache_policy=NO_CACHE,
    persist_result=False,
    timeout_seconds=24 * 3600,
)
def level(
    folders: list[Path], profile_name: str, audio_format: AudioFormat | None, encodes_dir: Path
) -> BookLevel:
    """Master the chapters again with the book's gain; those that have it are left alone."""
    with percent("level") as progress:
        return level_book(folders, profile_name, audio_format, encodes_dir=encodes_dir, progress=progress)
