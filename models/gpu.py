"""The exclusive lease on a device: one model at a time, whoever asks.

Prefect's tag limit queues the stages and shows them; under it this file lock is the hard guarantee, since a Prefect
slot is a timed lease that a stalled holder can lose. Always in that order: tag, then file lock. `flock` is freed by
the kernel on any death. On a CPU everything is the same, with the device "cpu".
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from models.machine import Machine
from story.errors import SoundboundError

USED_AT_MOST = 0.8  # share of a GPU's memory that may be taken before a model is loaded (DESIGN.md)
RETURN_SLACK_MB = 256.0  # allocator and context noise that does not count as memory kept back


class LeaseError(SoundboundError):
    """The device could not be had, or did not come back as it was."""


@dataclass(frozen=True)
class Memory:
    free_mb: float
    total_mb: float

    @property
    def used_mb(self) -> float:
        return self.total_mb - self.free_mb


def device_memory(device: str) -> Memory:
    """Free and total memory of "cpu" (MemAvailable of /proc/meminfo, or physical pages) or "cuda:<index>" (torch)."""
    if device == "cpu":
        try:
            lines = Path("/proc/meminfo").read_text().splitlines()
            kb = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
            return Memory(kb["MemAvailable"] / 1024, kb["MemTotal"] / 1024)
        except (OSError, KeyError):  # not Linux
            page, count = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
            return Memory(page * count / 2**20, page * count / 2**20)
    try:
        import torch

        free, total = torch.cuda.mem_get_info(int(device.partition(":")[2]))
    except (ImportError, RuntimeError, AssertionError) as e:
        raise LeaseError(
            f"{device} cannot be used: {e}",
            where="device",
            remedy='install the gpu extra (pip install "soundbound[gpu]") and a driver, or set device = "cpu"',
        ) from e
    return Memory(free / 2**20, total / 2**20)


@dataclass
class Lease:
    """A held device. `note` appends to the lease log: who did what when."""

    device: str
    holder: dict[str, Any]
    log_file: Path
    keep_fds: tuple[
        int, ...
    ] = ()  # the open lock: a child that inherits it keeps the device until it is gone too
    free_mb: float = 0.0  # when the device was taken
    memory: Callable[[str], Memory] | None = None

    def grown_mb(self) -> float:
        """How much more of a GPU is used now than when it was taken: the model, its context and all. 0 on a CPU,
        where other programs come and go."""
        if self.device == "cpu" or self.memory is None:
            return 0.0
        return max(0.0, self.free_mb - self.memory(self.device).free_mb)

    def note(self, event: str, **more: Any) -> None:
        line = json.dumps(
            {"t": round(time.time(), 3), "event": event, "device": self.device, **self.holder, **more}
        )
        with self.log_file.open("a", encoding="utf-8") as f:
            f.write(line + "\n")


@contextlib.contextmanager
def lease(
    machine: Machine,
    *,
    stage: str,
    model: str,
    needs_mb: float,
    device: str | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    memory: Callable[[str], Memory] = device_memory,
) -> Iterator[Lease]:
    """Hold a device exclusively for a stage.

    Args:
        device: where the model runs, if not on `machine.device`.
        stage, model: named in the lock file and the log, for the person who waits.
        needs_mb: the model's measured need; waits until that much is free (and, on a GPU, used ≤ 80 %).
        waiting: called with a sentence when the wait begins or its reason changes.
        memory: probe, for tests with a stand-in device.

    Raises:
        LeaseError: not to be had in time, or memory not back after release (with the figures).
    """
    device = device or machine.device
    machine.lock_dir.mkdir(parents=True, exist_ok=True)
    name = device.replace(":", "-")
    holder = {"pid": os.getpid(), "stage": stage, "model": model}
    held = Lease(device, holder, machine.lock_dir / f"{name}.log")
    with (machine.lock_dir / f"{name}.lock").open("a+", encoding="utf-8") as f:
        _lock(f, device, machine, waiting)
        try:
            _write_holder(f, holder)
            before = _wait_for_memory(device, machine, needs_mb, memory, waiting)
            held.free_mb, held.memory, held.keep_fds = before.free_mb, memory, (f.fileno(),)
            held.note("acquired")
            try:
                yield held
            finally:
                _prove_release(device, before, memory, held)
        finally:
            f.truncate(0)
            fcntl.flock(f, fcntl.LOCK_UN)


def who_holds(machine: Machine) -> dict[str, Any] | None:
    """The current holder of the device (pid, stage, model, since), or None when it is free."""
    path = machine.lock_dir / (machine.device.replace(":", "-") + ".lock")
    if not path.exists():
        return None
    with path.open("r+", encoding="utf-8") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(f)
    return None


def _lock(f: IO[str], device: str, machine: Machine, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + machine.lease_timeout_s
    told: Any = None
    while True:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _read_holder(f)
        if holder != told:
            told = holder
            waiting(f"{device} is in use by {_name(holder)}; waiting for it")
        if time.monotonic() > deadline:
            raise LeaseError(
                f"{device} was not free within {machine.lease_timeout_s:.0f} s; held by {_name(holder)}",
                where="device lease",
                remedy="wait for that run or stop it, then render again: what is made is kept",
            )
        time.sleep(0.1)


def _wait_for_memory(
    device: str,
    machine: Machine,
    needs_mb: float,
    memory: Callable[[str], Memory],
    waiting: Callable[[str], None],
) -> Memory:
    deadline, told = time.monotonic() + machine.memory_wait_s, False
    while True:
        now = memory(device)
        # On a CPU other programs' memory is their own affair: only the model's need counts.
        crowded = device != "cpu" and now.used_mb > USED_AT_MOST * now.total_mb
        if now.free_mb >= needs_mb and not crowded:
            return now
        figures = f"{now.free_mb:.0f} of {now.total_mb:.0f} MB are free, {needs_mb:.0f} MB are needed"
        if not told:
            told = True
            waiting(f"waiting for memory on {device}: {figures}")
        if time.monotonic() > deadline:
            raise LeaseError(
                f"not enough memory on {device} within {machine.memory_wait_s:.0f} s: {figures}",
                where="device lease",
                remedy="close what uses it (nvidia-smi names it) or choose a smaller model",
            )
        time.sleep(0.5)


def _prove_release(device: str, before: Memory, memory: Callable[[str], Memory], held: Lease) -> None:
    """The model's process is gone by now; on a GPU its memory must be back within ten seconds, or we fail closed."""
    if (
        device == "cpu"
    ):  # a dead process has returned its memory; the machine's figure moves with everything else
        held.note("released")
        return
    deadline = time.monotonic() + 10
    while (now := memory(device)).free_mb < before.free_mb - RETURN_SLACK_MB:
        if time.monotonic() > deadline:
            figures = f"{before.free_mb:.0f} MB were free before, {now.free_mb:.0f} MB after"
            held.note("not released", free_before_mb=before.free_mb, free_after_mb=now.free_mb)
            raise LeaseError(
                f"{device} did not come back: {figures}",
                where="device lease",
                remedy="find the process that holds it with nvidia-smi; no further model is loaded until then",
            )
        time.sleep(0.2)
    held.note("released", free_before_mb=round(before.free_mb), free_after_mb=round(now.free_mb))


def _write_holder(f: IO[str], holder: dict[str, Any]) -> None:
    f.seek(0)
    f.truncate(0)
    json.dump({**holder, "since": time.strftime("%Y-%m-%d %H:%M:%S")}, f)
    f.flush()


def _read_holder(f: IO[str]) -> dict[str, Any] | None:
    f.seek(0)
    try:
        return json.loads(f.read())
    except json.JSONDecodeError:  # just taken, not yet written
        return None


def _name(holder: dict[str, Any] | None) -> str:
    if not holder:
        return "another run"
    return f"process {holder['pid']} ({holder['stage']} with {holder['model']}, since {holder['since']})"
