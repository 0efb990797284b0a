"""/api/v1/tasks: list, progress, cancel, retry, log, and rendering again with one line or voice changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import Success, failures
from app.api.generation import Started, started
from app.api.services import TaskId, desk_of, run_of, runs_of
from app.orders import Change, Desk
from app.problems import Problem
from app.run_progress import Progress, Status
from app.run_record import LogLine, Run
from app.runs import Runs

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class Task(BaseModel):
    """One task as it stands."""

    task_id: str
    name: str
    kind: str  # chapter | book
    status: Status
    message: str
    chapters: str
    created: datetime | None
    started: datetime | None
    ended: datetime | None
    attempts: int
    book: str | None  # the book in the library it belongs to


class Tasks(BaseModel):
    tasks: list[Task]
    next_offset: int | None


class Log(BaseModel):
    lines: list[LogLine]


class Edit(Change):
    """A line and what becomes of it."""

    segment_id: str = Field(min_length=1, max_length=300)
    chapter: str | None = Field(default=None, max_length=300, description="For a task of several chapters")


class Recast(BaseModel):
    model_config = ConfigDict(extra="forbid")

    voices: dict[str, str] = Field(
        min_length=1, max_length=1000, description="Character id → voice id, for the whole chapter"
    )
    chapter: str | None = Field(default=None, max_length=300)


def task_of(run: Run) -> Task:
    book = next((t.removeprefix("book:") for t in run.tags if t.startswith("book:")), None)
    fields = run.model_dump(include=set(Task.model_fields) - {"task_id", "book"})
    return Task(task_id=str(run.task_id), book=book, **fields)


@router.get("", responses=failures(422, 503))
async def list_tasks(
    runs: Annotated[Runs, Depends(runs_of)],
    status: Status | None = None,
    book: Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Success[Tasks]:
    """Tasks, newest first."""
    found, following = await runs.recent(limit=limit, offset=offset, status=status, book=book)
    return Success(data=Tasks(tasks=[task_of(r) for r in found], next_offset=following))


@router.get("/{task_id}", responses=failures(404, 422, 503))
async def get_task(run: Annotated[Run, Depends(run_of)]) -> Success[Task]:
    """One task."""
    return Success(data=task_of(run))


@router.get("/{task_id}/progress", responses=failures(404, 422, 503))
async def progress(task_id: TaskId, runs: Annotated[Runs, Depends(runs_of)]) -> Success[Progress]:
    """How far it is, stage by stage; `estimated_remaining` in seconds."""
    return Success(data=await runs.progress(task_id))


@router.get("/{task_id}/log", responses=failures(404, 422, 503))
async def log(run: Annotated[Run, Depends(run_of)], runs: Annotated[Runs, Depends(runs_of)]) -> Success[Log]:
    """Its warnings and errors."""
    return Success(data=Log(lines=await runs.log(run.task_id)))


@router.post("/{task_id}/cancel", status_code=202, responses=failures(403, 404, 409, 422, 503))
async def cancel(task_id: TaskId, desk: Annotated[Desk, Depends(desk_of)]) -> Success[Task]:
    """Stop it; the device is free within seconds. Takes that were made are kept."""
    return Success(data=task_of(await desk.cancel(task_id)))


@router.post("/{task_id}/retry", status_code=202, responses=failures(403, 404, 409, 422, 503))
async def retry(task_id: TaskId, runs: Annotated[Runs, Depends(runs_of)]) -> Success[Task]:
    """Queue a failed, cancelled or degraded task again, under the same id."""
    return Success(data=task_of(await runs.retry(task_id)))


CHANGED = failures(400, 403, 404, 409, 413, 422, 503)
RunNamed = Annotated[Run, Depends(run_of)]
DeskHere = Annotated[Desk, Depends(desk_of)]


@router.post("/{task_id}/edits", status_code=202, responses=CHANGED)
async def edit(request: Request, body: Edit, run: RunNamed, desk: DeskHere) -> Success[Started]:
    """Render the chapter again with one line changed: a new task, in which only that line's take is made."""
    change = Change.model_validate(body.model_dump(exclude={"segment_id", "chapter"}, exclude_none=True))
    chapter = await _chapter(run, desk, body.chapter)
    ordered = await desk.edit(run, chapter, body.segment_id, change)
    return Success(data=started(ordered, request))


@router.post("/{task_id}/cast", status_code=202, responses=CHANGED)
async def recast(request: Request, body: Recast, run: RunNamed, desk: DeskHere) -> Success[Started]:
    """Render the chapter again with other voices: a new task, in which only those characters' takes are made."""
    chapter = await _chapter(run, desk, body.chapter)
    return Success(data=started(await desk.recast(run, chapter, body.voices), request))


async def _chapter(run: Run, desk: Desk, named: str | None) -> str:
    """The id of the one chapter that is meant."""
    _, chapters = await desk.chapters(run)
    ids = [c.id for c in chapters]
    if named is None and len(ids) == 1:
        return ids[0]
    if named not in ids:
        raise Problem(422, "invalid_request", f"chapter: name one of {', '.join(ids[:10])}")
    return named
