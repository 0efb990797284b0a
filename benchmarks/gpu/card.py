"""A stand-in for a GPU: a memory budget that all processes of a benchmark share, and models that fill it.

The ledger is a file under a lock: who holds how many MB. What a dead process held is free again, as on a card. A model
that asks for more than there is gets an out-of-memory.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.base import OutOfMemory, Rendered, SpeechRequest

RATE_HZ = 24000


@contextmanager
def ledger(path: Path) -> Iterator[dict[str, float]]:
    """Process → MB; changes are kept. Dead processes are gone from it."""
    with path.open("a+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        held = {pid: mb for pid, mb in json.loads(f.read() or "{}").items() if Path(f"/proc/{pid}").exists()}
        yield held
        f.truncate(0)
        f.write(json.dumps(held))


def used_mb(path: Path) -> float:
    with ledger(path) as held:
        return sum(held.values())


class Model:
    """A speech engine that is only its size and its time.

    Settings: `card` (ledger), `card_mb`, `size_mb` (weights), `work_mb` ([least, most] for one take), `load_s`,
    `take_s`, `seed`.
    """

    lanes = 1

    def __init__(self, settings: dict, device: str) -> None:
        self.settings, self.pid = settings, str(os.getpid())
        self.version = settings["version"]
        self._card, self._peak_mb = Path(settings["card"]), 0.0
        self._hold(settings["size_mb"])
        time.sleep(settings["load_s"])

    def _hold(self, mb: float) -> None:
        with ledger(self._card) as held:
            others = sum(v for pid, v in held.items() if pid != self.pid)
            if others + mb > self.settings["card_mb"]:
                raise OutOfMemory(f"{mb:.0f} MB wanted, {self.settings['card_mb'] - others:.0f} MB free")
            held[self.pid] = mb
        self._peak_mb = max(self._peak_mb, mb)

    def render(self, request: SpeechRequest) -> Rendered:
        least, most = self.settings["work_mb"]
        work_mb = random.Random(f"{self.settings['seed']}/{request.id}").uniform(least, most)
        self._hold(self.settings["size_mb"] + work_mb)
        time.sleep(self.settings["take_s"])
        self._hold(self.settings["size_mb"])
        seconds = 0.07 * len(request.text)
        t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        wave = 0.2 * np.sin(2 * np.pi * 150 * t) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
        noise = np.random.default_rng(request.seed).normal(0, 0.002, len(t))
        return Rendered((wave + noise).astype(np.float32)[None], RATE_HZ)

    def memory_mb(self) -> float:
        peak, self._peak_mb = self._peak_mb, self.settings["size_mb"]
        return peak


class Stamped(Model):
    """The same, which writes down when each take began and ended (settings: `stamps`, a file)."""

    def render(self, request: SpeechRequest) -> Rendered:
        began = time.monotonic()
        made = super().render(request)
        with Path(self.settings["stamps"]).open("a") as f:
            f.write(f"{began} {time.monotonic()}\n")
        return made
