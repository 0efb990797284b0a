"""The loudness meter: ITU-R BS.1770-4 and EBU Tech 3341/3342 from K-weighted energies kept every 10 ms.

Audio passes the meter once, in blocks of any size; integrated, momentary and short-term loudness and the loudness
range, of a line, a stem, a chapter or a book, all come from the energies without reading audio again. The energies
are the same bits for any block size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import sosfilt

from mixing.contracts import SAMPLE_RATE_HZ

CELL_FRAMES = SAMPLE_RATE_HZ // 100
CELLS_PER_S = 100
_HOP = 10  # cells in 100 ms
_AT_ONCE = 36_000  # tenths of a second: ten hours in float64 would be most of a chapter's memory
_OFFSET = -0.691  # BS.1770-4 eq. 2
_ABSOLUTE_GATE = -70.0  # LKFS, BS.1770-4 section 2.8
_SPENT = 1e-30  # filter state this small can't be told from silence


def _section(frequency_hz: float, q: float, gain_db: float | None) -> list[float]:
    """One biquad of BS.1770-4 annex 1, tables 1 and 2, as the analogue prototype that gives them at 48 kHz."""
    k = np.tan(np.pi * frequency_hz / SAMPLE_RATE_HZ)
    a0 = 1 + k / q + k * k
    denominator = [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    if gain_db is None:  # the high-pass: table 2 keeps b = 1, -2, 1
        return [1.0, -2.0, 1.0, *denominator]
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    return [
        (high + middle * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / q + k * k) / a0,
        *denominator,
    ]


K_WEIGHTING = np.array(
    [
        _section(1681.974450955533, 0.7071752369554196, 3.999843853973347),
        _section(38.13547087602444, 0.5003270373238773, None),
    ]
)


class EnergyMeter:
    """K-weighted mean squares of 10 ms cells, channels summed (left and right weigh 1)."""

    def __init__(self, channels: int) -> None:
        self._state = np.zeros((len(K_WEIGHTING), channels, 2))
        self._rest = np.zeros((channels, 0))
        self._cells: list[np.ndarray] = []

    def add(self, samples: np.ndarray) -> None:
        """float32 `(channels, frames)`, the next block."""
        self.keep(self.weigh(samples))

    def weigh(self, samples: np.ndarray) -> np.ndarray:
        """The next block K-weighted, float64 `(channels, frames)`, without keeping its energies."""
        weighted = np.zeros(samples.shape)
        for low in range(0, samples.shape[1], SAMPLE_RATE_HZ):
            part = samples[:, low : low + SAMPLE_RATE_HZ]
            if np.abs(self._state).max() < _SPENT and not part.any():
                self._state[:] = 0  # a silent second costs nothing; its energies are 0 in float32 either way
                continue
            weighted[:, low : low + SAMPLE_RATE_HZ], self._state = sosfilt(
                K_WEIGHTING, part, axis=-1, zi=self._state
            )
        return weighted

    def keep(self, weighted: np.ndarray) -> None:
        """Energies of the next K-weighted block."""
        if self._rest.shape[1]:
            weighted = np.concatenate([self._rest, weighted], axis=1)
        count = weighted.shape[1] // CELL_FRAMES
        whole = count * CELL_FRAMES
        cells = np.ascontiguousarray(weighted[:, :whole]).reshape(len(weighted), count, CELL_FRAMES)
        power = np.einsum("cki,cki->ck", cells, cells) / CELL_FRAMES
        total = power[0].copy()
        for channel in power[1:]:
            total += channel
        self._cells.append(total.astype(np.float32))
        self._rest = weighted[:, whole:].copy()

    def take(self, samples: np.ndarray) -> np.ndarray:
        """Energies of the next block alone, float32 `(cells,)`; it begins with a cell."""
        self._cells = []
        self.add(samples)
        return self._cells[0]

    @property
    def energies(self) -> np.ndarray:
        """float32 `(cells,)`; an incomplete last cell is left out."""
        if len(self._cells) != 1:
            self._cells = [np.concatenate(self._cells) if self._cells else np.zeros(0, np.float32)]
        return self._cells[0]


class StemMeter:
    """Energies of several stems and of their sum, each filtered once: K-weighting is linear."""

    def __init__(self, stems: Sequence[str], channels: int = 2) -> None:
        self._stems = {name: EnergyMeter(channels) for name in stems}
        self._sum = EnergyMeter(channels)

    def add(self, samples: Mapping[str, np.ndarray]) -> None:
        """The next block of every stem, float32 `(channels, frames)` each, equally long."""
        total: np.ndarray | None = None
        for name, meter in self._stems.items():
            weighted = meter.weigh(samples[name])
            meter.keep(weighted)
            total = weighted if total is None else total + weighted
        if total is not None:
            self._sum.keep(total)

    @property
    def sum_energies(self) -> np.ndarray:
        return self._sum.energies

    def energies(self, stem: str) -> np.ndarray:
        return self._stems[stem].energies


class KnownMeter:
    """Energies of a stream that is, for most of its seconds, another one times a gain.

    Where it is, they are the other's energies times the gain squared; the rest is filtered. The second before is
    filtered too: the weighting remembers 30 ms.
    """

    def __init__(self, known: np.ndarray, gain: float, channels: int = 2) -> None:
        """`known`: the other stream's 10 ms energies."""
        self._known, self._power, self._channels = known, gain * gain, channels
        self._meter: EnergyMeter | None = None  # running
        self._before: np.ndarray | None = None
        self._cells: list[np.ndarray] = []
        self._seconds = 0

    def add(self, second: np.ndarray, same: bool) -> None:
        """The next second (the last may be shorter), and whether it and what it came from differ by the gain only."""
        count = second.shape[1] // CELL_FRAMES
        if same and self._meter is None:
            first = self._seconds * CELLS_PER_S
            self._cells.append((self._known[first : first + count] * self._power).astype(np.float32))
        else:
            if self._meter is None:
                self._meter = EnergyMeter(self._channels)
                if self._before is not None:
                    self._meter.weigh(self._before)
            self._cells.append(self._meter.take(second))
            if same:
                self._meter = None
        self._before = second
        self._seconds += 1

    @property
    def energies(self) -> np.ndarray:
        return np.concatenate(self._cells) if self._cells else np.zeros(0, np.float32)


