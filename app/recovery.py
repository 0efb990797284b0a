"""Runs whose process is gone, put back into the queue: after a kill, a power cut or a stopped `serve`.

A deployed run holds a lock file `<home>/prefect/runs/<host>/<flow run id>` while it works, and the worker holds it for
the run until its process is up; the kernel frees it on any death. What is found there unlocked belongs to a run that
ended without saying so, or that said it crashed: it is scheduled again, the same run with the same history, and goes on
from the takes and chapters it had.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Scheduled
from prefect.types import DateTime
from prefect.types._datetime import now

ATTEMPTS = 5  # a run that takes its process down this often is left crashed, for a person to look at
CRASHED_S = 20.0  # its own host's worker comes first
# A worker that took a run starts its process within seconds, on a very busy machine within a minute or two; until then
# the run has no process id.
PENDING_S, TAKEN_S = 300.0, 60.0
STARTING = "starting"  # what a worker's lock says
START_S = 30.0  # in which a run's process has come up and holds a lock of its own


def _folder(home: Path) -> Path:
    return home / "prefect" / "runs" / socket.gethostname()


@contextlib.contextmanager
def alive(home: Path, run_id: str | None) -> Iterator[None]:
    """Hold the run's lock while it works. An error or a normal end takes the file away; a death does not."""
    with _locked(home, str(run_id)) as path:
        try:
            yield
        except Exception:
            path.unlink(missing_ok=True)
            raise
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(home: Path, run_id: str) -> Iterator[None]:
    """Hold the run's lock for a process that is being started, until that holds it itself (or has ended)."""
    with _locked(home, run_id) as path:
        path.write_text(STARTING)
        mine = path.stat().st_ino
        yield
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == mine:  # it ended before it began
                path.unlink()


@contextlib.contextmanager
def _locked(home: Path, run_id: str) -> Iterator[Path]:
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    path, unlocked = folder / run_id, folder / f".{run_id}.{os.getpid()}"
    with unlocked.open("a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        unlocked.replace(path)  # nobody finds it before it is locked
        yield path


def left_behind(home: Path) -> list[UUID]:
    """Ids of the runs of this host and home whose process is gone."""
    found = []
    for path in sorted(_folder(home).glob("[!.]*")):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("a+") as f:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            f.seek(0)
            if f.read() == STARTING and time.time() - path.stat().st_mtime < START_S:
                continue  # its worker is gone, but its process may still be on its way up
            found.append(UUID(path.name))
    return found


def recover(client: SyncPrefectClient, home: Path, pools: list[str]) -> list[FlowRun]:
    """Schedule again what was left behind here, what a worker claimed but never started, and what crashed elsewhere."""
    again = []
    for run_id in left_behind(home):
        try:
            run = client.read_flow_run(run_id)
        except ObjectNotFound:  # of another server's time
            run = None
        if run is not None and _unfinished(run):
            _again(client, run)
            again.append(run)
        (_folder(home) / str(run_id)).unlink(missing_ok=True)
    for run in (*_never_started(client, pools), *_crashed(client, home, pools)):
        _again(client, run)
        again.append(run)
    return again


def drop_missed(client: SyncPrefectClient, deployment: str) -> int:
    """Of a schedule's times that passed while nobody worked, keep the last; returns how many were dropped."""
    due = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=cast(DateTime, now("UTC"))),
        ),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[deployment])),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
    )
    last = {str(run.parameters.get("watch")): run.id for run in due if run.auto_scheduled}
    missed = [r for r in due if r.auto_scheduled and r.id not in last.values()]
    for run in missed:
        client.set_flow_run_state(run.id, Cancelled(message="a later time has come"), force=True)
    return len(missed)


def _unfinished(run: FlowRun) -> bool:
    """Running for the server, or crashed by what killed it; a person's cancel and a failure are ends."""
    kinds = {StateType.RUNNING, StateType.PENDING, StateType.CRASHED}
    return run.state_type in kinds and run.run_count <= ATTEMPTS


def _never_started(client: SyncPrefectClient, pools: list[str]) -> list[FlowRun]:
    pending = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING]))
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=pools)),
    )

    def too_long(run: FlowRun) -> bool:
        patience_s = PENDING_S if run.infrastructure_pid else TAKEN_S
        return run.state is not None and run.state.timestamp < now("UTC") - timedelta(seconds=patience_s)

    return [r for r in pending if too_long(r)]


def _crashed(client: SyncPrefectClient, home: Path, pools: list[str]) -> list[FlowRun]:
    """Runs that the server gave up on because their host went silent. A run that lives here after all is left alone."""
    crashed = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=pools)),
    )
    age = timedelta(seconds=CRASHED_S), timedelta(days=1)
    return [
        r
        for r in crashed
        if r.state is not None
        and age[0] < now("UTC") - r.state.timestamp < age[1]
        and r.run_count <= ATTEMPTS
        and not (_folder(home) / str(r.id)).exists()
    ]


def _again(client: SyncPrefectClient, run: FlowRun) -> None:
    message = "its process was gone; it goes on from what it had made"
    client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry", message=message), force=True)
