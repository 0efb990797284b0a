"""How fast this machine works: measured by every run, kept in `<home>/rates.json`, the base of every estimate.

A stage takes `start + rate · work` seconds. `work` is what time is spent on: expected seconds of audio for takes and
for the mix, chapters for the quick stages. `start` is what comes before: loading the model, mostly. Both are seconds
of the clock on the wall for the stage as a whole, however many takes it makes at once: so lanes need no counting.

The file holds for each name the value and the seconds of measuring that stand behind it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.pace import Pace
from tasks.progress import StageEvent, listening

Measured = tuple[float, float]  # value, seconds it was measured over

FORMAT = "soundbound.rates/2"  # 1 counted a line's length to the power of 1.15
# Before anything was measured here. Seconds per second of audio, of a chapter for the quick stages; on two cores.
FIRST_RATES = {
    "scenes": 0.25,
    "timeline": 0.04,
    "dialogue kokoro": 0.3,
    "start dialogue kokoro": 2.5,
    "dialogue hibari": 0.021,
    "start dialogue hibari": 1.2,
    "environment procedural": 0.024,
    "start environment procedural": 1.0,
    "effects procedural": 0.047,
    "start effects procedural": 0.9,
    "mix": 0.02,
    "publish": 0.15,
}
ON_EVERY_CORE = {"dialogue kokoro", "dialogue hibari"}  # a line a core
FIRST_S = 5.0  # of measuring stand behind these
MEMORY_S = 60.0  # stand behind a value at most: machines change, so what was measured last counts most
ONCE_S = 20.0  # what one start, or one quick stage, counts for
UNKNOWN_RATE = 1.0  # a model never measured here: as fast as speech; the run itself corrects it


class Rates:
    """The measured figures, as they were when this was built."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _known(path)

    def rate(self, stage: str, by: str = "") -> float:
        """Seconds per unit of work."""
        return self._values.get(_name(stage, by), (UNKNOWN_RATE, 0.0))[0]

    def start(self, stage: str, by: str = "") -> float:
        """Seconds before the work."""
        return self._values.get(f"start {_name(stage, by)}", (0.0, 0.0))[0]

    def seconds(self, stage: str, by: str, work: float) -> float:
        """What the stage will take; nothing to do takes nothing."""
        return self.start(stage, by) + self.rate(stage, by) * work if work > 0 else 0.0

    def learn(self, measured: dict[str, Measured]) -> None:
        """Take measured values in, into the file as well: each counts by the seconds it was measured over."""
        with contextlib.suppress(OSError):  # an estimate is not worth a failed run
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("a") as lock:  # two runs may end together
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = _known(self._path)
                for name, new in measured.items():
                    known[name] = _mean(known.get(name, (new[0], 0.0)), new)
                kept = {name: figures for name, figures in known.items() if figures != _first(name)}
                part = self._path.with_suffix(".part")
                text = json.dumps({"format": FORMAT, "rates": kept}, indent=1)
                part.write_text(text, encoding="utf-8")
                part.replace(self._path)
                self._values = known


def _mean(before: Measured, new: Measured) -> Measured:
    seconds = before[1] + new[1]
    value = (before[0] * before[1] + new[0] * new[1]) / seconds if seconds > 0 else before[0]
    return round(value, 5), round(min(MEMORY_S, seconds), 1)


@contextmanager
def learning(path: Path) -> Iterator[None]:
    """Measure every stage that runs in this process within the block, and keep what was measured."""
    stopwatch = Stopwatch()
    with listening(stopwatch):
        try:
            yield
        finally:  # also of a run that failed later on
            if stopwatch.measured:
                Rates(path).learn(stopwatch.measured)


class Stopwatch:
    """Hears stage events, and turns them into rates and starts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.measured: dict[str, Measured] = {}
        self._clock = clock
        self._began: dict[str, float] = {}
        self._first_order: dict[str, float] = {}
        self._pace: dict[str, Pace] = {}
        self._waited: set[str] = set()

    def __call__(self, event: StageEvent) -> None:
        now, stage = self._clock(), event.stage
        if event.state == "started":
            self._began[stage] = now
            self._waited.discard(stage)
            self._first_order.pop(stage, None)
            self._pace.pop(stage, None)
        elif event.state == "waiting":
            self._waited.add(stage)  # for the device: nothing that belongs to the model
        elif event.pace is not None:
            self._first_order.setdefault(stage, now)
            self._pace[stage] = event.pace
        elif event.state == "finished" and stage in self._began and event.work_done > 0:
            self._measure(event, now)

    def _measure(self, event: StageEvent, now: float) -> None:
        name, began = _name(event.stage, event.by), self._began[event.stage]
        if not event.by:  # no model is loaded
            weight_s = ONCE_S if event.total == 1 else now - began
            self.measured[name] = (now - began) / event.work_done, weight_s
            return
        pace = self._pace.get(event.stage)
        if pace is None or pace.work <= 0:
            return
        seen_s, seen_work = pace.seen
        rate = seen_s / pace.lanes / seen_work
        self.measured[name] = rate, seen_s / pace.lanes
        if event.stage not in self._waited:
            late_s = (
                max(0.0, pace.spent_s - seen_s - rate * pace.lanes * (pace.work - seen_work)) / pace.lanes
            )
            self.measured[f"start {name}"] = self._first_order[event.stage] - began + late_s, ONCE_S


def _known(path: Path) -> dict[str, Measured]:
    """The first rates, and what was measured since; what can't be read is not there."""
    known = {name: first for name in FIRST_RATES if (first := _first(name))}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return known
    rates = data.get("rates") if isinstance(data, dict) and data.get("format") == FORMAT else None
    for name, entry in rates.items() if isinstance(rates, dict) else ():
        match entry:
            case [int() | float() as value, int() | float() as seconds] if (
                0 <= value < 1e6 and 0 < seconds <= MEMORY_S
            ):
                known[name] = (float(value), float(seconds))
            case _:
                continue
    return known


def _first(name: str) -> Measured | None:
    if name not in FIRST_RATES:
        return None
    share = 2 / (os.cpu_count() or 1) if name in ON_EVERY_CORE else 1.0
    return round(FIRST_RATES[name] * share, 5), FIRST_S


def _name(stage: str, by: str) -> str:
    return f"{stage} {by}".strip()
