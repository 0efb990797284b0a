"""The true-peak limiter that masters: lookahead, smooth, and idle where nothing is too loud.

Works on a fixed 1 s grid whatever the blocks it is fed, so its output is the same bits for any block size. Needed
gain from 4× oversampled peaks → minimum over ±L → release at a constant rate in dB → Hann average over ±L. Every
value averaged is at most what the sample in the middle needs, so the ceiling holds by construction.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import minimum_filter1d

from mixing.contracts import SAMPLE_RATE_HZ
from mixing.truepeak import BOUND, CELL, CONTEXT, above, cell_peaks, cell_tops

_GRID = SAMPLE_RATE_HZ
_LOOKAHEAD = 96  # 2 ms
_RELEASE_DB = 60 / SAMPLE_RATE_HZ  # per sample: 60 dB/s
_HANN = np.hanning(2 * _LOOKAHEAD + 3)[1:-1]
_HANN = _HANN / _HANN.sum()
_AHEAD = 2 * _LOOKAHEAD + CONTEXT  # what must be known behind a grid cell before it can be limited


class Limiter:
    """Streaming: `add` returns what is finished, `finish` the rest; in sum as many samples as went in."""

    def __init__(self, channels: int, ceiling_dbtp: float) -> None:
        self._ceiling = np.float32(10 ** (ceiling_dbtp / 20))
        self._input = np.zeros(
            (channels, CONTEXT), np.float32
        )  # context before the next grid cell, then its samples
        self._at = 0  # where in `_input` the next cell's context begins
        self._parts: list[np.ndarray] = []
        self._waiting = 0
        # release curve in dB for the `2·lookahead` samples before what the next grid cell adds to it
        self._tail_db = np.zeros(2 * _LOOKAHEAD)
        self._head = True
        self._last_needed = np.ones(2 * _LOOKAHEAD, np.float32)
        self.touched_cells = 0  # 10 ms cells in which the gain was below one
        self.idle: list[bool] = []  # for every second given out: whether it came out as it went in

    def add(self, samples: np.ndarray) -> np.ndarray:
        """float32 `(channels, frames)` in; the limited samples that are ready out (0 or more)."""
        self._parts.append(samples)
        self._waiting += samples.shape[1]
        done = []
        while self._waiting >= _GRID + _AHEAD:
            done.append(self._cell(_GRID))
        return np.concatenate(done, axis=1) if done else samples[:, :0]

    def finish(self) -> np.ndarray:
        left = self._waiting
        self._parts.append(np.zeros((len(self._input), _GRID + _AHEAD), np.float32))
        self._waiting += _GRID + _AHEAD
        done = []
        while left > 0:
            done.append(self._cell(min(left, _GRID)))
            left -= _GRID
        return np.concatenate(done, axis=1) if done else self._input[:, :0]

    def _cell(self, count: int) -> np.ndarray:
        """Limit the next grid cell and return its first `count` samples."""
        if self._parts:
            self._input = np.concatenate([self._input[:, self._at :], *self._parts], axis=1)
            self._at, self._parts = 0, []
        x = self._input[:, self._at : self._at + CONTEXT + _GRID + _AHEAD]
        gain = self._gain(x)
        out = x[:, CONTEXT : CONTEXT + count]
        self.idle.append(gain is None)
        if gain is not None:
            gain = gain[:count]
            out = out * gain
            whole = np.pad(gain, (0, -count % CELL), constant_values=1.0).reshape(-1, CELL)
            self.touched_cells += int((whole.min(axis=1) < 0.9999).sum())
        self._at += _GRID
        self._waiting -= _GRID
        return out

    def _gain(self, x: np.ndarray) -> np.ndarray | None:
        """Gain of the grid cell's samples, or None where it is one throughout."""
        needed = self._needed(x)
        first = self._head
        self._head = False
        if needed is None and not self._tail_db.any():
            self._last_needed = np.ones(2 * _LOOKAHEAD, np.float32)
            return None
        if needed is None:
            needed = np.ones(_GRID + 2 * _LOOKAHEAD, np.float32)
        # the minimum over ±L of samples [L, grid + L) of this cell; what lies before needs the cell before
        before = np.ones(2 * _LOOKAHEAD, np.float32) if first else self._last_needed
        known = np.concatenate([before, needed])  # [-2L, grid + 2L)
        self._last_needed = needed[_GRID - 2 * _LOOKAHEAD : _GRID].copy()
        lowest = minimum_filter1d(known, 2 * _LOOKAHEAD + 1)
        fresh = lowest[3 * _LOOKAHEAD : 3 * _LOOKAHEAD + _GRID]  # [L, grid + L)
        if first:  # no cell before it has made [-L, L)
            self._tail_db = self._release(lowest[_LOOKAHEAD : 3 * _LOOKAHEAD], 0.0)
        fresh_db = self._release(fresh, float(self._tail_db[-1]))
        curve = 10 ** (np.concatenate([self._tail_db, fresh_db]) / 20)  # [-L, grid + L)
        self._tail_db = fresh_db[-2 * _LOOKAHEAD :].copy()
        smooth = np.convolve(curve, _HANN, mode="valid")  # `_GRID` values
        return np.minimum(smooth, 1.0).astype(np.float32)

    @staticmethod
    def _release(gain: np.ndarray, before_db: float) -> np.ndarray:
        """Falls at once, recovers at the release rate from `before_db`; never above `gain`."""
        level_db = np.concatenate([[before_db], 20 * np.log10(gain.astype(np.float64))])
        rise = _RELEASE_DB * np.arange(len(level_db))
        curve = (np.minimum.accumulate(level_db - rise) + rise)[1:]
        curve[curve > -1e-6] = 0.0  # rounding: without it the limiter would never idle again
        return curve

    def _needed(self, x: np.ndarray) -> np.ndarray | None:
        """Gain each of `_GRID + 2L` samples needs, or None if none needs any.

        Only 10 ms cells whose neighbourhood could exceed the ceiling between samples are oversampled.
        """
        count = _GRID + 2 * _LOOKAHEAD
        cells = -(-count // CELL)
        tops = cell_tops(x, cells)
        if tops.max() * BOUND <= self._ceiling:
            return None
        whole = np.pad(x, ((0, 0), (0, cells * CELL - count)))
        loud = above(whole, tops, np.arange(cells), float(self._ceiling))
        if not len(loud):
            return None
        needed = np.ones(cells * CELL, np.float32)
        top = cell_peaks(whole, loud)
        needed.reshape(cells, CELL)[loud] = self._ceiling / np.maximum(top, self._ceiling)
        needed = needed[:count]
        # a point between two samples concerns both
        needed[1:] = np.minimum(needed[1:], needed[:-1])
        return needed if needed.min() < 1 else None
