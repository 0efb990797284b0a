"""One life of a model process: keep it supplied, blame it justly, until the work is done or the process is gone.

The engine always has an order more than it can work on, and finished audio is judged and stored on another thread, so
a GPU never waits for the CPU. When the process dies or hangs, whoever was being made alone has had a strike; of
several, nobody knows whose fault it was: they are suspects, each made alone before anything else.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from models.batching import Request, Sizer, fields_of, group_of
from models.gpu import Lease
from models.judging import Candidate, Verdict, judge, keep
from models.machine import Machine
from models.process import (
    Began,
    Died,
    Done,
    EngineSpec,
    Failed,
    Finished,
    ModelError,
    ModelProcess,
    NoMemory,
    Ready,
)
from models.takes import Take, TakeStore

SECONDS_PER_AUDIO_SECOND = 20.0  # time limit per second of expected audio, on top of the base limit
SLOWER = 10.0  # once the engine's pace is known: so many times its slowest order is a hang
LOOKAHEAD = 256  # jobs looked through for a batch's companions; sorting has brought them near
AHEAD = 1  # orders that wait inside the engine
OVERSLEPT_S = 2.0  # a wait that ended so late: we ourselves were stopped, and the engine is not to blame


@dataclass(eq=False)
class Job:
    """One take to be made. `tries` are attempts that were answered, `strikes` those that took the process along."""

    key: str
    request: Request
    length_s: float
    tries: int = 0
    strikes: int = 0
    suspect: bool = False
    best: Candidate | None = None
    reason: str = ""

    @property
    def attempts(self) -> int:
        return self.tries + self.strikes

    def attempt(self) -> Request:
        """The request as it is made now: another seed after a bad answer, and after a second strike. The first strike
        may well have come from outside: the same request again gives the same audio as if nothing had happened."""
        n = self.tries + max(0, self.strikes - 1)
        return replace(self.request, attempt=n, seed=self.request.seed + n)


@dataclass(eq=False)
class _Order:
    """Jobs under way together, by number; those answered are gone from it."""

    jobs: dict[int, Job]
    items: int
    padded_s: float
    length_s: float  # of audio, in sum
    began: float | None = None  # time.monotonic()


@dataclass
class _Judged:
    job: Job
    verdict: Future[Verdict]


@dataclass
class Tally:
    """What a stage's lives have in common: figures for models/measured.py, and the batch size found."""

    sizer: Sizer | None = None
    loaded_mb: float = 0.0
    peak_mb: float = 0.0
    single_mb: float = 0.0
    batch: int = 0
    takes: int = 0
    audio_s: float = 0.0
    busy_s: float = 0.0
    load_s: float = 0.0
    pace: float = 0.0  # seconds a second of audio takes, of the slowest order


