"""How fast this machine works: measured by every run, kept in `<home>/rates.json`, the base of every estimate.

A stage takes `start + rate · work` seconds. `work` is what time is spent on: seconds of audio for takes and for the mix,
chapters for the quick stages. `start` is what comes before the first unit is done: loading the model, mostly.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.progress import StageEvent, listening

# Before anything was measured here. Seconds per second of audio by Kokoro or hibari on two cores, of procedural sound,
# of a mix; per chapter otherwise.
FIRST_RATES = {
    "scenes": 0.5,
    "timeline": 0.2,
    "dialogue kokoro": 0.35,
    "start dialogue kokoro": 3.0,
    "dialogue hibari": 0.03,
    "start dialogue hibari": 1.5,
    "environment procedural": 0.03,
    "start environment procedural": 1.0,
    "effects procedural": 0.05,
    "start effects procedural": 1.0,
    "mix": 0.05,
    "publish": 0.3,
}
TELLING_S = 20.0  # a stage that took so long counts half against what was known, a shorter one less
UNKNOWN_RATE = 1.0  # a model never measured here: as fast as speech; the run itself corrects it
TRUSTED_UNITS = 3  # fewer say nothing of the pace


class Rates:
    """The measured figures, as they were when this was built."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = {**FIRST_RATES, **_read(path)}

    def rate(self, stage: str, by: str = "") -> float:
        """Seconds per unit of work."""
        return self._values.get(_name(stage, by), UNKNOWN_RATE)

    def start(self, stage: str, by: str = "") -> float:
        """Seconds before the first unit."""
        return self._values.get(f"start {_name(stage, by)}", 0.0)

    def seconds(self, stage: str, by: str, work: float) -> float:
        """What the stage will take; nothing to do takes nothing."""
        return self.start(stage, by) + self.rate(stage, by) * work if work > 0 else 0.0

    def learn(self, measured: dict[str, tuple[float, float]]) -> None:
        """Take measured values in, into the file as well.

        Args:
            measured: name → (value, the seconds it was measured over): longer ones count more, half at the most.
        """
        with contextlib.suppress(OSError):  # an estimate is not worth a failed run
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("a") as lock:  # two runs may end together
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = _read(self._path)
                for name, (value, seconds) in measured.items():
                    share = 0.5 * min(1.0, seconds / TELLING_S)
                    kept[name] = round((1 - share) * kept.get(name, value) + share * value, 5)
                part = self._path.with_suffix(".part")
                part.write_text(json.dumps(kept, indent=1), encoding="utf-8")
                part.replace(self._path)
                self._values.update(kept)


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
        self.measured: dict[str, tuple[float, float]] = {}
        self._clock = clock
        self._began: dict[str, float] = {}
        self._first: dict[str, tuple[float, StageEvent]] = {}
        self._waited: set[str] = set()

    def __call__(self, event: StageEvent) -> None:
        now, stage = self._clock(), event.stage
        if event.state == "started":
            self._began[stage] = now
            self._first.pop(stage, None)
            self._waited.discard(stage)
        elif event.state == "waiting":
            self._waited.add(stage)  # for the device: nothing that belongs to the model
        elif event.state == "advanced":
            self._first.setdefault(stage, (now, event))
        elif event.state == "finished" and stage in self._first and event.work_done > 0:
            self._measure(event, now)

    def _measure(self, event: StageEvent, now: float) -> None:
        name = _name(event.stage, event.by)
        began, (first_at, first) = self._began.get(event.stage, now), self._first[event.stage]
        rest = event.work_done - first.work_done
        if event.done - first.done < TRUSTED_UNITS - 1 or rest <= 0:
            if not event.by:  # quick stages of one unit
                self.measured[name] = ((now - began) / event.work_done, TELLING_S)
            return
        rate = (now - first_at) / rest
        self.measured[name] = (rate, now - first_at)
        if event.stage not in self._waited:
            start = max(0.0, first_at - began - rate * first.work_done)
            self.measured[f"start {name}"] = (start, TELLING_S)


def _read(path: Path) -> dict[str, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    usable = data.items() if isinstance(data, dict) else ()
    return {k: float(v) for k, v in usable if isinstance(v, int | float) and 0 <= v < 1e6}


def _name(stage: str, by: str) -> str:
    return f"{stage} {by}".strip()
