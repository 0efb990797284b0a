"""A whole book: its chapters fan out, those that are finished are kept, and the rest is rendered.

Runs when: by `soundbound render` for several chapters, from Python (`from flows import render_book`), as the deployment
render-book. Chapters become deployment runs where a worker serves them, and run in this process otherwise.
Cached: every finished chapter whose content and options are unchanged (flows/fingerprint.py), and every take.
Requires: a Prefect server, an installed speech model. A chapter that fails leaves the others whole: the book ends
degraded and says what to run again.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.artifacts import BookProgress, show_book
from flows.book_files import book_cast, book_lock, chapter_target
from flows.book_results import BookChapter, BookError, BookResult
from flows.fan_out import outcome, render_by_workers, render_here, worker_serves
from flows.fingerprint import fingerprint, finished
from flows.finish_book import finish_book
from flows.limit import ensure_limit
from flows.options import RenderOptions
from models import catalog
from models.machine import Machine
from story.errors import SoundboundError
from story.importing.library import BOOKS, novel_file
from story.loading import load_novel, select_chapters
from story.novel import Chapter, Novel
from tasks.results import ChapterResult, Status

Where = Literal["auto", "here", "workers"]


def run_name(folder: Path = Path()) -> str:
    """ "Treasure Island · 1-3", for Prefect's UI."""
    given = flow_run.parameters
    path = folder / str(given["novel"])
    try:
        title = load_novel(path).title
    except Exception:  # the run itself will say what is wrong
        title = path.stem
    chapters = str(given.get("chapters") or "all")
    return title if chapters == "all" else f"{title} · {chapters}"


@flow(name="render-book", flow_run_name=run_name, persist_result=False)
def render_book(
    novel: Path,
    chapters: str = "all",
    options: RenderOptions | None = None,
    machine: Machine | None = None,
    *,
    again: bool = False,
    m4b: bool = True,
    cover: Path | None = None,
    where: Where = "auto",
) -> BookResult:
    """Render the chapters of a book.

    Args:
        novel: path of the novel JSON, or of a book in any form that is imported.
        chapters: which: all, 5, 1-3 or 1,4-6.
        options: what a person chooses.
        machine: where things live; filled in by the door that starts the run.
        again: render finished chapters too.
        m4b: bind all chapters that are there into book.m4b.
        cover: its picture, JPEG or PNG.
        where: "workers" makes each chapter a run of its own for the workers, "here" renders in this process, "auto"
            takes workers where one is up, and takes chapters back when none has been for a minute.

    Returns:
        The book's result: "completed", or "degraded" with the chapters or sounds that are missing.

    Raises:
        BookError: no chapter could be rendered; its `result` says why for each.
        SoundboundError: the book or the options are wrong.
    """
    # absolute paths: a worker has a current folder of its own
    options, machine = (options or RenderOptions()).in_folder(Path.cwd()), machine or Machine()
    options.check()
    novel = novel_file(novel.expanduser().resolve(), machine.home / BOOKS)
    book = load_novel(novel)
    wanted = select_chapters(book, chapters)
    ensure_limit(machine.tag)
    with book_lock(options.output, book, machine):
        done = _render(novel, book, wanted, options, machine, again=again, where=where)
        result = _result(novel, book, wanted, done, options)
        if result.rendered:
            _finish(result, book, options, machine, m4b=m4b, cover=cover)
        write_report(result, options, book)
    show_book(result, machine)
    if result.status == "failed":
        raise BookError(
            "no chapter could be rendered",
            result,
            where=book.title,
            remedy=f"first reason: {result.chapters[0].error}",
        )
    if result.status == "degraded":
        return Completed(name="Degraded", message=summary(result), data=result)  # pyright: ignore[reportReturnType]
    return result


def _finish(
    result: BookResult,
    book: Novel,
    options: RenderOptions,
    machine: Machine,
    *,
    m4b: bool,
    cover: Path | None,
) -> None:
    """Level and bind; what goes wrong there leaves the chapters as they are and the book degraded."""
    try:
        finish_book(result, book, options, machine, m4b=m4b, cover=cover)
    except SoundboundError as e:
        get_run_logger().error("the book could not be finished: %s", e)
        result.status = "degraded" if result.status == "completed" else result.status
        result.warnings.append(f"the book could not be finished: {e}")


def kept_chapters(
    book: Novel, chapters: list[Chapter], options: RenderOptions, machine: Machine
) -> dict[str, ChapterResult]:
    """The chapters that are finished as they are wanted, by id."""
    speech = catalog.resolve(options.speech, "speech", machine, book.language)
    book_dir = chapter_target(options.output, book, chapters[0]).parent
    cast = book_cast(book_dir, book, catalog.voices(speech), speech.name, machine)
    found = {}
    for chapter in chapters:
        folder = chapter_target(options.output, book, chapter)
        if folder.exists() and (
            there := finished(folder, fingerprint(book, chapter, cast, options, machine))
        ):
            found[chapter.id] = there.model_copy(
                update={
                    "takes_generated": 0,
                    "takes_cached": there.takes_generated + there.takes_cached,
                    "stage_seconds": {},
                }
            )
    return found


