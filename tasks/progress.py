"""Progress of a stage: one Prefect progress artifact a stage (updated at most twice a second), and in-process
listeners (the terminal's live display) that hear every step at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectException
from prefect.logging import get_logger

ARTIFACT_EVERY_S = 0.5  # an update costs 12 ms and a database row's write; the page shows it within a second

State = Literal["started", "advanced", "waiting", "finished", "skipped"]


@dataclass(frozen=True)
class StageEvent:
    """`done` of `total` `unit`s in `stage`; `note` is a sentence for a person.

    `work_done` of `work_total` is the same in what time is spent on (seconds of audio for takes), and `by` is who
    spends it (the model): what an estimate of the time left needs.
    """

    stage: str
    state: State
    done: float = 0
    total: float = 0
    unit: str = ""
    note: str = ""
    work_done: float = 0
    work_total: float = 0
    by: str = ""


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


@contextmanager
def only_a_view() -> Iterator[None]:
    """What is shown costs no audio: a Prefect server that is away for a moment loses us a line on a page, no stage."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as e:
        get_logger("soundbound").warning("Prefect's page could not be updated: %s", e or type(e).__name__)


@contextmanager
def percent(stage: str) -> Iterator[Callable[[float], None]]:
    """Progress of a stage that tells its share, 0..1; finished at the block's end."""
    progress = StageProgress(stage, 100, "percent")
    yield lambda share: progress.set(round(100 * share))
    progress.finish()


class StageProgress:
    """Counts a stage's units, e.g. "line 12 of 93"."""

    def __init__(
        self, stage: str, total: float, unit: str, *, work: float | None = None, by: str = ""
    ) -> None:
        """`work`: the stage's whole work, where that is not the count of units."""
        self.stage, self.total, self.unit, self.done = stage, total, unit, 0.0
        self._work, self._work_done, self._by = total if work is None else work, 0.0, by
        self._artifact: UUID | None = None
        self._updated = 0.0
        self._began = time.monotonic()
        self._first: tuple[float, float] | None = None  # percent and seconds until the first unit was done
        context = TaskRunContext.get()
        if context is not None:
            key = f"{stage}-{str(context.task_run.flow_run_id)[-8:]}"
            with only_a_view():
                artifact = create_progress_artifact(0.0, key=key, description=self._description())
                self._artifact = cast(UUID, artifact)  # the sync side of a sync-compatible call
        self._tell("started")

    def advance(self, note: str = "", *, work: float = 1.0) -> None:
        """One unit more, which was `work` of the stage's work."""
        self._advance(self.done + 1, self._work_done + work, note)

    def set(self, done: float) -> None:
        """For stages whose units are equal shares of their work."""
        self._advance(done, self._work * done / self.total, "")

    def _advance(self, done: float, work_done: float, note: str) -> None:
        self.done, self._work_done = min(done, self.total), min(work_done, self._work)
        self._tell("advanced", note)
        now = time.monotonic()
        if self._first is None:
            self._first = (self._percent(), now - self._began)
        if now - self._updated >= ARTIFACT_EVERY_S:
            self._updated = now
            self._update()

    def waiting(self, note: str) -> None:
        self._tell("waiting", note)
        self._update(note)

    def finish(self) -> None:
        self._work_done = self._work  # summed floats: the last unit is the whole
        self._update()
        self._tell("finished")

    def _tell(self, state: State, note: str = "") -> None:
        tell(
            StageEvent(
                self.stage,
                state,
                self.done,
                self.total,
                self.unit,
                note,
                self._work_done,
                self._work,
                self._by,
            )
        )

    def _update(self, note: str = "") -> None:
        if self._artifact is not None:
            with only_a_view():
                update_progress_artifact(
                    self._artifact, progress=self._percent(), description=self._description(note)
                )

    def _percent(self) -> float:
        return 100.0 if self._work <= 0 else 100.0 * self._work_done / self._work

    def _description(self, note: str = "") -> str:
        said = f"{self.stage}: {self.unit} {self.done:g} of {self.total:g}"
        if self._by and self._first is not None:
            said += f", the first {self._first[0]:.1f} % after {self._first[1]:.1f} s"
        return f"{said} · {note}" if note else said
