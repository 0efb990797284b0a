"""The live display of a render in the terminal: one bar a stage, and an estimate of the time left.

The estimate starts from this machine's rates of earlier runs (`<home>/rates.json`) and learns from the run itself.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from tasks.progress import StageEvent

STAGES = ("scenes", "timeline", "dialogue", "environment", "effects", "mix", "publish")
# Seconds per unit of work before anything was measured here: a second of speech by Kokoro or hibari on two cores, a
# second of procedural sound, a percent of a mix.
FIRST_RATES = {
    "dialogue kokoro": 0.35,
    "dialogue hibari": 0.03,
    "environment procedural": 0.03,
    "effects procedural": 0.05,
    "mix": 0.15,
}


class Rates:
    """Seconds per unit of work, by stage and model, on this machine; smoothed over runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._rates = {**FIRST_RATES, **json.loads(path.read_text(encoding="utf-8"))}
        except (OSError, ValueError):
            self._rates = dict(FIRST_RATES)

    def of(self, event: StageEvent) -> float | None:
        return self._rates.get(_rate_name(event))

    def learn(self, event: StageEvent, seconds: float) -> None:
        if event.work_done > 0:
            measured, name = seconds / event.work_done, _rate_name(event)
            self._rates[name] = round(0.5 * self._rates.get(name, measured) + 0.5 * measured, 5)

    def save(self) -> None:
        with contextlib.suppress(OSError):  # an estimate is not worth a failed run
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._rates), encoding="utf-8")


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
        self._rates.save()

    def __call__(self, event: StageEvent) -> None:
        bar = self._bar(event)
        now = time.monotonic()
        if event.state == "started":
            self._began[event.stage] = now
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
        if event.state == "finished":
            self._rates.learn(event, now - self._began.get(event.stage, now))
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
        rate = self._rates.of(event)
        if event.done >= 2 and event.work_done > 0:  # the run's own pace counts more the further it is
            share = min(1.0, 3 * event.work_done / event.work_total)
            own = (now - self._began.get(event.stage, now)) / event.work_done
            rate = own if rate is None else (1 - share) * rate + share * own
        return None if rate is None else rate * (event.work_total - event.work_done)

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


def _rate_name(event: StageEvent) -> str:
    return f"{event.stage} {event.by}".strip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _many(unit: str) -> str:
    return unit if unit == "percent" else f"{unit}s"


def _short(note: str) -> str:
    note = " ".join(note.split())
    return note if len(note) <= 40 else note[:39] + "…"