def render_chapters(
    novel: Path,
    book: Novel,
    chapters: list[Chapter],
    options: RenderOptions,
    machine: Machine,
    *,
    where: Where,
    progress: BookProgress,
) -> dict[str, BookChapter]:
    """Render `chapters`, by workers or here; what became of each by id."""
    done: dict[str, BookChapter] = {}

    def told(chapter: BookChapter) -> None:
        done[chapter.chapter] = chapter
        if chapter.status == "failed":
            get_run_logger().error("chapter %s failed: %s", chapter.number, chapter.error)
        progress.ended(chapter)

    if not chapters:
        return done
    if where == "workers" or (where == "auto" and worker_serves()):
        get_run_logger().info("%d chapters are queued for the workers", len(chapters))
        waits = where == "workers"
        chapters = render_by_workers(
            novel, book, chapters, options, str(flow_run.id), told, wait_for_workers=waits
        )
    render_here(novel, book, chapters, options, machine, told, progress.begins)
    return done


def _render(
    novel: Path,
    book: Novel,
    wanted: list[Chapter],
    options: RenderOptions,
    machine: Machine,
    *,
    again: bool,
    where: Where,
) -> dict[str, BookChapter]:
    kept = {} if again else kept_chapters(book, wanted, options, machine)
    progress = BookProgress(wanted)
    done = {c.id: outcome(c, kept[c.id], kept=True) for c in wanted if c.id in kept}
    for chapter in done.values():
        progress.ended(chapter)
    if kept:
        get_run_logger().info("%d of %d chapters are finished and unchanged", len(kept), len(wanted))
    absent = [c for c in wanted if c.id not in kept]
    done |= render_chapters(novel, book, absent, options, machine, where=where, progress=progress)
    progress.finish()
    return done


def _result(
    novel: Path,
    book: Novel,
    wanted: list[Chapter],
    done: dict[str, BookChapter],
    options: RenderOptions,
) -> BookResult:
    chapters = [done[c.id] for c in wanted]
    failed = [c for c in chapters if c.status == "failed"]
    there = [c.result for c in chapters if c.result is not None]
    return BookResult(
        status=book_status([c.status for c in chapters]),
        novel=book.title,
        author=book.author,
        language=book.language,
        profile=options.profile,
        duration_s=round(sum(r.duration_s for r in there), 3),
        chapters=chapters,
        warnings=[f"chapter {c.number}: {w}" for c in chapters if c.result for w in c.result.warnings],
        again=[command(novel, failed, options)] if failed else [],
        flow_run_id=flow_run.id,
    )


def book_status(chapters: list[Status]) -> Status:
    """Completed when every chapter is; failed when every one failed; degraded otherwise."""
    if all(s == "completed" for s in chapters):
        return "completed"
    return "failed" if all(s == "failed" for s in chapters) else "degraded"


def command(novel: Path, chapters: list[BookChapter], options: RenderOptions) -> str:
    """What renders `chapters` with the same options."""
    default = RenderOptions().model_dump(mode="json", exclude={"output"})
    chosen = options.model_dump(mode="json", exclude={"output"})
    words = ["soundbound", "render", str(novel), "--chapter", ",".join(str(c.number) for c in chapters)]
    words += ["--output", str(options.output)]
    for name, value in chosen.items():
        if value != default[name]:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def summary(result: BookResult) -> str:
    """One line for Prefect's state message and the terminal."""
    failed = [str(c.number) for c in result.chapters if c.status == "failed"]
    lacking = [str(c.number) for c in result.chapters if c.status == "degraded"]
    parts = [f"{len(result.rendered)} of {len(result.chapters)} chapters, {result.duration_s / 60:.1f} min"]
    if failed:
        parts.append(f"failed: {', '.join(failed)}")
    if lacking:
        parts.append(f"with sounds missing: {', '.join(lacking)}")
    if not failed and not lacking and result.status == "degraded":
        parts.append(result.warnings[-1])
    return "; ".join(parts)


def write_report(result: BookResult, options: RenderOptions, book: Novel) -> None:
    """The book's report.json, whole or not at all."""
    path = chapter_target(options.output, book, book.chapters[0]).parent / "report.json"
    result.outputs["report"] = path
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(".report.json.part")
    incoming.write_text(result.model_dump_json(indent=1), encoding="utf-8")
    incoming.replace(path)