class Life:
    """Built for one process. `run` returns when no job is left or the process is gone; the rest stays in `jobs`."""

    def __init__(
        self,
        spec: EngineSpec,
        scratch: Path,
        store: TakeStore,
        machine: Machine,
        held: Lease,
        tally: Tally,
        *,
        on_take: Callable[[Take], None],
        log: Callable[[str], None],
    ) -> None:
        self.spec, self.store, self.machine, self.held, self.tally = spec, store, machine, held, tally
        self.on_take, self.log = on_take, log
        self.finished = 0  # takes stored
        self.gone: list[Job] = []  # jobs that cannot be made
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._orders: list[_Order] = []
        self._by_number: dict[int, _Order] = {}
        self._judging = 0
        self._n = 0
        self._process = ModelProcess(
            spec,
            scratch,
            log,
            machine.start_timeout_s,
            keep_fds=held.keep_fds,
            events=self._events,
        )

    def run(self, jobs: deque[Job], sizer: Callable[[Ready], Sizer]) -> bool:
        """Whether the process crashed or hung. Raises ModelError when it does not come up."""
        started = time.monotonic()
        crashed = False
        with self._process as process, ThreadPoolExecutor(1, "judge") as self._judge:
            try:
                self._meet(process, time.monotonic() - started, sizer)
                began = time.monotonic()
                while jobs or self._orders or self._judging:
                    self._feed(jobs)
                    event = self._next()
                    if event is None or isinstance(event, Died):
                        self._strike(jobs, event)
                        crashed = True
                        break
                    if self._handle(event, jobs):
                        crashed = True
                        break
            finally:
                process.kill()
                self.held.note("model ended", model_pid=process.pid)
            while self._judging:
                event = self._events.get()
                if isinstance(event, _Judged):
                    self._settle(event, jobs)
            self.tally.busy_s += time.monotonic() - began
        self.gone = [job for job in self.gone if not self._keep_best(job)]
        return crashed

    def _meet(self, process: ModelProcess, load_s: float, sizer: Callable[[Ready], Sizer]) -> None:
        ready, tally = process.ready, self.tally
        if unknown := set(ready.batch_by) - fields_of(self.spec.kind):
            raise ModelError(
                f"batches by {', '.join(sorted(unknown))}, which no request has",
                where=f"engine {self.spec.name}",
                remedy=f"batch_by may hold {', '.join(sorted(fields_of(self.spec.kind)))}",
            )
        tally.loaded_mb = max(tally.loaded_mb, ready.memory_mb, self.held.grown_mb())
        tally.peak_mb = max(tally.peak_mb, tally.loaded_mb)
        tally.load_s = load_s
        if tally.sizer is None:
            tally.sizer = sizer(ready)
        self._sizer = tally.sizer
        self.held.note("model started", model_pid=process.pid, load_s=round(load_s, 2))

    def _feed(self, jobs: deque[Job]) -> None:
        ready = self._process.ready
        if any(job.suspect for order in self._orders for job in order.jobs.values()):
            return
        if jobs and jobs[0].suspect:
            if not self._orders:
                self._submit([jobs.popleft()])
            return
        while jobs and not jobs[0].suspect and len(self._orders) < ready.lanes + AHEAD:
            first = jobs[0]
            size, group = self._sizer.size(first.length_s), group_of(first.request, ready.batch_by)
            batch: list[Job] = []
            for job in islice(jobs, LOOKAHEAD):
                if len(batch) == size or job.suspect:
                    break
                if group_of(job.request, ready.batch_by) == group:
                    batch.append(job)
            for job in batch:
                jobs.remove(job)
            self._submit(batch)

    def _submit(self, batch: list[Job]) -> None:
        numbered = {}
        for job in batch:
            self._n += 1
            numbered[self._n] = job
        longest_s = max(job.length_s for job in batch)
        length_s = sum(job.length_s for job in batch)
        order = _Order(dict(numbered), len(batch), len(batch) * longest_s, length_s)
        self._orders.append(order)
        self._by_number.update(dict.fromkeys(numbered, order))
        self._process.submit({n: job.attempt() for n, job in numbered.items()})

    def _next(self) -> object | None:
        """The next event; None when an order is overdue or the process has shown no life for too long."""
        while True:
            now = time.monotonic()
            ends = [o.began + self._limit_s(o) for o in self._orders if o.began is not None]
            ends.append(self._process.last_sign + self.machine.silence_timeout_s)
            wait_s = max(0.0, min(ends) - now)
            try:
                return self._events.get(timeout=wait_s)
            except queue.Empty:
                overslept_s = time.monotonic() - now - wait_s
            if overslept_s > OVERSLEPT_S:
                for order in self._orders:
                    order.began = order.began and order.began + overslept_s
                self._process.last_sign += overslept_s
            elif self._overdue() or self._silent():
                return None

    def _overdue(self) -> list[_Order]:
        now = time.monotonic()
        return [o for o in self._orders if o.began is not None and o.began + self._limit_s(o) <= now]

    def _limit_s(self, order: _Order) -> float:
        pace = min(SLOWER * self.tally.pace, SECONDS_PER_AUDIO_SECOND) or SECONDS_PER_AUDIO_SECOND
        return self.machine.take_timeout_s + pace * order.length_s

    def _silent(self) -> bool:
        return time.monotonic() - self._process.last_sign >= self.machine.silence_timeout_s

    def _handle(self, event: object, jobs: deque[Job]) -> bool:
        """Take in one event; True when the process has to be replaced."""
        if isinstance(event, Began):
            self._by_number[event.ns[0]].began = time.monotonic()
        elif isinstance(event, Done):
            job = self._by_number[event.n].jobs.pop(event.n)
            job.suspect = False
            job.tries += 1
            self._judging += 1
            verdict = self._judge.submit(
                judge, event, job.key, job.request, job.attempts, self.spec, self.store
            )
            verdict.add_done_callback(lambda v, j=job: self._events.put(_Judged(j, v)))
        elif isinstance(event, Failed):
            job = self._by_number[event.n].jobs.pop(event.n)
            job.suspect = False
            job.tries += 1
            job.reason = event.error
            self._again(job, jobs, final=event.final)
        elif isinstance(event, Finished):
            order = self._by_number[event.ns[0]]
            self._orders.remove(order)
            self._measure(order, event)
        elif isinstance(event, NoMemory):
            return self._no_memory(event, jobs)
        elif isinstance(event, _Judged):
            self._settle(event, jobs)
        return False

    def _settle(self, judged: _Judged, jobs: deque[Job]) -> None:
        self._judging -= 1
        job, verdict = judged.job, judged.verdict.result()
        if verdict.take is not None:
            self._stored(verdict.take)
            return
        job.reason = verdict.reason
        self.log(f"{job.request.id}: attempt {job.attempts} did not pass: {job.reason}")
        made = verdict.candidate
        if made is not None and (job.best is None or made.checks.score > job.best.checks.score):
            job.best = made
        self._again(job, jobs)

    def _again(self, job: Job, jobs: deque[Job], *, final: bool = False) -> None:
        if final or job.attempts >= self.machine.take_attempts:
            self.gone.append(job)
        elif job.suspect:
            jobs.appendleft(job)
        else:
            jobs.append(job)

    def _measure(self, order: _Order, event: Finished) -> None:
        tally = self.tally
        peak_mb = max(event.memory_mb, self.held.grown_mb())
        tally.peak_mb = max(tally.peak_mb, peak_mb)
        tally.batch = max(tally.batch, order.items)
        if order.items == 1:
            tally.single_mb = max(tally.single_mb, peak_mb)
        if order.length_s > 0:
            tally.pace = max(tally.pace, event.compute_s / order.length_s)
        self._sizer.went_well(order.items, order.padded_s, peak_mb)

    def _no_memory(self, event: NoMemory, jobs: deque[Job]) -> bool:
        """Halve and go on; a take that does not fit even alone costs a strike and a fresh process."""
        order = self._by_number[event.ns[0]]
        self._orders.remove(order)
        self.tally.peak_mb = max(self.tally.peak_mb, event.memory_mb)
        back = list(order.jobs.values())
        if order.items > 1:
            self._sizer.too_much(order.items)
            self.log(
                f"{self.spec.name}: no memory for {order.items} takes together, at most {self._sizer.most} from now on"
            )
            jobs.extendleft(reversed(back))
            return False
        job = back[0]
        if self._orders:  # others were beside it or waiting: it has not yet had the device to itself
            job.suspect = True
            jobs.appendleft(job)
            return False
        self._blame(job, f"out of memory, even alone: {event.error}", jobs)
        self._return(jobs)
        self.log(f"{self.spec.name}: out of memory on {job.request.id}; starting it again")
        return True

    def _strike(self, jobs: deque[Job], died: Died | None) -> None:
        """The process is to be replaced: whom it died or hung on has lost an attempt, if that is certain."""
        if died is not None:
            reason, suspects = f"the engine's process ended (status {died.status})", self._orders
        elif late := self._overdue():
            reason, suspects = f"no answer within {self._limit_s(late[0]):.0f} s", late
        else:
            reason = f"the engine's process gave no sign of life for {self.machine.silence_timeout_s:.0f} s"
            suspects = self._orders
        begun = [job for order in suspects if order.began is not None for job in order.jobs.values()]
        names = ", ".join(job.request.id for job in begun) or "nothing"
        self.log(f"{self.spec.name}: {reason} while making {names}; starting it again")
        if len(begun) == 1:
            self._by_job(begun[0]).jobs = {}
            self._return(jobs)
            self._blame(begun[0], reason, jobs)
            return
        for job in begun:
            job.suspect, job.reason = True, reason
        self._return(jobs)

    def _by_job(self, job: Job) -> _Order:
        return next(o for o in self._orders if job in o.jobs.values())

    def _blame(self, job: Job, reason: str, jobs: deque[Job]) -> None:
        job.strikes += 1
        job.reason, job.suspect = reason, True
        self._again(job, jobs)

    def _return(self, jobs: deque[Job]) -> None:
        """What was under way or waiting in the process comes back, suspects first."""
        back = [job for order in self._orders for job in order.jobs.values()]
        self._orders.clear()
        back.sort(key=lambda job: not job.suspect)
        jobs.extendleft(reversed(back))

    def _stored(self, take: Take) -> None:
        self.finished += 1
        self.tally.takes += 1
        self.tally.audio_s += take.duration_s
        self.on_take(take)

    def _keep_best(self, job: Job) -> bool:
        if job.best is None:
            return False
        self._stored(keep(job.best, job.key, job.request, self.spec, self.store))
        return True
