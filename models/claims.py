"""Proof of life for holders of a Prefect slot: a file that its holder keeps locked as long as it lives.

Prefect's slot is a timed lease: after a `kill -9` it stays taken for 48-75 s, or for ever if leases were lost. The
claim tells more: the kernel unlocks it at the holder's death, whatever the cause. A stopped holder still has it locked.
Claims are proof on the host they lie on; a holder without one is unknown, and left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

Life = Literal["alive", "dead", "unknown"]


@contextlib.contextmanager
def claim(folder: Path, holder: str, about: dict[str, Any]) -> Iterator[None]:
    """Hold the claim file of `holder` (a task run's id); `about` is for those who wait."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{holder}.json"
    with path.open("w", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), **about}, f)
        f.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def life(folder: Path, holder: str) -> tuple[Life, dict[str, Any]]:
    """Whether the holder lives, and what its claim says of it."""
    try:
        with (folder / f"{holder}.json").open("r+", encoding="utf-8") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return "alive", _read(f.read())
            about = _read(f.read())
            return ("dead", about) if about else ("unknown", {})  # it is locked before it is written
    except OSError:
        return "unknown", {}


def forget(folder: Path, holder: str) -> None:
    """Remove a dead holder's claim."""
    (folder / f"{holder}.json").unlink(missing_ok=True)


def _read(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:
        return {}
