"""What an engine has under way: orders, each of one or several takes, and how long each may take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from models.batching import Sizer, group_of
from models.jobs import Job

SECONDS_PER_AUDIO_SECOND = 20.0  # time limit per second of expected audio, on top of the base limit
SLOWER = 10.0  # once the engine's pace is known: so many times its slowest order is a hang
LOOKAHEAD = 256  # jobs looked through for a batch's companions; sorting has brought them near


@dataclass(eq=False)
class Order:
    """Jobs under way together, by number; those answered are gone from it."""

    jobs: dict[int, Job]
    items: int
    padded_s: float
    length_s: float  # of audio, in sum
    work: float
    began: float | None = None  # time.monotonic()

    def limit_s(self, take_timeout_s: float, pace: float) -> float:
        """How long it may take. `pace`: seconds a second of audio took at most so far; 0: not known yet."""
        slowest = min(SLOWER * pace, SECONDS_PER_AUDIO_SECOND) or SECONDS_PER_AUDIO_SECOND
        return take_timeout_s + slowest * self.length_s


class UnderWay:
    """The orders of one process, begun or waiting inside it."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._by_number: dict[int, Order] = {}
        self._n = 0

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def orders(self) -> tuple[Order, ...]:
        return tuple(self._orders)

    @property
    def with_suspect(self) -> bool:
        return any(job.suspect for order in self._orders for job in order.jobs.values())

    @property
    def begun(self) -> tuple[tuple[float, float], ...]:
        """When each order began that is being made, and its work."""
        return tuple((o.began, o.work) for o in self._orders if o.began is not None)

    def add(self, batch: list[Job]) -> dict[int, Job]:
        """`batch` as one order; its jobs by the numbers under which the engine will answer."""
        numbered = {self._n + i: job for i, job in enumerate(batch, 1)}
        self._n += len(batch)
        longest_s = max(job.length_s for job in batch)
        order = Order(
            dict(numbered),
            len(batch),
            len(batch) * longest_s,
            sum(job.length_s for job in batch),
            sum(job.work for job in batch),
        )
        self._orders.append(order)
        self._by_number.update(dict.fromkeys(numbered, order))
        return numbered

    def began(self, ns: Sequence[int]) -> None:
        self._by_number[ns[0]].began = time.monotonic()

    def answered(self, n: int) -> Job:
        """The job of that number, which is under way no longer."""
        job = self._by_number[n].jobs.pop(n)
        job.answered()
        return job

    def ended(self, ns: Sequence[int]) -> Order:
        """The order of these numbers, through or given up; what of its jobs was not answered is still in it."""
        order = self._by_number[ns[0]]
        self._orders.remove(order)
        return order

    def ends(self, take_timeout_s: float, pace: float) -> list[float]:
        """When (time.monotonic) each order begun has to be through."""
        return [o.began + o.limit_s(take_timeout_s, pace) for o in self._orders if o.began is not None]

    def overdue(self, take_timeout_s: float, pace: float) -> list[Order]:
        now = time.monotonic()
        begun = [o for o in self._orders if o.began is not None]
        return [o for o in begun if (o.began or 0.0) + o.limit_s(take_timeout_s, pace) <= now]

    def forgive(self, seconds: float) -> None:
        """We ourselves were stopped for so long."""
        for order in self._orders:
            if order.began is not None:
                order.began += seconds

    def take_out(self, job: Job) -> None:
        """Whoever is to blame does not come back with the rest."""
        for order in self._orders:
            order.jobs = {n: other for n, other in order.jobs.items() if other is not job}

    def give_back(self, jobs: deque[Job]) -> None:
        """The process is gone: what was under way or waiting in it goes back to `jobs`, suspects first."""
        back = [job for order in self._orders for job in order.jobs.values()]
        self._orders.clear()
        back.sort(key=lambda job: not job.suspect)
        jobs.extendleft(reversed(back))


def next_batch(jobs: deque[Job], sizer: Sizer, batch_by: Sequence[str]) -> list[Job]:
    """Takes the next batch from `jobs`: the first, and those near it that may be made together with it."""
    first = jobs[0]
    size, group = sizer.size(first.length_s), group_of(first.request, batch_by)
    batch: list[Job] = []
    for job in islice(jobs, LOOKAHEAD):
        if len(batch) == size or job.suspect:
            break
        if group_of(job.request, batch_by) == group:
            batch.append(job)
    for job in batch:
        jobs.remove(job)
    return batch
