"""Progress of a stage: one Prefect progress artifact a stage, and in-process listeners (the terminal's live display)
that hear every step at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from prefect.context import TaskRunContext

from models.pace import Pace
from tasks.bar import BarState
from tasks.bar_artifact import BarArtifact

State = Literal["started", "paced", "advanced", "waiting", "finished", "skipped"]


@dataclass(frozen=True)
class StageEvent:
    """`done` of `total` `unit`s in `stage`; `note` is a sentence for a person.

    `work_done` of `work_total` is the same in what time is spent on (seconds of audio for takes), `by` is who spends
    it (the model), and `pace` how it gets on with it: what an estimate of the time left needs.
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
    pace: Pace | None = None  # in "paced" events


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
        self._work, self._work_done, self._by = total if work is None else work, 0.0, by
        self._state = BarState(stage=stage, unit=unit, total=total, share=0.0 if self._work > 0 else 1.0)
        self._began = time.monotonic()
        self._before = 0.0, 0.0
        context = TaskRunContext.get()
        run = context.task_run if context is not None else None
        self._artifact = (
            BarArtifact(self._state, run.flow_run_id, run.id) if run and run.flow_run_id else None
        )
        self._tell("started")

    def advance(self, note: str = "", *, work: float = 1.0) -> None:
        """One unit more, which was `work` of the stage's work."""
        self._advance(self._state.done + 1, self._work_done + work, note)

    def set(self, done: float) -> None:
        """For stages whose units are equal shares of their work."""
        self._advance(done, self._work * done / self._state.total, "")

    def _advance(self, done: float, work_done: float, note: str) -> None:
        self._work_done = min(work_done, self._work)
        share = self._work_done / self._work if self._work > 0 else 1.0
        done = min(done, self._state.total)
        self._state = self._state.model_copy(update={"done": done, "share": share, "note": ""})
        self._tell("advanced", note)
        self._show()

    def next_engine(self) -> None:
        """What the engines before have made stays counted."""
        self._before = self._state.lane_s, self._state.lane_work

    def paced(self, pace: Pace) -> None:
        """An order was begun, or is through."""
        pace = replace(pace, spent_s=pace.spent_s + self._before[0], work=pace.work + self._before[1])
        self._state = self._state.paced(pace, self._began)
        self._tell("paced", pace=pace)
        self._show()

    def waiting(self, note: str) -> None:
        self._tell("waiting", note)
        self._state = self._state.model_copy(update={"note": note})
        self._show(at_once=True)

    def at_work(self) -> None:
        """What was waited for is there."""
        if self._state.note:
            self._state = self._state.model_copy(update={"note": ""})
            self._show(at_once=True)

    def finish(self) -> None:
        self._work_done = self._work  # summed floats: the last unit is the whole
        self._state = self._state.model_copy(update={"share": 1.0, "note": ""})
        self._show(at_once=True)
        self._tell("finished")

    def _show(self, *, at_once: bool = False) -> None:
        if self._artifact is not None:
            self._artifact.show(self._state, at_once=at_once)

    def _tell(self, state: State, note: str = "", pace: Pace | None = None) -> None:
        bar = self._state
        tell(
            StageEvent(
                bar.stage,
                state,
                bar.done,
                bar.total,
                bar.unit,
                note,
                self._work_done,
                self._work,
                self._by,
                pace,
            )
        )
