"""How fast this machine works: measured by every run, kept in `<home>/rates.json`, the base of every estimate.

A stage takes `start + rate · work` seconds. `work` is what time is spent on: about seconds of audio for takes
(tasks/generation.py: work_of) and for the mix, chapters for the quick stages. `start` is what comes before: loading the
model, mostly.

The file holds for each name the value and the seconds of measuring that stand behind it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tasks.progress import StageEvent, listening

Measured = tuple[float, float]  # value, seconds it was measured over

# Before anything was measured here. Seconds per unit of work by Kokoro or hibari on two cores, by procedural sound, of a
# mix; per chapter otherwise.
FIRST_RATES = {
    "scenes": 0.5,
    "timeline": 0.2,
    "dialogue kokoro": 0.23,
    "start dialogue kokoro": 3.0,
    "dialogue hibari": 0.022,
    "start dialogue hibari": 1.5,
    "environment procedural": 0.03,
    "start environment procedural": 2.5,
    "effects procedural": 0.05,
    "start effects procedural": 2.0,
    "mix": 0.045,
    "publish": 0.3,
}
FIRST_S = 5.0  # of measuring stand behind these
MEMORY_S = 60.0  # stand behind a value at most: machines change, so what was measured last counts most
ONCE_S = 20.0  # what one start, or one quick stage, counts for
UNKNOWN_RATE = 1.0  # a model never measured here: as fast as speech; the run itself corrects it
TRUSTED_UNITS = 3  # fewer say nothing of the pace


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
                part.write_text(json.dumps(kept, indent=1), encoding="utf-8")
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
        self._seen: dict[str, list[tuple[float, float]]] = {}  # work done, and when
        self._waited: set[str] = set()

    def __call__(self, event: StageEvent) -> None:
        now, stage = self._clock(), event.stage
        if event.state == "started":
            self._began[stage], self._seen[stage] = now, []
            self._waited.discard(stage)
        elif event.state == "waiting":
            self._waited.add(stage)  # for the device: nothing that belongs to the model
        elif event.state == "advanced":
            self._seen.setdefault(stage, []).append((event.work_done, now))
        elif event.state == "finished" and stage in self._began and event.work_done > 0:
            self._measure(event, now)

    def _measure(self, event: StageEvent, now: float) -> None:
        name = _name(event.stage, event.by)
        began, seen = self._began[event.stage], self._seen[event.stage]
        if not event.by:  # no model is loaded
            self.measured[name] = (
                (now - began) / event.work_done,
                ONCE_S if event.total == 1 else now - began,
            )
            return
        if len(seen) < TRUSTED_UNITS or seen[-1][0] <= seen[0][0]:
            return
        rate, start_s = line(seen)
        self.measured[name] = (rate, seen[-1][1] - seen[0][1])
        if event.stage not in self._waited:
            self.measured[f"start {name}"] = (max(0.0, start_s - began), ONCE_S)


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope (not negative) and value at 0 of the straight line that is nearest to all points."""
    x, y = np.array(points, np.float64).T
    away = x - x.mean()
    slope = max(0.0, float(away @ (y - y.mean()) / (away @ away)))
    return slope, float(y.mean() - slope * x.mean())


def _known(path: Path) -> dict[str, Measured]:
    """The first rates, and what was measured since; what can't be read is not there."""
    known = {name: (value, FIRST_S) for name, value in FIRST_RATES.items()}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return known
    for name, entry in data.items() if isinstance(data, dict) else ():
        match entry:
            case [int() | float() as value, int() | float() as seconds] if (
                0 <= value < 1e6 and 0 < seconds <= MEMORY_S
            ):
                known[name] = (float(value), float(seconds))
            case _:
                continue
    return known


def _first(name: str) -> Measured | None:
    return (FIRST_RATES[name], FIRST_S) if name in FIRST_RATES else None


def _name(stage: str, by: str) -> str:
    return f"{stage} {by}".strip()
