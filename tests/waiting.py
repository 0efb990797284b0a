"""Waiting for what another process does, with an end to it: whoever waits in vain says for what, and shows the logs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

START_S = 110.0  # for `soundbound serve` to come up on a busy machine; it takes 15 to 30 s on two idle cores
STOP_S = 60.0
TAIL_LINES = 25


def wait_for(
    what: str, found: Callable[[], Any], timeout_s: float, *, logs: Iterable[Path] = (), every_s: float = 0.3
) -> Any:
    """What `found` returns once it is something; an AssertionError with the ends of `logs` when it never is."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s:.0f} s: {what}\n{tails(logs)}")


def tails(logs: Iterable[Path]) -> str:
    """The last lines of each log that is there."""
    shown = []
    for path in logs:
        with contextlib.suppress(OSError):
            lines = path.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            shown.append("\n".join([f"--- {path}", *lines]))
    return "\n".join(shown)


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """kill -9, and wait until they are gone."""
    doomed = list(processes)
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=20)
