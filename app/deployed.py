"""The flows as deployments run them: the door of a worker.

A worker's host knows its own settings (home, device, tag), so forms and schedules do not carry them: these flows take
what a person chooses and add the machine they run on. Relative paths are taken from the folder the worker was started
in. While a run works it holds a lock in `<home>/prefect/runs`, by which `app/recovery.py` knows the living from the
dead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from prefect import Flow, State, flow
from prefect.client.schemas.objects import FlowRun
from prefect.runtime import flow_run

from app.notify import tell_end
from app.recovery import alive
from app.settings import Settings, load_settings
from flows import book as books
from flows import chapter as chapters
from flows import importing as imports
from flows import serial as serials
from flows.book_results import BookResult
from flows.fan_out import cancel_chapters
from flows.options import FeedOptions, RenderOptions
from tasks.results import ChapterResult

ENDS: dict[str, Any] = {"on_completion": [tell_end], "on_failure": [tell_end], "on_crashed": [tell_end]}
EPISODE = RenderOptions(format="mp3", profile="podcast")
FOLDER = "SOUNDBOUND_FOLDER"  # set by the worker: the folder it was started in


def _here() -> tuple[Settings, Path]:
    folder = Path(os.environ.get(FOLDER) or Path.cwd())
    return load_settings(folder=folder), folder


def _chapter_name() -> str:
    return chapters.run_name(_here()[1])


@flow(name="render-chapter", flow_run_name=_chapter_name, persist_result=False, **ENDS)
def render_chapter(novel: Path, chapter: str = "1", options: RenderOptions | None = None) -> ChapterResult:
    """Render one chapter.

    Args:
        novel: Path of the novel (JSON) or book (EPUB, text, Markdown …) on the worker's machine.
        chapter: The chapter's number or id.
        options: How it shall sound, and where it goes.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return chapters.render_chapter.fn(
            folder / novel, chapter, (options or RenderOptions()).in_folder(folder), settings.machine()
        )


def _book_name() -> str:
    return books.run_name(_here()[1])


def _cancel_chapters(flow: Flow, flow_run: FlowRun, state: State) -> None:
    cancel_chapters(flow_run.id)


@flow(
    name="render-book",
    flow_run_name=_book_name,
    persist_result=False,
    on_cancellation=[_cancel_chapters],
    **ENDS,
)
def render_book(
    novel: Path,
    chapters: str = "all",
    options: RenderOptions | None = None,
    again: bool = False,
    m4b: bool = True,
    cover: Path | None = None,
) -> BookResult:
    """Render a whole book, or some chapters of it.

    Args:
        novel: Path of the novel (JSON) or book (EPUB, text, Markdown …) on the worker's machine.
        chapters: Which chapters: all, 5, 1-3 or 1,4-6.
        options: How it shall sound, and where it goes.
        again: Render chapters too that are finished and unchanged.
        m4b: Bind the chapters into one audiobook file, book.m4b.
        cover: The audiobook's picture, JPEG or PNG.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return books.render_book.fn(
            folder / novel,
            chapters,
            (options or RenderOptions()).in_folder(folder),
            settings.machine(),
            again=again,
            m4b=m4b,
            cover=cover and folder / cover,
        )


def _serial_name() -> str:
    return serials.run_name(_here()[1])


@flow(
    name="render-new-chapters",
    flow_run_name=_serial_name,
    persist_result=False,
    on_cancellation=[_cancel_chapters],
    **ENDS,
)
def render_new_chapters(
    watch: Path,
    options: RenderOptions = EPISODE,
    feed: FeedOptions | None = None,
) -> serials.SerialResult:
    """Render what is new or changed in a folder or a novel file, and publish it as a podcast.

    Args:
        watch: A novel file that grows, or a folder into which chapters are put, on the worker's machine.
        options: How it shall sound. Podcast apps play mp3 and m4a.
        feed: The podcast feed, and the shelf with the listener's files.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return serials.render_new_chapters.fn(
            folder / watch, (options or RenderOptions()).in_folder(folder), feed, settings.machine()
        )


def _import_name() -> str:
    return imports.run_name(_here()[1])


@flow(name="import-book", flow_run_name=_import_name, persist_result=False, **ENDS)
def import_book(
    book: Path,
    output: Path | None = None,
    notes: Literal["omit", "end"] = "omit",
    matter: Literal["story", "all"] = "story",
) -> imports.ImportResult:
    """Make a novel file of a book: chapters, quotations, who speaks and how.

    Args:
        book: Path of the EPUB, text, Markdown, HTML or script on the worker's machine.
        output: Where the novel (JSON) goes; beside the book if left out.
        notes: Leave footnotes out, or read them at the end of their chapter.
        matter: The story only, or prefaces, appendices and the like as well.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return imports.import_book.fn(folder / book, output and folder / output, notes=notes, matter=matter)
