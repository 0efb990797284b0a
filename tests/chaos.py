"""Judging a chaotic run from what was written down: did two models ever live at once, who waited for what."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Life:
    """One model process by its own timestamps, in seconds of the machine's monotonic clock."""

    pid: int
    first_s: float
    last_s: float
    signs: int
    faults: tuple[str, ...]


def lives(witness: Path) -> list[Life]:
    """Every model process of the run, in the order of their beginning."""
    times, faults = defaultdict[int, list[float]](list), defaultdict[int, list[str]](list)
    for line in witness.read_text().splitlines():
        t, pid, what = line.split(" ", 2)
        times[int(pid)].append(float(t))
        if what not in ("loading", "alive"):
            faults[int(pid)].append(what)
    found = [Life(pid, min(ts), max(ts), len(ts), tuple(faults[pid])) for pid, ts in times.items()]
    return sorted(found, key=lambda life: life.first_s)


def overlaps(all_lives: list[Life]) -> list[tuple[Life, Life]]:
    """Pairs that were alive at the same instant."""
    found, open_ = [], list[Life]()
    for life in all_lives:
        open_ = [other for other in open_ if other.last_s >= life.first_s]
        found += [(other, life) for other in open_]
        open_.append(life)
    return found


@dataclass(frozen=True)
class Wait:
    """A stage's wait for the device: how long, and how long the device was held by others meanwhile."""

    pid: int
    stage: str
    waited_s: float
    held_by_others_s: float

    @property
    def in_vain_s(self) -> float:
        return self.waited_s - self.held_by_others_s


def waits(lease_log: Path, deaths: dict[int, float]) -> list[Wait]:
    """From the lease log's asked, acquired and released. `deaths`: time.time() at which a holder was killed."""
    held: list[tuple[int, float, float]] = []
    asked: dict[tuple[int, str], float] = {}
    open_: dict[int, float] = {}
    asks: list[tuple[int, str, float, float]] = []
    for line in lease_log.read_text().splitlines():
        event = json.loads(line)
        pid, stage, t = event["pid"], event["stage"], event["t"]
        if event["event"] == "asked":
            asked[pid, stage] = t
        elif event["event"] == "acquired":
            open_[pid] = t
            if (pid, stage) in asked:
                asks.append((pid, stage, asked.pop((pid, stage)), t))
        elif event["event"] in ("released", "not released"):
            held.append((pid, open_.pop(pid), t))
    held += [(pid, since, deaths[pid]) for pid, since in open_.items() if pid in deaths]
    return [
        Wait(
            pid,
            stage,
            round(until - since, 2),
            round(sum(max(0.0, min(b, until) - max(a, since)) for p, a, b in held if p != pid), 2),
        )
        for pid, stage, since, until in asks
    ]
