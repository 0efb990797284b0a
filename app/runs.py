"""Runs as API and page see them. Prefect is the queue, the state and the history; nothing of it is kept here.

A task is a flow run of `render-chapter` or `render-book`, started through its deployment, so that a worker and never
this process renders it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import filters as where
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort, LogSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from app.problems import Problem, conflict, not_found
from app.run_progress import ENDED, Progress, Status, book_progress, progress_of
from app.run_record import BOOK, CHAPTER, LogLine, Run, plan_and_bars, run_from, with_status
from flows.fan_out import chapters_tag
from flows.forecast import plan_key
from tasks.bar import read_bar
from tasks.forecast import StageWork

FRESH_S = 0.25  # a progress is read from Prefect at most so often, however many watch it
REMEMBERED = 256
PAGE = 100

CANCELLED = "Execution was aborted by a termination signal"  # Prefect's word on a run that somebody cancelled


class Runs:
    """All that is asked of Prefect. Built once a process, within its event loop."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._flows: dict[UUID, str] = {}
        self._deployments: dict[str, UUID] = {}
        self._progress: OrderedDict[UUID, tuple[float, asyncio.Task[Progress]]] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def connect(cls) -> AsyncIterator[Runs]:
        async with get_client() as client:
            yield cls(client)

    async def healthy(self) -> bool:
        return await self._client.api_healthcheck() is None

    async def start(
        self,
        kind: Literal["chapter", "book"],
        name: str,
        parameters: dict[str, Any],
        plan: Sequence[StageWork],
        *,
        tags: Sequence[str] = (),
        key: str | None = None,
    ) -> Run:
        """Put a run into the queue. With a `key` used before, the run it began then.

        Raises:
            Problem: 409 when the key began another request, 503 when nobody serves the deployment.
        """
        flow_run = await self._client.create_flow_run_from_deployment(
            await self._deployment(kind),
            parameters=parameters,
            name=name[:200],
            tags=list(tags),
            idempotency_key=None if key is None else hashlib.sha256(f"api {key}".encode()).hexdigest(),
        )
        run = run_from(flow_run, CHAPTER if kind == "chapter" else BOOK)
        same = all(flow_run.parameters.get(k) == v for k, v in parameters.items())
        if not same:
            raise conflict("this Idempotency-Key was used for another request; choose a new one")
        if plan and run.status == "queued":
            rows = json.dumps([w.model_dump(mode="json") for w in plan])
            artifact = ArtifactCreate(
                key=plan_key(run.task_id), type="table", data=rows, description="Plan of the work",
                flow_run_id=run.task_id,
            )  # fmt: skip
            await self._client.create_artifact(artifact)
        return run

    async def get(self, task_id: UUID) -> Run:
        """Raises Problem 404 for what is no run of ours."""
        try:
            flow_run = await self._client.read_flow_run(task_id)
        except ObjectNotFound:
            raise not_found("there is no such task") from None
        flow = await self._flow_name(flow_run.flow_id)
        if flow is None:
            raise not_found("there is no such task")
        return run_from(flow_run, flow)

    async def recent(
        self, *, limit: int = 50, offset: int = 0, status: Status | None = None, book: str | None = None
    ) -> tuple[list[Run], int | None]:
        """Newest first, and where to go on. Chapters that a book's run began are left out: they are seen in the book."""
        chosen = where.FlowRunFilter(
            parent_task_run_id=where.FlowRunFilterParentTaskRunId(is_null_=True),
            state=with_status(status) if status else None,
            tags=where.FlowRunFilterTags(all_=[f"book:{book}"]) if book else None,
        )
        runs: list[Run] = []
        while len(runs) < limit:
            page = await self._client.read_flow_runs(
                flow_filter=where.FlowFilter(name=where.FlowFilterName(any_=[CHAPTER, BOOK])),
                flow_run_filter=chosen,
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                limit=PAGE,
                offset=offset,
            )
            for flow_run in page:
                offset += 1
                if not any(tag.startswith(chapters_tag("")) for tag in flow_run.tags):
                    runs.append(run_from(flow_run, await self._flow_name(flow_run.flow_id) or CHAPTER))
                if len(runs) == limit:
                    return runs, offset
            if len(page) < PAGE:
                break
        return runs, None

    async def children(self, task_id: UUID) -> list[Run]:
        """The chapters' runs of a book's run, in the order they were begun."""
        found: list[FlowRun] = []
        while len(found) % 200 == 0:
            more = await self._client.read_flow_runs(
                flow_run_filter=where.FlowRunFilter(
                    tags=where.FlowRunFilterTags(all_=[chapters_tag(str(task_id))])
                ),
                sort=FlowRunSort.EXPECTED_START_TIME_ASC,
                limit=200,
                offset=len(found),
            )
            found += more
            if not more:
                break
        return [run_from(r, CHAPTER) for r in found]

    async def progress(self, task_id: UUID) -> Progress:
        """How far it is, at most FRESH_S old."""
        kept = self._progress.get(task_id)
        if kept is None or time.monotonic() - kept[0] > FRESH_S:
            reading = asyncio.ensure_future(self._read_progress(task_id))
            self._progress[task_id] = (time.monotonic(), reading)
            self._progress.move_to_end(task_id)
            while len(self._progress) > REMEMBERED:
                self._progress.popitem(last=False)
        else:
            reading = kept[1]
        try:
            return await asyncio.shield(reading)
        except BaseException:
            if reading.done() and self._progress.get(task_id, (0, None))[1] is reading:
                del self._progress[task_id]
            raise

    async def cancel(self, task_id: UUID) -> Run:
        """Ask for a run's end: the worker stops it within seconds and the device is free again."""
        run = await self.get(task_id)
        if run.status in ENDED:
            raise conflict(f"it is over already ({run.status})")
        if not run.from_deployment:
            raise conflict("it was started on the command line or from Python; stop it there")
        # Nothing is at work for a run that waits, or whose process is just coming up: that one looks before it begins.
        kind = StateType.CANCELLED if run.status == "queued" else StateType.CANCELLING
        await self._client.set_flow_run_state(task_id, State(type=kind, name=kind.value.capitalize()))
        self._progress.pop(task_id, None)
        return await self.get(task_id)

    async def retry(self, task_id: UUID) -> Run:
        """Queue an ended run again, under the same id; takes that were made are used again."""
        run = await self.get(task_id)
        if run.status not in ("failed", "cancelled", "degraded"):
            raise conflict(
                f"only what failed, was cancelled or is degraded can be tried again; it is {run.status}"
            )
        if not run.from_deployment:
            raise conflict("it was started on the command line or from Python; start it there again")
        await self._client.set_flow_run_state(task_id, Scheduled(name="AwaitingRetry"), force=True)
        self._progress.pop(task_id, None)
        return await self.get(task_id)

    async def log(self, task_id: UUID, limit: int = 100) -> list[LogLine]:
        """Its warnings and errors, oldest first."""
        lines = await self._client.read_logs(
            where.LogFilter(
                flow_run_id=where.LogFilterFlowRunId(any_=[task_id]), level=where.LogFilterLevel(ge_=30)
            ),
            limit=limit,
            sort=LogSort.TIMESTAMP_ASC,
        )
        return [
            LogLine(at=x.timestamp, level="error" if x.level >= 40 else "warning", message=x.message[:1000])
            for x in lines
            if CANCELLED not in x.message
        ]

    async def _read_progress(self, task_id: UUID) -> Progress:
        plan_and_progress = where.ArtifactFilter(
            flow_run_id=where.ArtifactFilterFlowRunId(any_=[task_id]),
            type=where.ArtifactFilterType(any_=["progress", "table"]),
        )
        run, artifacts = await asyncio.gather(
            self.get(task_id), self._client.read_artifacts(artifact_filter=plan_and_progress)
        )
        plan, bars = plan_and_bars(artifacts, run)
        if run.kind == "book":
            return await self._book_progress(run, plan, artifacts)
        message = run.message
        if run.status == "queued":
            message = await self._queue(run)
        return progress_of(
            str(task_id), run.status, message, plan, bars, datetime.now(UTC), started=run.status != "queued"
        )

    async def _book_progress(self, run: Run, plan: list[StageWork], artifacts: list[Any]) -> Progress:
        children = await self.children(run.task_id)
        under_way = [await self.progress(c.task_id) for c in children if c.status == "running"]
        counted = next((a for a in artifacts if str(a.key or "").startswith("book-")), None)
        return book_progress(
            str(run.task_id),
            run.status,
            run.message,
            plan,
            read_bar(counted.metadata_) if counted else None,
            under_way,
            datetime.now(UTC),
            through=sum(c.status in ENDED for c in children),
            since=run.started,
        )

    async def _queue(self, run: Run) -> str:
        before = await self._client.count_flow_runs(
            flow_filter=where.FlowFilter(name=where.FlowFilterName(any_=[CHAPTER])),
            flow_run_filter=where.FlowRunFilter(
                state=where.FlowRunFilterState(
                    type=where.FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])
                ),
                expected_start_time=where.FlowRunFilterExpectedStartTime.model_validate(
                    {"before_": run.created}
                ),
            ),
        )
        others = max(0, before - 1)
        return f"{others} before it in the queue" if others else ""

    async def _deployment(self, kind: Literal["chapter", "book"]) -> UUID:
        name = CHAPTER if kind == "chapter" else BOOK
        if name not in self._deployments:
            try:
                found = await self._client.read_deployment_by_name(f"{name}/{name}")
            except ObjectNotFound:
                raise Problem(
                    503,
                    "unavailable",
                    f"nothing here runs {name}; start: soundbound serve",
                    {"Retry-After": "10"},
                ) from None
            self._deployments[name] = found.id
        return self._deployments[name]

    async def _flow_name(self, flow_id: UUID) -> str | None:
        if flow_id not in self._flows:
            for flow in await self._client.read_flows(
                flow_filter=where.FlowFilter(name=where.FlowFilterName(any_=[CHAPTER, BOOK]))
            ):
                self._flows[flow.id] = flow.name
        return self._flows.get(flow_id)
