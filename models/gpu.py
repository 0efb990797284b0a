"""The exclusive lease on a device: one model at a time, whoever asks.

Prefect's tag limit queues the stages and shows them; under it this file lock is the hard guarantee, since a Prefect
slot is a timed lease that a stalled holder can lose. Always in that order: tag, then file lock. `flock` is freed by
the kernel on any death; the model's process inherits the lock, so the device is free only when that, too, is gone. On
a CPU everything is the same, with the device "cpu".
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from models import devices
from models.devices import Memory, OnCard, device_memory
from models.machine import Machine
from story.errors import SoundboundError

USED_AT_MOST = 0.8  # share of a GPU's memory that may be taken before a model is loaded (DESIGN.md)
RETURN_SLACK_MB = 256.0  # allocator and context noise that does not count as memory kept back
RETURN_PATIENCE_S = 10.0
LOG_KEPT_BYTES = 4 << 20


class LeaseError(SoundboundError):
    """The device could not be had, or did not come back as it was."""


@dataclass(frozen=True)
class Probe:
    """How a device is looked at; tests and benchmarks have a stand-in."""

    memory: Callable[[str], Memory] = device_memory
    processes: Callable[[str], list[OnCard]] = devices.processes_on
    is_quick: Callable[[str], bool] = devices.is_quick
    identity: Callable[[str], str] = devices.identity


@dataclass
class Lease:
    """A held device. `note` appends to the lease log: who did what when."""

    device: str
    holder: dict[str, Any]
    log_file: Path
    probe: Probe = field(default_factory=Probe)
    keep_fds: tuple[
        int, ...
    ] = ()  # the open lock: a child that inherits it keeps the device until it is gone too
    free_mb: float = 0.0  # when the device was taken
    _quick: bool | None = None

    def grown_mb(self) -> float:
        """How much more of a GPU is used now than when it was taken: the model, its context and all. 0 on a CPU,
        where other programs come and go, and where the question would take seconds."""
        if self._quick is None:
            self._quick = self.device != "cpu" and self.probe.is_quick(self.device)
        return max(0.0, self.free_mb - self.probe.memory(self.device).free_mb) if self._quick else 0.0

    def note(self, event: str, **more: Any) -> None:
        line = json.dumps(
            {"t": round(time.time(), 3), "event": event, "device": self.device, **self.holder, **more}
        )
        with contextlib.suppress(PermissionError), self.log_file.open("a", encoding="utf-8") as f:
            f.write(line + "\n")  # another user's log on a shared host is not ours to write


@contextlib.contextmanager
def lease(
    machine: Machine,
    *,
    stage: str,
    model: str,
    needs_mb: float,
    device: str | None = None,
    about: dict[str, Any] | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    probe: Probe | None = None,
) -> Iterator[Lease]:
    """Hold a device exclusively for a stage.

    Args:
        device: where the model runs, if not on `machine.device`.
        stage, model, about: told to the person who waits (lock file, log); about may hold "run", its name.
        needs_mb: the model's measured need; waits until that much is free (and, on a GPU, used ≤ 80 %).
        waiting: called with a sentence when the wait begins or its reason changes.

    Raises:
        LeaseError: not to be had in time, or memory not back after release (with the figures).
    """
    device, probe = device or machine.device, probe or Probe()
    lock, log = files(machine, device, probe)
    holder = {"pid": os.getpid(), "stage": stage, "model": model, **(about or {})}
    held = Lease(device, holder, log, probe)
    with open_lock(lock) as f:
        _lock(f, device, machine, waiting)
        try:
            _shorten(log)
            _write_holder(f, holder)
            before = _wait_for_memory(held, machine, needs_mb, waiting)
            foreign = {p.pid for p in probe.processes(device)}
            held.free_mb, held.keep_fds = before.free_mb, (f.fileno(),)
            held.note("acquired")
            try:
                yield held
            finally:
                _prove_release(held, before, foreign)
        finally:
            f.truncate(0)
            fcntl.flock(f, fcntl.LOCK_UN)


def note_asked(machine: Machine, device: str, stage: str) -> None:
    """Write into the device's log that a stage wants it: what lies between this and "acquired" was waiting."""
    Lease(device, {"pid": os.getpid(), "stage": stage}, files(machine, device)[1]).note("asked")


def files(machine: Machine, device: str, probe: Probe | None = None) -> tuple[Path, Path]:
    """Lock and log of a device. A GPU's name is the card's own, so that nobody's numbering opens a second lock."""
    folder = machine.device_lock_dir(device)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.parent == Path(tempfile.gettempdir()):
        with contextlib.suppress(PermissionError):  # another user made it
            folder.chmod(0o1777)
    name = (probe or Probe()).identity(device)
    return folder / f"{name}.lock", folder / f"{name}.log"


@contextlib.contextmanager
def open_lock(path: Path) -> Iterator[IO[str]]:
    """The lock file, made if need be, for every user of the host."""
    # O_CREAT on another user's file in a shared folder is refused by Linux (fs.protected_regular): open it first.
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with contextlib.suppress(PermissionError):
            path.chmod(0o666)
    except PermissionError as e:
        raise LeaseError(
            "the device's lock cannot be opened", where=str(path), remedy=f"chmod 666 {path}"
        ) from e
    with os.fdopen(fd, "r+", encoding="utf-8") as f:
        yield f


