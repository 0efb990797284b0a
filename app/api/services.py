"""What the routes need, as dependencies: the desk that takes orders, the runs, the library."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from app.finished import Finished, finished
from app.orders import Desk
from app.problems import Problem
from app.run_record import Run
from app.runs import Runs


def desk_of(request: Request) -> Desk:
    desk = getattr(request.app.state, "desk", None)
    if desk is None:
        raise Problem(503, "unavailable", "the service is starting; try again", {"Retry-After": "2"})
    return desk


def runs_of(desk: Annotated[Desk, Depends(desk_of)]) -> Runs:
    return desk.runs


TaskId = Annotated[UUID, Path(description="The task: its Prefect flow run's id")]


async def run_of(task_id: TaskId, runs: Annotated[Runs, Depends(runs_of)]) -> Run:
    return await runs.get(task_id)


async def finished_of(
    run: Annotated[Run, Depends(run_of)], desk: Annotated[Desk, Depends(desk_of)], chapter: str | None = None
) -> Finished:
    """A finished chapter's files. `chapter`: its id, for a task of several."""
    return await desk.heavy(lambda: finished(run, desk.settings.library_dir, chapter))
