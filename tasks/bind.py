"""Stage of a book: its chapters bound into one M4B with chapter marks, cover and tags."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from mixing.tags import Tags
from tasks.book import bind_book
from tasks.progress import percent


@task(
    name="bind the book",
    retries=1,
    retry_delay_seconds=2,
    cache_policy=NO_CACHE,
    persist_result=False,
    timeout_seconds=24 * 3600,
)
def bind(folders: list[Path], path: Path, tags: Tags, cover: Path | None, encodes_dir: Path) -> Path:
    """Bind the chapters in `folders`, in that order, into `path`."""
    with percent("bind") as progress:
        bind_book(folders, path, tags, cover, encodes_dir=encodes_dir, progress=progress)
    return path