def energies(samples: np.ndarray) -> np.ndarray:
    """K-weighted energies of a whole clip, float32 `(channels, frames)`; the last cell is filled up with silence."""
    meter = EnergyMeter(len(samples))
    meter.add(np.pad(samples, ((0, 0), (0, -samples.shape[1] % CELL_FRAMES))))
    return meter.energies


def lufs(power: float | np.ndarray) -> float:
    """Loudness of a mean square, BS.1770-4 eq. 2; -inf for none."""
    mean = float(np.mean(power)) if np.size(power) else 0.0
    return _OFFSET + 10 * float(np.log10(mean)) if mean > 0 else float("-inf")


def tenths(cells: np.ndarray) -> np.ndarray:
    """Mean squares of 100 ms, float64, from 10 ms energies: all that gated loudness and the range need."""
    whole = cells[: len(cells) // _HOP * _HOP].reshape(-1, _HOP)
    parts = [whole[i : i + _AT_ONCE].astype(np.float64).mean(axis=1) for i in range(0, len(whole), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _sliding(steps: np.ndarray, count: int) -> np.ndarray:
    """Means of `count` neighbours; windows that lie wholly inside."""
    return sliding_window_view(steps, count).mean(axis=1) if len(steps) >= count else np.zeros(0)


def _gate(windows: np.ndarray, relative_lu: float) -> np.ndarray:
    """Windows above the absolute gate and above the relative one (BS.1770-4 section 2.8, Tech 3342 section 3)."""
    above = windows[windows > 10 ** ((_ABSOLUTE_GATE - _OFFSET) / 10)]
    return above[above > above.mean() * 10 ** (relative_lu / 10)] if len(above) else above


def integrated_lufs(cells: np.ndarray) -> float:
    """Gated loudness: 400 ms blocks every 100 ms, gates at -70 LKFS and 10 LU below the mean."""
    return programme_lufs([tenths(cells)])


def programme_lufs(parts: Sequence[np.ndarray]) -> float:
    """Integrated loudness of several parts (a book's chapters) as one programme, from each one's `tenths`.

    No block spans two parts, so their order doesn't matter.
    """
    blocks = [_sliding(part, 4) for part in parts]
    return lufs(_gate(np.concatenate(blocks), -10)) if blocks else float("-inf")


def momentary_max_lufs(cells: np.ndarray) -> float:
    """Loudest 400 ms, at 10 ms steps; a shorter clip is judged as 400 ms with silence behind it."""
    padded = np.pad(cells, (0, max(0, 40 - len(cells))))
    return lufs(_sliding(padded.astype(np.float64), 40).max())


def short_term_lufs(cells: np.ndarray) -> np.ndarray:
    """Loudness of the 3 s ending at each 100 ms, from 3 s on (Tech 3341); -inf where there is nothing."""
    with np.errstate(divide="ignore"):
        return _OFFSET + 10 * np.log10(_sliding(tenths(cells), 30))


def short_term_max_lufs(cells: np.ndarray) -> float:
    return float(short_term_lufs(cells).max(initial=-np.inf))


def loudness_range_lu(cells: np.ndarray) -> float:
    """EBU Tech 3342: 95th less 10th percentile of the 3 s loudness, gates at -70 LUFS and 20 LU below the mean."""
    kept = _gate(_sliding(tenths(cells), 30), -20)
    if not len(kept):
        return 0.0
    low, high = np.percentile(10 * np.log10(kept), [10, 95])
    return float(high - low)


def speech_lufs(cells: np.ndarray) -> float:
    """Level of the speech in a line: the mean of cells within 10 dB of the line's own mean.

    Pauses inside a line don't count, and lines shorter than 400 ms, which the standard can't measure, have a level.
    """
    heard = cells[cells > 1e-9].astype(np.float64)
    return lufs(heard[heard > heard.mean() * 0.1]) if len(heard) else float("-inf")
