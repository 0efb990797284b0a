"""True peak: 4× oversampling (ITU-R BS.1770-4 annex 2) where a peak could matter, and nowhere else.

Oversampling everything costs more than the rest of a master. A cell whose samples are so low that no interpolation
could lift them to the level in question is skipped; the bound is exact, so the result is that of the full search.
"""

from __future__ import annotations

import numpy as np

TAPS = 49  # Hann-windowed sinc, 4 phases: the design libebur128 uses, so that independent meters agree


def _phases() -> np.ndarray:
    """float32 `(3, 12)`: the filters for the points 1/4, 1/2 and 3/4 between two samples."""
    at = np.arange(TAPS)
    taps = np.sinc((at - (TAPS - 1) / 2) / 4) * 0.5 * (1 - np.cos(2 * np.pi * at / (TAPS - 1)))
    return np.stack([taps[phase::4][:12] for phase in (1, 2, 3)]).astype(np.float32)


PHASES = _phases()
CONTEXT = PHASES.shape[1] // 2  # samples needed on each side
BOUND = float(
    np.abs(PHASES).sum(axis=1).max()
)  # no interpolated point exceeds this times its neighbours' peak


def peaks(samples: np.ndarray) -> np.ndarray:
    """Per sample, the largest magnitude at it and at the three points before the next, over all channels.

    Args:
        samples: float32 `(channels, CONTEXT + n + CONTEXT)`.

    Returns:
        float32 `(n,)`.
    """
    count = samples.shape[1] - 2 * CONTEXT
    best = np.abs(samples[:, CONTEXT : CONTEXT + count]).max(axis=0)
    for taps in PHASES:
        for channel in samples:
            point = channel[1 : 1 + count] * taps[-1]
            for k in range(1, len(taps)):
                point += channel[1 + k : 1 + k + count] * taps[-1 - k]
            np.maximum(best, np.abs(point), out=best)
    return best


class TruePeakMeter:
    """Largest true peak of a stream, in blocks of any size."""

    _CELL = 480

    def __init__(self, channels: int) -> None:
        self._rest = np.zeros((channels, 2 * CONTEXT), np.float32)
        self.peak = 0.0  # linear

    def add(self, samples: np.ndarray) -> None:
        x = np.concatenate([self._rest, samples], axis=1)
        count = x.shape[1] - 2 * CONTEXT
        if count <= 0:
            self._rest = x
            return
        self._rest = x[:, count:].copy()
        magnitude = np.abs(x).max(axis=0)
        starts = np.arange(0, count, self._CELL)
        tops = np.maximum.reduceat(magnitude, starts)
        # a cell's interpolated points also see its neighbours; the rest behind the last cell counts as its part
        around = np.maximum(tops, np.maximum(np.append(tops[1:], 0), np.append(0, tops[:-1])))
        for cell in np.argsort(-around, kind="stable"):
            if around[cell] * BOUND <= self.peak:
                break
            low = starts[cell]
            high = min(low + self._CELL, count)
            self.peak = max(self.peak, float(peaks(x[:, low : high + 2 * CONTEXT]).max()))

    def finish(self) -> float:
        """The peak in dBTP, after the last samples."""
        self.add(np.zeros((len(self._rest), 2 * CONTEXT), np.float32))
        return 20 * float(np.log10(max(self.peak, 1e-12)))
