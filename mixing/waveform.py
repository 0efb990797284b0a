"""The shape of a stream: peak and mean square of every 100 ms, for pictures and for takers who measure RMS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np


@dataclass(frozen=True)
class Waveform:
    """Cells of 100 ms; the last may be shorter."""

    peaks: np.ndarray  # float32 `(cells,)`: largest magnitude over all channels
    squares: np.ndarray  # float64 `(cells,)`: mean square, channels averaged
    frames: int
    rate_hz: int

    @property
    def rms_dbfs(self) -> float:
        """Of the whole, pauses included."""
        cell = self.rate_hz // 10
        weights = np.full(len(self.squares), cell, np.float64)
        if len(weights):
            weights[-1] = self.frames - cell * (len(weights) - 1)
        return _db((self.squares * weights).sum() / max(1, self.frames))

    @property
    def peak_dbfs(self) -> float:
        return 2 * _db(float(self.peaks.max(initial=0.0)))

    class Meter:
        """Blocks of any size."""

        def __init__(self, rate_hz: int) -> None:
            self._rate_hz, self._cell = rate_hz, rate_hz // 10
            self._rest: np.ndarray | None = None
            self._peaks: list[np.ndarray] = []
            self._squares: list[np.ndarray] = []
            self._frames = 0

        def add(self, samples: np.ndarray) -> None:
            """float32 `(channels, frames)`, the next block."""
            self._frames += samples.shape[1]
            if self._rest is not None and self._rest.shape[1]:
                samples = np.concatenate([self._rest, samples], axis=1)
            whole = samples.shape[1] // self._cell * self._cell
            self._keep(samples[:, :whole].reshape(len(samples), -1, self._cell))
            self._rest = samples[:, whole:].copy()

        def _keep(self, cells: np.ndarray) -> None:
            if not cells.size:
                return
            self._peaks.append(reduce(np.maximum, (np.maximum(c.max(axis=1), -c.min(axis=1)) for c in cells)))
            squares = sum(np.einsum("ki,ki->k", c, c, dtype=np.float64) for c in cells)
            self._squares.append(squares / (len(cells) * cells.shape[2]))

        def finish(self) -> Waveform:
            if self._rest is not None and self._rest.shape[1]:
                self._keep(self._rest[:, None, :])
                self._rest = None
            peaks = np.concatenate(self._peaks) if self._peaks else np.zeros(0, np.float32)
            squares = np.concatenate(self._squares) if self._squares else np.zeros(0)
            return Waveform(peaks, squares, self._frames, self._rate_hz)


def _db(power: float) -> float:
    return 10 * float(np.log10(power)) if power > 0 else float("-inf")
