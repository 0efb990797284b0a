"""The flows as deployments run them: the door of a worker.

A worker's host knows its own settings (home, device, tag), so forms and schedules do not carry them: these flows take
what a person chooses and add the machine they run on. Relative paths are taken from the folder the worker was started
in. While a run works it holds a lock in `<home>/prefect/runs`, by which `app/recovery.py` knows the living from the
dead.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from app.recovery import alive
from app.settings import Settings, load_settings
from flows import chapter as chapters
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


def in_folder(options: RenderOptions | None, folder: Path) -> RenderOptions:
    """The options with a relative output folder taken from `folder`."""
    chosen = options or RenderOptions()
    return chosen.model_copy(update={"output": folder / chosen.output.expanduser()})
