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
from dataclasses import dataclass
from pathlib import Path

from models.batching import Sizer, fields_of
from models.gpu import Lease
from models.jobs import Job, Tally
from models.judging import Verdict, judge, keep
from models.machine import Machine
from models.pace import Pace
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
from models.under_way import Order, UnderWay, next_batch

AHEAD = 1  # orders that wait inside the engine
OVERSLEPT_S = 2.0  # a wait that ended so late: we ourselves were stopped, and the engine is not to blame


@dataclass
class _Judged:
    job: Job
    verdict: Future[Verdict]


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
        on_pace: Callable[[Pace], None],
        log: Callable[[str], None],
    ) -> None:
        self.spec, self.store, self.machine, self.held, self.tally = spec, store, machine, held, tally
        self.on_take, self.on_pace, self.log = on_take, on_pace, log
        self.finished = 0  # takes stored
        self.gone: list[Job] = []  # jobs that cannot be made
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._under_way = UnderWay()
        self._judging = 0
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
                while jobs or self._under_way or self._judging:
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
        if self._under_way.with_suspect:
            return
        if jobs and jobs[0].suspect:
            if not self._under_way:
                self._submit([jobs.popleft()])
            return
        while jobs and not jobs[0].suspect and len(self._under_way) < ready.lanes + AHEAD:
            self._submit(next_batch(jobs, self._sizer, ready.batch_by))

    def _submit(self, batch: list[Job]) -> None:
        numbered = self._under_way.add(batch)
        self._process.submit({n: job.attempt() for n, job in numbered.items()})

    def _next(self) -> object | None:
        """The next event; None when an order is overdue or the process has shown no life for too long."""
        while True:
            now = time.monotonic()
            ends = self._under_way.ends(*self._limits)
            ends.append(self._process.last_sign + self.machine.silence_timeout_s)
            wait_s = max(0.0, min(ends) - now)
            try:
                return self._events.get(timeout=wait_s)
            except queue.Empty:
                overslept_s = time.monotonic() - now - wait_s
            if overslept_s > OVERSLEPT_S:
                self._under_way.forgive(overslept_s)
                self._process.last_sign += overslept_s
            elif self._overdue() or self._silent():
                return None

    def _overdue(self) -> list[Order]:
        return self._under_way.overdue(*self._limits)

    @property
    def _limits(self) -> tuple[float, float]:
        return self.machine.take_timeout_s, self.tally.pace

    def _silent(self) -> bool:
        return time.monotonic() - self._process.last_sign >= self.machine.silence_timeout_s

    def _handle(self, event: object, jobs: deque[Job]) -> bool:
        """Take in one event; True when the process has to be replaced."""
        if isinstance(event, Began):
            self._under_way.began(event.ns)
            self._tell_pace()
        elif isinstance(event, Done):
            job = self._under_way.answered(event.n)
            self._judging += 1
            verdict = self._judge.submit(
                judge, event, job.key, job.request, job.attempts, self.spec, self.store
            )
            verdict.add_done_callback(lambda v, j=job: self._events.put(_Judged(j, v)))
        elif isinstance(event, Failed):
            job = self._under_way.answered(event.n)
            job.reason = event.error
            self._again(job, jobs, final=event.final)
        elif isinstance(event, Finished):
            self._measure(self._under_way.ended(event.ns), event)
            self._tell_pace()
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

    def _measure(self, order: Order, event: Finished) -> None:
        tally = self.tally
        peak_mb = max(event.memory_mb, self.held.grown_mb())
        tally.peak_mb = max(tally.peak_mb, peak_mb)
        tally.batch = max(tally.batch, order.items)
        if order.items == 1:
            tally.single_mb = max(tally.single_mb, peak_mb)
        if order.began is not None:
            took_s = time.monotonic() - order.began
            tally.lane_s += took_s
            tally.lane_work += order.work
            if tally.orders < self._process.ready.lanes:
                tally.warming_s += took_s
                tally.warming_work += order.work
            tally.orders += 1
        if order.length_s > 0:
            tally.pace = max(tally.pace, event.compute_s / order.length_s)
        self._sizer.went_well(order.items, order.padded_s, peak_mb)

    def _tell_pace(self) -> None:
        tally = self.tally
        lanes = self._process.ready.lanes
        begun = self._under_way.begun
        warming = tally.warming_s, tally.warming_work
        self.on_pace(Pace(lanes, tally.lane_s, tally.lane_work, begun, *warming))

    def _no_memory(self, event: NoMemory, jobs: deque[Job]) -> bool:
        """Halve and go on; a take that does not fit even alone costs a strike and a fresh process."""
        order = self._under_way.ended(event.ns)
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
        if self._under_way:  # others were beside it or waiting: it has not yet had the device to itself
            job.suspect = True
            jobs.appendleft(job)
            return False
        self._blame(job, f"out of memory, even alone: {event.error}", jobs)
        self._under_way.give_back(jobs)
        self.log(f"{self.spec.name}: out of memory on {job.request.id}; starting it again")
        return True

    def _strike(self, jobs: deque[Job], died: Died | None) -> None:
        """The process is to be replaced: whom it died or hung on has lost an attempt, if that is certain."""
        if died is not None:
            reason, suspects = f"the engine's process ended (status {died.status})", self._under_way.orders
        elif late := self._overdue():
            reason, suspects = f"no answer within {late[0].limit_s(*self._limits):.0f} s", tuple(late)
        else:
            reason = f"the engine's process gave no sign of life for {self.machine.silence_timeout_s:.0f} s"
            suspects = self._under_way.orders
        begun = [job for order in suspects if order.began is not None for job in order.jobs.values()]
        names = ", ".join(job.request.id for job in begun) or "nothing"
        self.log(f"{self.spec.name}: {reason} while making {names}; starting it again")
        if len(begun) == 1:
            self._under_way.take_out(begun[0])
            self._under_way.give_back(jobs)
            self._blame(begun[0], reason, jobs)
            return
        for job in begun:
            job.suspect, job.reason = True, reason
        self._under_way.give_back(jobs)

    def _blame(self, job: Job, reason: str, jobs: deque[Job]) -> None:
        job.strikes += 1
        job.reason, job.suspect = reason, True
        self._again(job, jobs)

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
