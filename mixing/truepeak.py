"""True peak: 4× oversampling (ITU-R BS.1770-4 annex 2) where a peak could matter, and nowhere else.

Oversampling everything costs more than the rest of a master. A cell whose samples are so low that no interpolation
could lift them to the level in question is skipped; the bound is exact, so the result is that of the full search.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ

TAPS = 49  # Hann-windowed sinc, 4 phases: the design libebur128 uses, so that independent meters agree


def _phases() -> np.ndarray:
    """float32 `(3, 12)`: the filters for the points 1/4, 1/2 and 3/4 between two samples."""
    at = np.arange(TAPS)
    taps = np.sinc((at - (TAPS - 1) / 2) / 4) * 0.5 * (1 - np.cos(2 * np.pi * at / (TAPS - 1)))
    return np.stack([taps[phase::4][:12] for phase in (1, 2, 3)]).astype(np.float32)


PHASES = _phases()
CONTEXT = PHASES.shape[1] // 2  # samples needed on each side
_GRID = SAMPLE_RATE_HZ
CELL = 480  # samples looked at together
BOUND = float(
    np.abs(PHASES).sum(axis=1).max()
)  # no interpolated point exceeds this times its neighbours' peak


def _bend_bound() -> tuple[float, float]:
    """(a, b): no interpolated point exceeds a · its neighbours' peak + b · their largest second difference.

    An interpolation filter is a straight line between the two samples and a rest; the rest without its sum and its
    first moment, which are tiny, is a filter on second differences. Low sounds bend little: the bound is close.
    """
    flat, bend = 0.0, 0.0
    for phase, taps in enumerate(PHASES.astype(np.float64)[:, ::-1], 1):
        rest = taps.copy()
        rest[CONTEXT - 1] -= 1 - phase / 4
        rest[CONTEXT] -= phase / 4
        gain, moment = rest.sum(), (rest * (np.arange(len(rest)) - (CONTEXT - 1))).sum()
        rest[CONTEXT - 1] -= gain - moment
        rest[CONTEXT] -= moment
        flat = max(flat, 1 + abs(gain) + 2 * abs(moment))
        bend = max(bend, float(np.abs(np.cumsum(np.cumsum(rest))).sum()))
    return flat, bend


FLAT, BEND = _bend_bound()


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


def above(samples: np.ndarray, tops: np.ndarray, which: np.ndarray, level: float) -> np.ndarray:
    """Those of the cells `which` that could pass `level` between their samples."""
    which = which[tops[which] * BOUND > level]
    if not len(which):
        return which
    near = samples[:, which[:, None] * CELL + np.arange(CELL + 2 * CONTEXT)]
    bends = near[..., 2:] + near[..., :-2]
    bends -= 2 * near[..., 1:-1]
    bend = np.maximum(bends.max(axis=(0, 2)), -bends.min(axis=(0, 2)))
    return which[tops[which] * FLAT + bend * BEND > level]


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
        if samples.shape[1] > _GRID:
            for low in range(0, samples.shape[1], _GRID):
                self.add(samples[:, low : low + _GRID])
            return
        x = np.concatenate([self._rest, samples], axis=1)
        cells = (x.shape[1] - 2 * CONTEXT) // CELL
        self._rest = x[:, cells * CELL :].copy()
        if cells <= 0 or max(x.max(), -x.min()) * BOUND <= self.peak:
            return
        tops = cell_tops(x, cells)
        order = np.argsort(-tops, kind="stable")
        for first, last in (
            (0, 8),
            (8, 64),
            (64, cells),
        ):  # the loudest first: they rule most of the others out
            chosen = above(x, tops, order[first:last], self.peak)
            if len(chosen):
                self.peak = max(self.peak, float(cell_peaks(x, chosen).max()))

    def finish(self) -> float:
        """The peak in dBTP, after the last samples."""
        self.add(np.zeros((len(self._rest), CELL + 2 * CONTEXT), np.float32))
        return 20 * float(np.log10(max(self.peak, 1e-12)))
