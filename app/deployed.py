"""The flows as deployments run them: the door of a worker.

A worker's host knows its own settings (home, device, tag), so forms and schedules do not carry them: these flows take
what a person chooses and add the machine they run on. Relative paths are taken from the folder the worker was started
in. While a run works it holds a lock in `<home>/prefect/runs`, by which `app/recovery.py` knows the living from the
dead.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import Flow, State, flow
from prefect.client.schemas.objects import FlowRun
from prefect.runtime import flow_run

from app.recovery import alive
from app.settings import Settings, load_settings
from flows import book as books
from flows import chapter as chapters
from flows.book_results import BookResult
from flows.fan_out import cancel_chapters
from flows.options import RenderOptions
from tasks.results import ChapterResult

FOLDER = "SOUNDBOUND_FOLDER"  # set by the worker: the folder it was started in


def _here() -> tuple[Settings, Path]:
    folder = Path(os.environ.get(FOLDER) or Path.cwd())
    return load_settings(folder=folder), folder


def _chapter_name() -> str:
    return chapters.run_name(_here()[1])


@flow(name="render-chapter", flow_run_name=_chapter_name, persist_result=False)
def render_chapter(novel: Path, chapter: str = "1", options: RenderOptions | None = None) -> ChapterResult:
    """Render one chapter.

    Args:
        novel: Path of the novel (JSON) on the worker's machine.
        chapter: The chapter's number or id.
        options: How it shall sound, and where it goes.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return chapters.render_chapter.fn(
            folder / novel, chapter, in_folder(options, folder), settings.machine()
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
)
def render_book(
    novel: Path, chapters: str = "all", options: RenderOptions | None = None, again: bool = False
) -> BookResult:
    """Render a whole book, or some chapters of it.

    Args:
        novel: Path of the novel (JSON) on the worker's machine.
        chapters: Which chapters: all, 5, 1-3 or 1,4-6.
        options: How it shall sound, and where it goes.
        again: Render chapters too that are finished and unchanged.
    """
    settings, folder = _here()
    with alive(settings.home, flow_run.id):
        return books.render_book.fn(
            folder / novel, chapters, in_folder(options, folder), settings.machine(), again=again
        )


def in_folder(options: RenderOptions | None, folder: Path) -> RenderOptions:
    """The options with a relative output folder taken from `folder`."""
    chosen = options or RenderOptions()
    return chosen.model_copy(update={"output": folder / chosen.output.expanduser()})