@contextlib.contextmanager
def if_free(machine: Machine, device: str) -> Iterator[bool]:
    """Whether the device's lock is free; if so it is ours within the block."""
    with open_lock(files(machine, device)[0]) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(f, fcntl.LOCK_UN)


def who_holds(machine: Machine, device: str | None = None) -> dict[str, Any] | None:
    """The current holder of the device (pid, stage, model, since, …), or None when it is free."""
    path = files(machine, device or machine.device)[0]
    if not path.exists():
        return None
    with open_lock(path) as f:
        try:
            fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(f)
    return None


def describe(holder: dict[str, Any] | None) -> str:
    """A sentence's part: who holds the device, with what, since when."""
    if not holder:
        return "another run"
    run = f" of {holder['run']!r}" if holder.get("run") else ""
    gone = "" if _is_there(holder["pid"]) else ", which is gone; its model's process is still ending"
    return f"process {holder['pid']} ({holder['stage']}{run} with {holder['model']}, since {holder['since']}{gone})"


def _lock(f: IO[str], device: str, machine: Machine, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + machine.lease_timeout_s
    told: Any = None
    while True:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _read_holder(f)
        if holder and holder != told:
            told = holder
            waiting(f"{device} is in use by {describe(holder)}; waiting for it")
        if time.monotonic() > deadline:
            raise LeaseError(
                f"{device} was not free within {machine.lease_timeout_s:.0f} s; held by {describe(holder)}",
                where="device lease",
                remedy="wait for that run or stop it, then render again: what is made is kept",
            )
        time.sleep(0.1)


def _wait_for_memory(
    held: Lease, machine: Machine, needs_mb: float, waiting: Callable[[str], None]
) -> Memory:
    """The device's memory once there is enough. What a card of this size can never hold is said at once."""
    device, probe = held.device, held.probe
    deadline, told = time.monotonic() + machine.memory_wait_s, ""
    while True:
        now = probe.memory(device)
        # On a CPU other programs' memory is their own affair: only the model's need counts.
        crowded = device != "cpu" and now.used_mb > USED_AT_MOST * now.total_mb
        if now.free_mb >= needs_mb and not crowded:
            return now
        if needs_mb > now.total_mb:
            raise LeaseError(
                f"{device} has {now.total_mb:.0f} MB in all, {held.holder['model']} needs {needs_mb:.0f} MB",
                where="device lease",
                remedy="choose a smaller model (soundbound models), or set its memory_mb if you know better",
            )
        figures = f"{now.free_mb:.0f} of {now.total_mb:.0f} MB are free, {needs_mb:.0f} MB are needed"
        if crowded:
            figures += f" and at most {USED_AT_MOST:.0%} may be in use"
        users = "; in use by " + ", ".join(map(str, others)) if (others := probe.processes(device)) else ""
        if told != users or not told:
            told = users or "-"
            waiting(f"waiting for memory on {device}: {figures}{users}")
        if time.monotonic() > deadline:
            raise LeaseError(
                f"not enough memory on {device} within {machine.memory_wait_s:.0f} s: {figures}{users}",
                where="device lease",
                remedy="close what uses it or choose a smaller model; nothing of others' is ever killed",
            )
        time.sleep(0.5)


def _prove_release(held: Lease, before: Memory, foreign: set[int]) -> None:
    """The model's process is gone by now; on a GPU its memory must be back in time, or we fail closed.

    What a program that came meanwhile takes for itself is not ours to get back.
    """
    device, probe = held.device, held.probe
    if device == "cpu":
        # a dead process has returned its memory; the machine's figure moves with everything else
        held.note("released")
        return
    deadline = time.monotonic() + RETURN_PATIENCE_S
    while True:
        now = probe.memory(device)
        newcomers = [p for p in probe.processes(device) if p.pid not in foreign]
        theirs_mb = sum(p.memory_mb or 0.0 for p in newcomers)
        if now.free_mb + theirs_mb >= before.free_mb - RETURN_SLACK_MB:
            break
        if time.monotonic() > deadline:
            figures = f"{before.free_mb:.0f} MB were free before, {now.free_mb:.0f} MB after"
            users = "; in use by " + ", ".join(map(str, newcomers)) if newcomers else ""
            held.note("not released", free_before_mb=before.free_mb, free_after_mb=now.free_mb)
            raise LeaseError(
                f"{device} did not come back: {figures}{users}",
                where="device lease",
                remedy="find the process that holds it (nvidia-smi), end it, and render again: what is made is kept",
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


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _shorten(log: Path) -> None:
    """Keep the newer half of a log that has grown too long; only the lock's holder does."""
    if log.exists() and log.stat().st_size > LOG_KEPT_BYTES:
        lines = log.read_bytes().splitlines(keepends=True)
        log.write_bytes(b"".join(lines[len(lines) // 2 :]))
