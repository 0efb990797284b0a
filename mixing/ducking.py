"""Ducking as automation: the timeline says when words sound, so the gain under them is drawn and not followed.

Every line carries a trapezoid in dB round it, as deep as its own speech needs; the curve is their maximum on an
absolute 1 ms grid. It is a pure function of the sample's index: block size, neighbours and reruns can't change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import CELLS_PER_S, lufs, momentary_max_lufs
from mixing.profiles import DuckingLaw

_STEP = SAMPLE_RATE_HZ // 1000
_RAMP = (np.arange(_STEP) / _STEP).astype(np.float32)


@dataclass(frozen=True)
class Duck:
    start_s: float
    end_s: float
    depth_db: float  # ≥ 0


def depth_db(law: DuckingLaw, speech_lufs: float, under: np.ndarray) -> float:
    """How far to lower what lies under a line: D = clip(wanted - (speech - under), 0, most).

    Args:
        speech_lufs: the line's speech-gated level.
        under: K-weighted 10 ms energies of the bus during the line.
    """
    mean, moment = lufs(under), momentary_max_lufs(under) if len(under) >= 40 else lufs(under)
    need = max(
        law.speech_over_lu - (speech_lufs - mean),
        law.moment_over_lu - (speech_lufs - moment),
    )
    return float(np.clip(need + law.margin_lu, 0, law.max_depth_db)) if np.isfinite(need) else 0.0


def cells_of(start_s: float, end_s: float) -> slice:
    """The 10 ms cells a span touches."""
    return slice(int(start_s * CELLS_PER_S), int(np.ceil(end_s * CELLS_PER_S)))


class DuckCurve:
    """The gain of a bus over the chapter."""

    def __init__(self, ducks: list[Duck], law: DuckingLaw) -> None:
        self._law = law
        lines = sorted((d for d in ducks if d.depth_db > 0), key=lambda d: d.start_s)
        # between close lines the bus stays down, as far as both want it: pumping is worse than a quiet second
        bridges = [
            Duck(a.end_s, b.start_s, min(a.depth_db, b.depth_db))
            for a, b in pairwise(lines)
            if 0 < b.start_s - a.end_s <= law.bridge_s
        ]
        self._by_second: dict[int, list[Duck]] = {}
        for duck in lines + bridges:
            first = int(np.floor(duck.start_s - law.lead_s - law.ramp_s))
            last = int(np.floor(duck.end_s + law.hold_s + law.release_s))
            for second in range(first, last + 1):
                self._by_second.setdefault(second, []).append(duck)

    def _points(self, second: int) -> np.ndarray | None:
        """Gain at the 1001 grid points of one second, its end included; None where it is one."""
        ducks = self._by_second.get(second)
        if not ducks:
            return None
        law = self._law
        at_s = second + np.arange(1001) / 1000
        down = np.zeros(1001)
        for duck in ducks:
            into = (at_s - (duck.start_s - law.lead_s - law.ramp_s)) / law.ramp_s
            out = (duck.end_s + law.hold_s + law.release_s - at_s) / law.release_s
            np.maximum(down, duck.depth_db * np.clip(np.minimum(into, out), 0, 1), out=down)
        return (10 ** (-down / 20)).astype(np.float32)

    def tenths_db(self, count: int) -> np.ndarray:
        """The lowest gain within each of the chapter's first `count` tenths of a second, dB, float32 `(count,)`."""
        out = np.ones((-(-count // 10), 10), np.float32)
        for second in range(len(out)):
            points = self._points(second)
            if points is not None:
                out[second] = points[:-1].reshape(10, 100).min(axis=1)
        return 20 * np.log10(out.reshape(-1)[:count])

    def gain(self, start: int, stop: int) -> np.ndarray | None:
        """float32 `(stop - start,)` for those samples of the chapter, or None where it is one throughout."""
        seconds = range(start // SAMPLE_RATE_HZ, (stop - 1) // SAMPLE_RATE_HZ + 1)
        points = [self._points(second) for second in seconds]
        if all(p is None for p in points):
            return None
        out = np.ones((len(points), 1000, _STEP), np.float32)
        for row, p in zip(out, points, strict=True):
            if p is not None:
                row[:] = p[:-1, None] + (p[1:] - p[:-1])[:, None] * _RAMP
        offset = seconds[0] * SAMPLE_RATE_HZ
        return out.reshape(-1)[start - offset : stop - offset]
