"""New chapters, while everybody sleeps: watch a folder or a novel file, render what is new or changed, put it on the
listener's shelf with a podcast feed.

Runs when: on a schedule (`soundbound schedule add`), as the deployment render-new-chapters, or from Python.
Cached: every finished chapter whose content and options are unchanged, and every take; a run that finds nothing new
takes seconds and writes nothing.
Requires: a Prefect server, an installed speech model. A chapter that fails, or a file that can't be read, leaves the
others whole; the run ends degraded and tries again next time.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import BaseModel

from flows.artifacts import BookProgress, show_serial
from flows.book import Where, kept_chapters, render_chapters
from flows.book_files import book_lock, chapter_target
from flows.book_results import ShowResult
from flows.fan_out import outcome
from flows.limit import ensure_limit
from flows.options import FeedOptions, RenderOptions
from flows.shelf import put_on_shelf
from flows.watched import Watched, look
from models.machine import Machine
from story.importing.library import BOOKS
from story.loading import load_novel
from story.novel import Novel
from tasks.results import Status


class SerialResult(BaseModel):
    """The typed result of the flow render_new_chapters."""

    status: Status
    shows: list[ShowResult]
    unread: dict[Path, str] = {}  # files that could not be read, with the reason
    flow_run_id: str | None = None


def run_name(folder: Path = Path()) -> str:
    """ "New chapters · novels", for Prefect's UI."""
    return f"New chapters · {(folder / str(flow_run.parameters['watch'])).name}"


@flow(name="render-new-chapters", flow_run_name=run_name, persist_result=False)
def render_new_chapters(
    watch: Path,
    options: RenderOptions | None = None,
    feed: FeedOptions | None = None,
    machine: Machine | None = None,
    *,
    where: Where = "auto",
) -> SerialResult:
    """Render new and changed chapters and publish them.

    Args:
        watch: a novel file that grows, or a folder of files.
        options: how it shall sound; mp3 at podcast loudness if left out.
        feed: the podcast feed and the shelf it is on.
        machine: where things live; filled in by the door that starts the run.
        where: as in `render_book`.

    Returns:
        What was new, what was kept and what failed, by show.

    Raises:
        SoundboundError: there is nothing to watch, or the options are wrong.
    """
    options = (options or RenderOptions(format="mp3", profile="podcast")).in_folder(Path.cwd())
    options.check()
    feed, machine = feed or FeedOptions(), machine or Machine()
    ensure_limit(machine.tag)
    found = look(watch.expanduser().resolve(), machine.home / BOOKS)
    for path, why in found.unread.items():
        get_run_logger().warning("%s is left out: %s", path.name, why)
    shows = [_render_show(novel, options, feed, machine, where) for novel in found.novels]
    result = SerialResult(
        status=_status(shows, found),
        shows=shows,
        unread=found.unread,
        flow_run_id=flow_run.id,
    )
    show_serial(result.status, shows, found.unread)
    if result.status != "completed":
        return Completed(name="Degraded", message=summary(result), data=result)  # pyright: ignore[reportReturnType]
    return result


def _render_show(
    novel: Novel, options: RenderOptions, feed: FeedOptions, machine: Machine, where: Where
) -> ShowResult:
    with book_lock(options.output, novel, machine):
        path = write_novel(novel, options)
        novel = load_novel(path)
        kept = kept_chapters(novel, novel.chapters, options, machine)
        absent = [c for c in novel.chapters if c.id not in kept]
        progress = BookProgress(novel.chapters)
        done = {c.id: outcome(c, kept[c.id], kept=True) for c in novel.chapters if c.id in kept}
        get_run_logger().info("%s: %d new or changed, %d kept", novel.title, len(absent), len(kept))
        for chapter in done.values():
            progress.ended(chapter)
        done |= render_chapters(path, novel, absent, options, machine, where=where, progress=progress)
        progress.finish()
        chapters = [done[c.id] for c in novel.chapters]
        there = [c.result for c in chapters if c.result is not None]
        feed_path = put_on_shelf(novel, there, feed, machine) if there else None
    return ShowResult(novel=novel.title, chapters=chapters, feed=feed_path)


def write_novel(novel: Novel, options: RenderOptions) -> Path:
    """The show's novel as one file beside its chapters, from which they are rendered."""
    path = chapter_target(options.output, novel, novel.chapters[0]).parent / "novel.json"
    text = novel.model_dump_json(indent=1, exclude_defaults=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming = path.with_name(".novel.json.part")
        incoming.write_text(text, encoding="utf-8")
        incoming.replace(path)
    return path


def _status(shows: list[ShowResult], found: Watched) -> Status:
    whole = all(c.status == "completed" for show in shows for c in show.chapters)
    return "completed" if whole and not found.unread else "degraded"


def summary(result: SerialResult) -> str:
    """One line for Prefect's state message."""
    chapters = [c for show in result.shows for c in show.chapters]
    failed = sum(c.status == "failed" for c in chapters)
    parts = [f"{sum(not c.kept and c.result is not None for c in chapters)} new chapters"]
    if failed:
        parts.append(f"{failed} failed")
    if lacking := sum(c.status == "degraded" for c in chapters):
        parts.append(f"{lacking} with sounds missing")
    if result.unread:
        parts.append(f"{len(result.unread)} files could not be read")
    return ", ".join(parts)
