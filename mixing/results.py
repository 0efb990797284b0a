"""What mastering a chapter gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mixing.contracts import Check, Loudness
from mixing.waveform import Waveform


@dataclass(frozen=True)
class Mastered:
    gain_db: float
    loudness: Loudness
    limited_share: float  # of 10 ms cells
    energies: np.ndarray  # K-weighted 10 ms energies of the master as decoded
    waveform: Waveform  # of the same
    warnings: list[str]
    checks: list[Check] = field(default_factory=list)
