"""Make the missing takes of one stage with one engine: feed its process, judge what comes back, keep what is good.

Per take: a time limit, a quality check, further attempts with the next seed, and in the end either a take in the
store or a Missing with the reason. An engine that crashes or hangs is started again; what it had under way goes on.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf
from pydantic import BaseModel

from models.base import SoundRequest, SpeechRequest, Word
from models.gpu import Lease
from models.machine import Machine
from models.process import Died, Done, EngineSpec, Failed, ModelError, ModelProcess
from models.quality import Checks, check_sound, check_speech, trim
from models.takes import Take, TakeStore

Request = SpeechRequest | SoundRequest
SILENCE_PEAK = 1e-4  # -80 dBFS: nothing a listener would hear after any gain we apply
MAX_CRASHES = 9  # of one engine in a row without a single finished take between them: three takes' worth
SECONDS_PER_AUDIO_SECOND = 20.0  # time limit per second of expected audio, on top of the base limit


class Missing(BaseModel):
    """A take that could not be made."""

    id: str  # the first place it was wanted for
    key: str
    reason: str


@dataclass
class _Job:
    key: str
    request: Request
    tries: int = 0
    best: _Candidate | None = None
    reason: str = ""


@dataclass
class _Candidate:
    samples: np.ndarray
    sample_rate_hz: int
    checks: Checks
    words: list[Word] | None
    words_exact: bool
    attempts: int


def generate(
    spec: EngineSpec,
    wanted: Iterable[tuple[str, Request]],
    store: TakeStore,
    machine: Machine,
    held: Lease,
    *,
    expected_s: Callable[[Request], float],
    on_take: Callable[[Take], None] = lambda _: None,
    on_missing: Callable[[Missing], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> list[Missing]:
    """Make every `(key, request)` of `wanted`, streaming each into `store` as soon as it is whole.

    Args:
        held: the device lease; the model process's life is noted in its log.
        expected_s: a request's expected length in seconds, for its time limit.

    Returns:
        what could not be made. Raises ModelError when the engine itself can't be used.
    """
    jobs = deque(_Job(key, request) for key, request in wanted)
    missing: list[Missing] = []
    crashes = 0
    with _scratch(machine) as scratch:
        while jobs:
            round_ = _Round(spec, scratch, store, machine, expected_s, on_take, log)
            gone, crashed = round_.run(jobs, held, single=crashes > 0)
            for job in gone:
                missing.append(Missing(id=job.request.id, key=job.key, reason=job.reason))
                on_missing(missing[-1])
            crashes = crashes + 1 if crashed and round_.finished == 0 else 0
            if crashes >= MAX_CRASHES:
                raise ModelError(
                    f"the process ended {crashes} times in a row",
                    where=f"engine {spec.name}",
                    remedy="read its messages in the run's log, then run: soundbound doctor",
                )
    return missing


@contextlib.contextmanager
def _scratch(machine: Machine) -> Iterator[Path]:
    """Where the engine leaves its WAV files. One folder a device: whoever holds the lease may clear what a killed
    holder left."""
    folder = machine.work_dir / f"engine-{machine.device.replace(':', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Round:
    """One life of the model process."""

    def __init__(
        self,
        spec: EngineSpec,
        scratch: Path,
        store: TakeStore,
        machine: Machine,
        expected_s: Callable[[Request], float],
        on_take: Callable[[Take], None],
        log: Callable[[str], None],
    ) -> None:
        self.spec, self.scratch, self.store, self.machine = spec, scratch, store, machine
        self.expected_s, self.on_take, self.log = expected_s, on_take, log
        self.finished = 0

    def run(self, jobs: deque[_Job], held: Lease, *, single: bool) -> tuple[list[_Job], bool]:
        """Work on `jobs` until none is left or the process is gone; unfinished ones stay in `jobs`.

        Returns (jobs that can't be made, whether the process crashed or hung).
        """
        gone: list[_Job] = []
        flying: dict[int, tuple[_Job, float]] = {}
        crashed, n = False, 0
        with ModelProcess(self.spec, self.scratch, self.log, self.machine.start_timeout_s) as process:
            held.note("model started", model_pid=process.pid)
            try:
                lanes = 1 if single else process.lanes
                while jobs or flying:
                    while jobs and len(flying) < lanes:
                        job = jobs.popleft()
                        n += 1
                        flying[n] = (job, time.monotonic() + self._limit_s(job))
                        process.submit(n, self._attempt(job))
                    first_deadline = min(deadline for _, deadline in flying.values())
                    answer = process.answer(max(0.0, first_deadline - time.monotonic()))
                    if answer is None or isinstance(answer, Died):
                        crashed = True
                        self._strike(flying, jobs, gone, answer)
                        break
                    job, _ = flying.pop(answer.n)
                    if not self._take_answer(job, answer):
                        (jobs.append if self._may_retry(job) else gone.append)(job)
            finally:
                process.kill()
                held.note("model ended", model_pid=process.pid)
        gone = [job for job in gone if not self._keep_best(job)]
        return gone, crashed

    def _limit_s(self, job: _Job) -> float:
        return self.machine.take_timeout_s + SECONDS_PER_AUDIO_SECOND * self.expected_s(job.request)

    def _attempt(self, job: _Job) -> Request:
        return replace(job.request, attempt=job.tries, seed=job.request.seed + job.tries)

    def _may_retry(self, job: _Job) -> bool:
        return job.tries < self.machine.take_attempts

    def _strike(
        self, flying: dict[int, tuple[_Job, float]], jobs: deque[_Job], gone: list[_Job], died: Died | None
    ) -> None:
        """The process is to be replaced: whom it hung on (or, after a crash, all it had) has lost an attempt."""
        now = time.monotonic()
        for job, deadline in flying.values():
            if died is not None:
                job.tries += 1
                job.reason = f"the engine's process ended (status {died.status})"
            elif deadline <= now:
                job.tries += 1
                job.reason = f"no answer within {self._limit_s(job):.0f} s"
            if job.tries < self.machine.take_attempts:
                jobs.appendleft(job)
            else:
                gone.append(job)
        names = ", ".join(job.request.id for job, _ in flying.values())
        self.log(f"{self.spec.name} {'ended' if died else 'hung'} while making {names}; starting it again")

    def _take_answer(self, job: _Job, answer: Done | Failed) -> bool:
        """Store a good take. False: not done with this job (reason and best candidate are in it)."""
        job.tries += 1
        if isinstance(answer, Failed):
            job.reason = answer.error
            if answer.final:
                job.tries = self.machine.take_attempts
            return False
        samples, rate = sf.read(answer.wav, dtype="float32", always_2d=True)
        answer.wav.unlink()
        candidate = self._judge(job, np.ascontiguousarray(samples.T), rate, answer)
        if isinstance(candidate, str):
            job.reason = candidate
            return False
        if job.best is None or candidate.checks.score > job.best.checks.score:
            job.best = candidate
        if not candidate.checks.passed:
            job.reason = "; ".join(candidate.checks.problems)
            self.log(f"{job.request.id}: attempt {job.tries} did not pass: {job.reason}")
            return False
        self._store(job, candidate)
        return True

    def _judge(self, job: _Job, samples: np.ndarray, rate: int, answer: Done) -> _Candidate | str:
        """The candidate with its checks, or why it is no audio at all."""
        if not np.isfinite(samples).all():
            return "the engine made audio that is not finite (NaN or infinity)"
        if np.abs(samples).max(initial=0.0) < SILENCE_PEAK:
            return "the engine made silence"
        words, request = answer.words, job.request
        if isinstance(request, SpeechRequest):
            samples, cut_s = trim(samples, rate)
            end_s = samples.shape[1] / rate
            words = words and [
                replace(w, start_s=_within(w.start_s - cut_s, end_s), end_s=_within(w.end_s - cut_s, end_s))
                for w in words
            ]
            checks = check_speech(
                samples, rate, request.text, request.language, request.speed, request.pause_scale
            )
        else:
            checks = check_sound(samples, rate, request.duration_s, request.kind)
        return _Candidate(samples, rate, checks, words, answer.words_exact, job.tries)

    def _keep_best(self, job: _Job) -> bool:
        if job.best is None:
            return False
        self._store(job, job.best)
        return True

    def _store(self, job: _Job, made: _Candidate) -> None:
        take = self.store.put(
            job.key,
            made.samples,
            made.sample_rate_hz,
            request=job.request,
            model=self.spec.name,
            version=self.spec.version,
            attempts=made.attempts,
            checks=made.checks,
            words=made.words,
            words_exact=made.words_exact,
        )
        self.finished += 1
        self.on_take(take)


def _within(t_s: float, end_s: float) -> float:
    return round(min(max(t_s, 0.0), end_s), 4)
