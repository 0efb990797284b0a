"""The live display of a render in the terminal: one bar a stage, and an estimate of the time left.

The estimate starts from this machine's rates of earlier runs (tasks/rates.py) and learns from the run itself.
"""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from models.pace import Pace
from tasks.bar import BarState
from tasks.forecast import StageWork
from tasks.progress import StageEvent
from tasks.rates import Rates
from tasks.remaining import left_s


class _Left(ProgressColumn):
    """Time left of a stage under way."""

    def render(self, task: Task) -> Text:
        left = task.fields.get("left_s")
        return Text("" if left is None else f"{_clock(left)} left", style="progress.remaining")


class Display:
    """Hears stage events; draws bars on a terminal, prints a line a stage elsewhere, nothing when quiet."""

    def __init__(self, console: Console, rates: Rates, title: str) -> None:
        self._console, self._rates, self._title = console, rates, title
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._pace: dict[str, Pace] = {}
        self._cached: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("  {task.description:<12}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            _Left(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Display:
        self._console.print(self._title, style="bold", highlight=False)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: StageEvent) -> None:
        now = time.monotonic()
        if event.pace is not None:
            self._pace[event.stage] = event.pace
            return
        bar = self._bar(event)
        if event.state == "started":
            self._began[event.stage] = now
            self._pace.pop(event.stage, None)
        left = self._left_s(event, now)
        note = (
            event.note
            if event.state in ("advanced", "waiting")
            else ("all cached" if event.state == "skipped" else "")
        )
        self._progress.update(
            bar,
            completed=event.done,
            total=event.total,
            left_s=left,
            note=_short(note),
            unit=_many(event.unit),
        )
        if not self._console.is_terminal:
            self._line(event, left)

    def _bar(self, event: StageEvent) -> TaskID:
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(
                event.stage, total=event.total, unit=_many(event.unit), note="", left_s=None
            )
        return self._tasks[event.stage]

    def _left_s(self, event: StageEvent, now: float) -> float | None:
        if event.state not in ("started", "advanced") or event.done >= event.total:
            return None
        began = self._began.get(event.stage, now)
        share = event.work_done / event.work_total if event.work_total else 1.0
        state = BarState(stage=event.stage, unit=event.unit, share=share)
        if (pace := self._pace.get(event.stage)) is not None:
            state = state.paced(pace, began)
        work = StageWork(
            stage=event.stage,
            unit=event.unit,
            total=int(event.total),
            work=event.work_total,
            start_s=self._rates.start(event.stage, event.by),
            expected_s=self._rates.seconds(event.stage, event.by, event.work_total),
        )
        return left_s(work, state, now - began)

    def _line(self, event: StageEvent, left: float | None) -> None:
        """For logs and pipes: the beginning and the end of each stage, waits, and every tenth of a long one."""
        if event.state == "waiting":
            self._console.print(f"  {event.stage}: {event.note}", highlight=False)
        elif event.state == "skipped":
            self._console.print(
                f"  {event.stage}: all {event.total:g} {_many(event.unit)} are cached", highlight=False
            )
        elif event.state == "finished":
            spent = time.monotonic() - self._began.get(event.stage, time.monotonic())
            self._console.print(
                f"  {event.stage}: {event.done:g} of {event.total:g} {_many(event.unit)} in {_clock(spent)}",
                highlight=False,
            )
        elif event.state == "advanced" and event.total >= 20 and event.stage != "mix":
            tenth = int(10 * event.done / event.total)
            if tenth > self._cached.get(event.stage, 0) and event.done < event.total:
                self._cached[event.stage] = tenth
                tail = f", {_clock(left)} left" if left is not None else ""
                self._console.print(
                    f"  {event.stage}: {event.unit} {event.done:g} of {event.total:g}{tail}", highlight=False
                )


class BookDisplay:
    """A display a chapter, one after another; chapters that are kept get a line."""

    def __init__(self, console: Console, rates: Rates) -> None:
        self._console, self._rates = console, rates
        self._chapter: Display | None = None

    def __enter__(self) -> BookDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, event: StageEvent) -> None:
        if event.stage != "book":
            if self._chapter is not None:
                self._chapter(event)
        elif event.state == "started":
            self._close()
            title = f"{event.note}  ({event.done + 1:g} of {event.total:g})"
            self._chapter = Display(self._console, self._rates, title).__enter__()
        else:
            self._close()
            if event.note.endswith("kept"):
                number = event.note.removesuffix(" kept")
                self._console.print(f"chapter {number}: finished and unchanged", style="dim", highlight=False)

    def _close(self) -> None:
        if self._chapter is not None:
            self._chapter.__exit__()
            self._chapter = None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _many(unit: str) -> str:
    return unit if unit == "percent" else f"{unit}s"


def _short(note: str) -> str:
    note = " ".join(note.split())
    return note if len(note) <= 40 else note[:39] + "…"
