"""What a model was measured to need and do on this machine: used by the next run, shown by `soundbound models`.

One small file per model and device under `<home>/measured`, written by whoever holds the device's lease. The figures
are the largest of the last stages, so that one odd stage is forgotten in time.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from models.machine import Machine

WINDOW = 10  # stages
RESERVE = 1.1  # on a measured need: allocators fragment, contexts differ


class StageMeasure(BaseModel):
    """One stage of one model."""

    at: float  # time.time()
    loaded_mb: float  # peak until it was loaded
    peak_mb: float  # largest of the stage
    single_mb: float  # what one take alone needs at most, from the steepest batch measured
    slope_mb_per_s: float  # memory per padded second of a batch
    batch: int  # largest that went well
    takes: int
    audio_s: float
    busy_s: float  # wall time from the first order to the last answer
    load_s: float


class Measured(BaseModel):
    format: Literal["soundbound.measured/1"] = "soundbound.measured/1"
    model: str
    version: str
    device: str
    stages: list[StageMeasure] = []

    @property
    def need_mb(self) -> float:
        """What must be free before the model is loaded: its largest measured need for single takes, with reserve."""
        return RESERVE * max((s.single_mb for s in self.stages), default=0.0)

    @property
    def peak_mb(self) -> float:
        return max((s.peak_mb for s in self.stages), default=0.0)

    @property
    def batch(self) -> int:
        return self.stages[-1].batch if self.stages else 0

    @property
    def loaded_mb(self) -> float:
        return max((s.loaded_mb for s in self.stages), default=0.0)

    @property
    def slope_mb_per_s(self) -> float:
        return max((s.slope_mb_per_s for s in self.stages), default=0.0)

    @property
    def speed(self) -> float:
        """Seconds of audio per second, of the latest stage that made any; 0 if none did."""
        return next((s.audio_s / s.busy_s for s in reversed(self.stages) if s.audio_s and s.busy_s), 0.0)


def read(machine: Machine, model: str, version: str, device: str) -> Measured:
    """What is known of this version of the model on this device; empty if nothing is."""
    found = latest(machine, model, device)
    return found if found.version == version else Measured(model=model, version=version, device=device)


def latest(machine: Machine, model: str, device: str) -> Measured:
    """What is known of whatever version ran last; empty if nothing (or an unreadable file) is there."""
    with contextlib.suppress(OSError, ValidationError):
        return Measured.model_validate_json(_path(machine, model, device).read_bytes())
    return Measured(model=model, version="", device=device)


def note(machine: Machine, model: str, version: str, device: str, stage: StageMeasure) -> None:
    """Add a stage; call it under the device's lease."""
    known = read(machine, model, version, device)
    known.stages = [*known.stages, stage][-WINDOW:]
    path = _path(machine, model, device)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(known.model_dump_json(indent=1), encoding="utf-8")
    part.replace(path)


def _path(machine: Machine, model: str, device: str) -> Path:
    return machine.home / "measured" / f"{model}@{device.replace(':', '-')}.json"
