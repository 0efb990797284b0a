"""A book in any form as a novel file that a person can read, correct and render.

Runs as the deployment import-book; on the command line `soundbound import` does the same without a run.
Cached: nothing; it takes seconds. Requires: a Prefect server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from pydantic import BaseModel

from story.importing.book import import_book as read_book
from story.importing.library import write_imported
from story.importing.options import ReadOptions


class ImportResult(BaseModel):
    """Where the novel is, and how much it is."""

    novel: Path
    title: str
    language: str
    chapters: int
    segments: int
    characters: int


def run_name(folder: Path = Path()) -> str:
    """ "Import · treasure.epub", for Prefect's UI."""
    return f"Import · {(folder / str(flow_run.parameters['book'])).name}"


@flow(name="import-book", flow_run_name=run_name, persist_result=False)
def import_book(
    book: Path,
    output: Path | None = None,
    *,
    notes: Literal["omit", "end"] = "omit",
    matter: Literal["story", "all"] = "story",
) -> ImportResult:
    """Make a novel file of a book.

    Args:
        book: EPUB, plain text, Markdown, HTML or a script.
        output: the novel file; beside the book if left out.
        notes: leave footnotes out, or read them at the end of their chapter.
        matter: the story only, or prefaces and appendices as well.

    Raises:
        InputError: the book can't be read.
    """
    imported = read_book(book, ReadOptions(notes=notes, matter=matter))
    path = (output or book.with_name(f"{book.stem}.novel.json")).expanduser().resolve()
    write_imported(imported, path)
    novel = imported.novel
    result = ImportResult(
        novel=path,
        title=novel.title,
        language=novel.language,
        chapters=len(novel.chapters),
        segments=sum(len(c.segments) for c in novel.chapters),
        characters=len(novel.characters),
    )
    text = (
        f"`{path}`\n\n{result.chapters} chapters, {result.segments} segments, {result.characters} characters, "
        f"language {result.language}."
    )
    create_markdown_artifact(text, key=f"result-{str(flow_run.id)[-8:]}", description="Result")
    return result
