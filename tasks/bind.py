"""Stage of a book: its chapters bound into one M4B with chapter marks, cover and tags."""

from __future__ import annotations

from pathlib import Path

from mixing.tags import Tags
from tasks.book import bind_book
from tasks.progress import percent
from tasks.stage import stage


@stage("bind the book", timeout_s=24 * 3600)
def bind(folders: list[Path], path: Path, tags: Tags, cover: Path | None, encodes_dir: Path) -> Path:
    """Bind the chapters in `folders`, in that order, into `path`."""
    with percent("bind") as progress:
        bind_book(folders, path, tags, cover, encodes_dir=encodes_dir, progress=progress)
    return path
