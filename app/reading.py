"""A book file of any kind that is understood, as a novel."""

from __future__ import annotations

from pathlib import Path

from story.loading import load_novel
from story.novel import Novel

SUFFIXES = (".json",)


def read_book(path: Path, name: str) -> Novel:
    """The novel in a file.

    Args:
        name: what the person calls the file: it decides its kind, and names a book without a title.
    Raises:
        NovelError: with place and remedy.
    """
    novel = load_novel(path)
    if novel.title == path.stem:
        novel.title = Path(name).stem
    return novel
