"""A person's consent to a model's terms: asked once (soundbound models install), kept as a small file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path

from models.machine import Machine


def accepted(machine: Machine, model: str, terms: str) -> bool:
    """Whether these very terms have been accepted here (changed ones have to be accepted anew)."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return json.loads(_path(machine, model).read_text(encoding="utf-8"))["sha256"] == _digest(terms)
    return False


def accept(machine: Machine, model: str, terms: str) -> None:
    path = _path(machine, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    when = time.strftime("%Y-%m-%d %H:%M:%S %z")
    record = {"model": model, "terms": terms, "sha256": _digest(terms), "accepted": when}
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _path(machine: Machine, model: str) -> Path:
    return machine.home / "accepted" / f"{model}.json"


def _digest(terms: str) -> str:
    return hashlib.sha256(terms.encode()).hexdigest()
