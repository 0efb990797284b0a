"""A book's chapters, rendered: one after another in this process, or as deployment runs by whoever serves them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Cancelling

from flows.book_files import chapter_target
from flows.book_results import BookChapter
from flows.chapter import render_chapter, title_of
from flows.options import RenderOptions
from models.machine import Machine
from story.errors import SoundboundError
from story.novel import Chapter, Novel
from tasks.results import ChapterResult

DEPLOYMENT = "render-chapter/render-chapter"
POLL_S = 1.0
TAKEN_BACK = "no worker is up; its book renders it"
LOOK_EVERY_S = 5.0  # for workers
NOBODY_S = 60.0  # a worker that comes back, or a server that starts again, is well within
# A run whose process or host died is queued again by a worker (app/recovery.py), within two minutes of its last sign.
CRASHED_FOR_GOOD_S = 300.0

Told = Callable[[BookChapter], None]


def worker_serves() -> bool:
    """Whether a worker that is up takes runs of the chapter deployment."""
    with get_client(sync_client=True) as client:
        return _served(client)


def _served(client: SyncPrefectClient) -> bool:
    try:
        pool = client.read_deployment_by_name(DEPLOYMENT).work_pool_name
    except ObjectNotFound:
        return False
    route = "/work_pools/{work_pool_name}/workers/filter"
    workers = client.request("POST", route, path_params={"work_pool_name": pool}, json={}).json()
    return any(worker["status"] == "ONLINE" for worker in workers)


def render_here(
    novel: Path,
    book: Novel,
    chapters: Iterable[Chapter],
    options: RenderOptions,
    machine: Machine,
    told: Told,
    begins: Callable[[str], None],
) -> None:
    """One after another; a chapter that fails is told as failed and the next one begins."""
    for chapter in chapters:
        begins(title_of(book, chapter))
        try:
            result = render_chapter(novel, chapter.id, options, machine)
            told(outcome(chapter, result))
        except SoundboundError as e:
            told(failure(chapter, str(e)))
        except (
            Exception
        ) as e:  # a defect of ours or of an engine: one chapter's affair, its run has the traceback
            get_run_logger().exception("chapter %s", chapter.id)
            told(failure(chapter, f"{type(e).__name__}: {e}"))


def render_by_workers(
    novel: Path,
    book: Novel,
    chapters: list[Chapter],
    options: RenderOptions,
    book_run: str,
    told: Told,
    *,
    wait_for_workers: bool = True,
) -> list[Chapter]:
    """A deployment run a chapter, queued in order. A book run that was itself started again finds the runs it had.

    Returns:
        Chapters that were taken back because no worker has been up for a while: none if `wait_for_workers`.
    """
    asked = {c.id: _ask(novel, book, c, options, book_run) for c in chapters}
    open_runs, by_run = dict(asked), {run: c for c in chapters for run in [asked[c.id]]}
    taken_back: list[Chapter] = []
    with get_client(sync_client=True) as client:
        watch = _Watch(client)
        while open_runs:
            for run in _read(client, list(open_runs.values())):
                chapter = by_run[run.id]
                if _taken_back(run) or (watch.alone and not wait_for_workers and _take_back(client, run)):
                    del open_runs[chapter.id]
                    taken_back.append(chapter)
                elif (ended := _ended(run, book, chapter, options)) is not None:
                    del open_runs[chapter.id]
                    told(ended)
            if open_runs:
                watch.look()
                time.sleep(POLL_S)
    return taken_back


class _Watch:
    """`alone`: no worker has been up for NOBODY_S."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client
        self._seen = self._looked = time.monotonic()
        self.alone = False

    def look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        if _served(self._client):
            self._seen, self.alone = now, False
        elif not self.alone and now - self._seen > NOBODY_S:
            self.alone = True
            get_run_logger().warning("no worker is up; start one: soundbound serve")


def _take_back(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Take a run out of the queue, if nobody has begun it."""
    if run.state is None or run.state.type != StateType.SCHEDULED:
        return False
    client.set_flow_run_state(run.id, Cancelled(message=TAKEN_BACK), force=True)
    return True


def _taken_back(run: FlowRun) -> bool:
    """By this book's run before it was started again."""
    return run.state is not None and run.state.type == StateType.CANCELLED and run.state.message == TAKEN_BACK


def cancel_chapters(book_run: UUID) -> None:
    """Cancel what a cancelled book still has in the queue or under way."""
    with get_client(sync_client=True) as client:
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[chapters_tag(str(book_run))]))
        for run in client.read_flow_runs(flow_run_filter=tagged, limit=200):
            if run.state is not None and not run.state.is_final():
                client.set_flow_run_state(run.id, Cancelling(message="its book was cancelled"))


def outcome(chapter: Chapter, result: ChapterResult, *, kept: bool = False) -> BookChapter:
    return BookChapter(
        chapter=chapter.id,
        number=chapter.number,
        title=chapter.title,
        status=result.status,
        kept=kept,
        result=result,
    )


def failure(chapter: Chapter, error: str) -> BookChapter:
    return BookChapter(
        chapter=chapter.id, number=chapter.number, title=chapter.title, status="failed", error=error
    )


def _ask(novel: Path, book: Novel, chapter: Chapter, options: RenderOptions, book_run: str) -> UUID:
    asked = run_deployment(
        DEPLOYMENT,
        parameters={
            "novel": str(novel),
            "chapter": chapter.id,
            "options": options.model_dump(mode="json"),
        },
        flow_run_name=title_of(book, chapter),
        timeout=0,
        tags=[chapters_tag(book_run)],
        idempotency_key=f"{book_run}:{chapter.id}",
    )
    return cast(FlowRun, asked).id  # the sync side of a sync-compatible call


def chapters_tag(book_run: str) -> str:
    return f"chapters-of:{book_run}"


def _read(client: SyncPrefectClient, ids: list[UUID]) -> Iterator[FlowRun]:
    for i in range(0, len(ids), 100):  # the server gives at most 200 at once
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids[i : i + 100]))
        yield from client.read_flow_runs(flow_run_filter=wanted)


def _ended(run: FlowRun, book: Novel, chapter: Chapter, options: RenderOptions) -> BookChapter | None:
    """The chapter's outcome if its run has come to an end."""
    state = run.state
    if state is None or not state.is_final():
        return None
    if state.type == StateType.CRASHED:
        gone_s = time.time() - state.timestamp.timestamp()
        if gone_s < CRASHED_FOR_GOOD_S:
            return None
    if state.type != StateType.COMPLETED:
        return failure(chapter, state.message or f"its run ended {state.name}")
    report = chapter_target(options.output, book, chapter) / "report.json"
    try:
        return outcome(chapter, ChapterResult.model_validate_json(report.read_text(encoding="utf-8")))
    except (OSError, ValueError) as e:
        return failure(chapter, f"its run completed but {report} can't be read: {e}; are outputs shared?")
