"""Make the missing takes of one stage with one engine: feed its process, judge what comes back, keep what is good.

Per take: a time limit, a quality check, further attempts with the next seed, and in the end either a take in the
store or a Missing with the reason. An engine that crashes or hangs is started again; what it had under way goes on.
One life of the process is models/life.py.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from models import batching, measured
from models.batching import Request, Sizer
from models.gpu import Lease
from models.jobs import Job, Tally
from models.life import Life
from models.machine import Machine
from models.pace import Pace
from models.process import EngineSpec, LoadError, ModelError, Ready
from models.takes import Take, TakeStore

MAX_CRASHES = 9  # of one engine in a row without a single finished take between them: three takes' worth
MAX_LOAD_FAILURES = 3  # in a row
BACKOFF_S = (0.25, 20.0)  # before a further start: doubled each time, up to


class Missing(BaseModel):
    """A take that could not be made."""

    id: str  # the first place it was wanted for
    key: str
    reason: str


def generate(
    spec: EngineSpec,
    wanted: Iterable[tuple[str, Request]],
    store: TakeStore,
    machine: Machine,
    held: Lease,
    *,
    expected_s: Callable[[Request], float],
    work_of: Callable[[Request], float] | None = None,
    on_take: Callable[[Take], None] = lambda _: None,
    on_missing: Callable[[Missing], None] = lambda _: None,
    on_pace: Callable[[Pace], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> list[Missing]:
    """Make every `(key, request)` of `wanted`, streaming each into `store` as soon as it is whole.

    Args:
        held: the device lease; the model process's life is noted in its log, and it keeps the lock until it is gone.
        expected_s: a request's expected length in seconds, for its time limit and its place in a batch.
        work_of: what it is expected to cost, for the pace; its length if not given.
        on_pace: told whenever an order is begun or through.

    Returns:
        what could not be made. Raises ModelError when the engine itself can't be used.
    """
    jobs = _in_order(wanted, expected_s, work_of or expected_s)
    known = measured.read(machine, spec.name, spec.version, spec.device)
    tally, missing = Tally(), list[Missing]()
    longest_s = max((job.length_s for job in jobs), default=0.0)

    def sizer(ready: Ready) -> Sizer:
        budget_mb = held.free_mb / ready.lanes
        return Sizer(ready.batch, budget_mb, max(known.loaded_mb, tally.loaded_mb), known.slope_mb_per_s)

    crashes = vain = load_failures = 0  # in a row: without a take made, without one decided, while loading
    with _scratch(machine, held.device) as scratch:
        while jobs:
            life = Life(spec, scratch, store, machine, held, tally, on_take=on_take, on_pace=on_pace, log=log)
            try:
                crashed = life.run(jobs, sizer)
            except LoadError as e:
                load_failures += 1
                if load_failures == MAX_LOAD_FAILURES:
                    raise
                log(f"{e}; starting it again")
                time.sleep(backoff_s(load_failures))
                continue
            load_failures = 0
            for job in life.gone:
                missing.append(Missing(id=job.request.id, key=job.key, reason=job.reason))
                on_missing(missing[-1])
            crashes = crashes + 1 if crashed and life.finished == 0 else 0
            vain = vain + 1 if crashed and life.finished == 0 and not life.gone else 0
            if crashes >= MAX_CRASHES:
                raise ModelError(
                    f"the process ended {crashes} times in a row",
                    where=f"engine {spec.name}",
                    remedy="read its messages in the run's log, then run: soundbound doctor",
                )
            if vain and jobs:
                time.sleep(backoff_s(vain))
    if tally.takes:
        measured.note(machine, spec.name, spec.version, spec.device, _figures(tally, longest_s))
    return missing


def backoff_s(failures: int) -> float:
    """Seconds to wait before the start after the `failures`-th failure in a row."""
    first_s, most_s = BACKOFF_S
    return min(first_s * 2 ** (failures - 1), most_s)


def _in_order(
    wanted: Iterable[tuple[str, Request]],
    expected_s: Callable[[Request], float],
    work_of: Callable[[Request], float],
) -> deque[Job]:
    jobs = [Job(key, request, expected_s(request), work_of(request)) for key, request in wanted]
    return deque(jobs[i] for i in batching.order([j.request for j in jobs], [j.length_s for j in jobs]))


def _figures(tally: Tally, longest_s: float) -> measured.StageMeasure:
    slope = tally.sizer.slope_mb_per_s if tally.sizer else 0.0
    return measured.StageMeasure(
        at=round(time.time(), 1),
        loaded_mb=tally.loaded_mb,
        peak_mb=tally.peak_mb,
        single_mb=tally.single_mb or min(tally.peak_mb, tally.loaded_mb + slope * longest_s),
        slope_mb_per_s=round(slope, 3),
        batch=tally.batch,
        takes=tally.takes,
        audio_s=round(tally.audio_s, 3),
        busy_s=round(tally.busy_s, 3),
        load_s=round(tally.load_s, 3),
    )


@contextlib.contextmanager
def _scratch(machine: Machine, device: str) -> Iterator[Path]:
    """Where the engine leaves its WAV files. One folder a device: whoever holds the lease may clear what a killed
    holder left."""
    folder = machine.work_dir / f"engine-{device.replace(':', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
