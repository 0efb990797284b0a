"""True peak: 4× oversampling (ITU-R BS.1770-4 annex 2) where a peak could matter, and nowhere else.

Oversampling everything costs more than the rest of a master. A cell whose samples are so low that no interpolation
could lift them to the level in question is skipped; the bound is exact, so the result is that of the full search.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

TAPS = 49  # Hann-windowed sinc, 4 phases: the design libebur128 uses, so that independent meters agree


def _phases() -> np.ndarray:
    """float32 `(3, 12)`: the filters for the points 1/4, 1/2 and 3/4 between two samples."""
    at = np.arange(TAPS)
    taps = np.sinc((at - (TAPS - 1) / 2) / 4) * 0.5 * (1 - np.cos(2 * np.pi * at / (TAPS - 1)))
    return np.stack([taps[phase::4][:12] for phase in (1, 2, 3)]).astype(np.float32)


PHASES = _phases()
CELL = 480  # samples looked at together
CONTEXT = PHASES.shape[1] // 2  # samples needed on each side
BOUND = float(
    np.abs(PHASES).sum(axis=1).max()
)  # no interpolated point exceeds this times its neighbours' peak


def peaks(samples: np.ndarray) -> np.ndarray:
    """Per sample, the largest magnitude at it and at the three points before the next, over all channels.

    Args:
        samples: float32 `(channels, ..., CONTEXT + n + CONTEXT)`.

    Returns:
        float32 `(..., n)`.
    """
    count = samples.shape[-1] - 2 * CONTEXT
    best = np.abs(samples[..., CONTEXT : CONTEXT + count]).max(axis=0)
    product = np.empty_like(best)
    for taps in PHASES:
        for channel in samples:
            point = channel[..., 1 : 1 + count] * taps[-1]
            for k in range(1, len(taps)):
                np.multiply(channel[..., 1 + k : 1 + k + count], taps[-1 - k], out=product)
                point += product
            np.maximum(best, np.abs(point, out=point), out=best)
    return best


def cell_tops(samples: np.ndarray, cells: int) -> np.ndarray:
    """Highest magnitude that any interpolated point of each of `cells` cells can see, float32 `(cells,)`.

    Args:
        samples: float32 `(channels, CONTEXT + cells·CELL + CONTEXT)`; only the context may be short at the end.
    """
    magnitude = reduce(np.maximum, (np.abs(channel) for channel in samples))
    tops = np.maximum.reduceat(magnitude, np.arange(0, cells * CELL, CELL))
    tops[:-1] = np.maximum(tops[:-1], tops[1:])  # a cell's context lies in the next one
    return tops


def cell_peaks(samples: np.ndarray, which: np.ndarray) -> np.ndarray:
    """`peaks` of the cells with these numbers, float32 `(cells, CELL)`."""
    at = which[:, None] * CELL + np.arange(CELL + 2 * CONTEXT)
    return peaks(samples[:, at])


class TruePeakMeter:
    """Largest true peak of a stream, in blocks of any size."""

    def __init__(self, channels: int) -> None:
        self._rest = np.zeros((channels, 2 * CONTEXT), np.float32)
        self.peak = 0.0  # linear

    def add(self, samples: np.ndarray) -> None:
        x = np.concatenate([self._rest, samples], axis=1)
        cells = (x.shape[1] - 2 * CONTEXT) // CELL
        self._rest = x[:, cells * CELL :].copy()
        if cells <= 0:
            return
        tops = cell_tops(x, cells)
        order = np.argsort(-tops, kind="stable")
        for first, last in (
            (0, 8),
            (8, 64),
            (64, cells),
        ):  # the loudest first: they rule most of the others out
            chosen = order[first:last]
            chosen = chosen[tops[chosen] * BOUND > self.peak]
            if len(chosen):
                self.peak = max(self.peak, float(cell_peaks(x, chosen).max()))

    def finish(self) -> float:
        """The peak in dBTP, after the last samples."""
        self.add(np.zeros((len(self._rest), CELL + 2 * CONTEXT), np.float32))
        return 20 * float(np.log10(max(self.peak, 1e-12)))
