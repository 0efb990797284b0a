"""A book file of any kind that is understood, as a novel."""

from __future__ import annotations

from pathlib import Path

from story.importing.book import import_book
from story.novel import Novel

SUFFIXES = (".json", ".epub", ".txt", ".md", ".html", ".csv", ".fountain")


def read_book(path: Path, name: str) -> tuple[Novel, list[str]]:
    """The novel in a file, and what its reader has to say about it.

    Args:
        name: what the person calls the file: it names a book that has no title of its own.
    Raises:
        InputError: with place and remedy.
    """
    imported = import_book(path)
    if imported.novel.title == path.stem:
        imported.novel.title = Path(name).stem
    return imported.novel, imported.warnings
