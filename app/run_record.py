"""A run as API and page show it, from what Prefect keeps of it: state, parameters, plan and bars. Pure."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from prefect.client.schemas import filters as where
from prefect.client.schemas.objects import FlowRun, StateType
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.run_progress import ENDED, Bar, Status
from flows.forecast import plan_key
from tasks.bar import read_bar
from tasks.forecast import STAGES, StageWork

CHAPTER, BOOK = "render-chapter", "render-book"
PLAN = TypeAdapter(list[StageWork])

STATUS: dict[StateType, Status] = {
    StateType.SCHEDULED: "queued",
    StateType.PENDING: "queued",
    StateType.PAUSED: "queued",
    StateType.RUNNING: "running",
    StateType.CANCELLING: "cancelling",
    StateType.CANCELLED: "cancelled",
    StateType.COMPLETED: "completed",
    StateType.FAILED: "failed",
    StateType.CRASHED: "failed",
}


class Run(BaseModel):
    """One task: what was asked for, and where it stands."""

    task_id: UUID
    name: str
    kind: Literal["chapter", "book"]
    status: Status
    message: str
    chapters: str  # which ones, as asked for
    options: dict[str, Any]
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    attempts: int
    novel: Path
    tags: list[str]
    from_deployment: bool
    stage_since: datetime | None  # when the present state began


class LogLine(BaseModel):
    at: datetime
    level: Literal["warning", "error"]
    message: str


def run_from(flow_run: FlowRun, flow: str) -> Run:
    """`flow`: its flow's name."""
    state = flow_run.state
    status = STATUS[state.type] if state else "queued"
    if state and status == "completed" and state.name == "Degraded":
        status = "degraded"
    given = flow_run.parameters
    options = given.get("options")
    return Run(
        task_id=flow_run.id,
        name=flow_run.name,
        kind="book" if flow == BOOK else "chapter",
        status=status,
        message="" if status == "cancelled" else _said(state.message if state else None),
        chapters=str(given.get("chapter") or given.get("chapters") or ("all" if flow == BOOK else "1")),
        options=options if isinstance(options, dict) else {},
        created=flow_run.created,
        started=flow_run.start_time,
        ended=flow_run.end_time if status in ENDED else None,
        attempts=flow_run.run_count,
        novel=Path(str(given.get("novel", ""))),
        tags=flow_run.tags,
        from_deployment=flow_run.deployment_id is not None,
        stage_since=state.timestamp if state else None,
    )


def _said(message: str | None) -> str:
    """A state's message as a person reads it: an error of ours without Prefect's frame around it."""
    text = " ".join((message or "").split())
    frame = "Flow run encountered an exception: "
    if text.startswith(frame):
        text = text.removeprefix(frame).partition(": ")[2] or text
    return text[:500]


def with_status(status: Status) -> where.FlowRunFilterState:
    if status == "degraded":
        return where.FlowRunFilterState(name=where.FlowRunFilterStateName(any_=["Degraded"]))
    types = [t for t, s in STATUS.items() if s == status]
    of_type = where.FlowRunFilterStateType(any_=types)
    if status == "completed":
        return where.FlowRunFilterState(
            type=of_type, name=where.FlowRunFilterStateName(not_any_=["Degraded"])
        )
    return where.FlowRunFilterState(type=of_type)


def plan_and_bars(artifacts: list[Any], run: Run) -> tuple[list[StageWork], dict[str, Bar]]:
    """The latest plan, and the latest bar of each stage in the run's present attempt."""
    plan: list[StageWork] = []
    bars: dict[str, Bar] = {}
    since = run.stage_since if run.attempts > 1 and run.status not in ENDED else None
    for artifact in sorted(artifacts, key=lambda a: a.updated or a.created):
        stage = str(artifact.key or "").rpartition("-")[0]
        if artifact.type == "table" and artifact.key == plan_key(run.task_id):
            try:
                plan = PLAN.validate_json(artifact.data)
            except ValidationError:  # of another version of ours
                plan = []
        elif artifact.type == "progress" and stage in STAGES:
            state = read_bar(artifact.metadata_)
            if state and (since is None or artifact.created >= since):
                bars[stage] = Bar(state, artifact.created, artifact.updated or artifact.created)
    return plan, bars
