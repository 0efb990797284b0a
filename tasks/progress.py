"""Progress of a stage: one Prefect progress artifact a stage (updated at most once a second), and in-process
listeners (the terminal's live display) that hear every step at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext

ARTIFACT_EVERY_S = 1.0  # an update costs 12 ms and a database row's write (PREFECT.md)


@dataclass(frozen=True)
class StageEvent:
    """`done` of `total` `unit`s in `stage`; `note` is a sentence for a person."""

    stage: str
    state: Literal["started", "advanced", "waiting", "finished", "skipped"]
    done: float = 0
    total: float = 0
    unit: str = ""
    note: str = ""


_listeners: list[Callable[[StageEvent], None]] = []


@contextmanager
def listening(listener: Callable[[StageEvent], None]) -> Iterator[None]:
    """Call `listener` with every stage event of flows run in this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: StageEvent) -> None:
    for listener in list(_listeners):
        listener(event)


class StageProgress:
    """Counts a stage's units, e.g. "line 12 of 93"."""

    def __init__(self, stage: str, total: float, unit: str) -> None:
        self.stage, self.total, self.unit, self.done = stage, total, unit, 0.0
        self._artifact: UUID | None = None
        self._updated = 0.0
        context = TaskRunContext.get()
        if context is not None:
            key = f"{context.task_run.flow_run_id}-{stage}"
            artifact = create_progress_artifact(0.0, key=key, description=self._description())
            self._artifact = cast(UUID, artifact)  # the sync side of a sync-compatible call
        tell(StageEvent(stage, "started", 0, total, unit))

    def advance(self, by: float = 1, note: str = "") -> None:
        self.set(self.done + by, note)

    def set(self, done: float, note: str = "") -> None:
        self.done = min(done, self.total)
        tell(StageEvent(self.stage, "advanced", self.done, self.total, self.unit, note))
        now = time.monotonic()
        if now - self._updated >= ARTIFACT_EVERY_S:
            self._updated = now
            self._update()

    def waiting(self, note: str) -> None:
        tell(StageEvent(self.stage, "waiting", self.done, self.total, self.unit, note))

    def finish(self) -> None:
        self._update()
        tell(StageEvent(self.stage, "finished", self.done, self.total, self.unit))

    def _update(self) -> None:
        if self._artifact is not None:
            share = 100.0 if self.total == 0 else 100.0 * self.done / self.total
            update_progress_artifact(self._artifact, progress=share, description=self._description())

    def _description(self) -> str:
        return f"{self.stage}: {self.unit} {self.done:g} of {self.total:g}"
