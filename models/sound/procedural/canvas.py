"""Laying sounds onto a stereo picture, and finishing it: levels, crest, fades.

A bed's canvas is a circle (what runs over the end goes on at the beginning); an effect's canvas ends.
"""

from __future__ import annotations

import numpy as np
import scipy.signal

from models.sound.procedural.noise import SAMPLE_RATE_HZ, Rng, gain, rms, samples

BED_LUFS = -26.0  # beds leave at one loudness; the mixer sets the scene's level
BED_RMS_MAX = 0.1  # thunder and cannon weigh little in LUFS: keep −20 dBFS at most
PEAK = 0.88  # promised: ≤ 0.9
CREST_MAX = 20.0  # MODELS.md: heavy-tailed impulses reached 184
EFFECT_CREST = 7.0  # of the sounding parts: recordings of hits and shots lie near 15–18 dB


class Canvas:
    """A stereo buffer `samples` `(2, n)` float32 to which mono or stereo sounds are added."""

    def __init__(self, n: int, circular: bool = False) -> None:
        self.n, self.circular = n, circular
        self.samples = np.zeros((2, n), dtype=np.float32)

    @classmethod
    def of(cls, duration_s: float) -> Canvas:
        """An open canvas of a duration."""
        return cls(samples(duration_s))

    @property
    def duration_s(self) -> float:
        return self.n / SAMPLE_RATE_HZ

    def add(self, sound: np.ndarray, at_s: float = 0.0, level: float = 1.0, pan: float = 0.0) -> None:
        """Add `sound` `(m,)` or `(2, m)` at a time; `pan` −1..1 at constant power (mono only is panned)."""
        start = int(at_s * SAMPLE_RATE_HZ)
        if sound.ndim == 1:
            angle = (np.clip(pan, -1, 1) + 1) * np.pi / 4
            weights = (np.float32(np.cos(angle) * level * 1.4142), np.float32(np.sin(angle) * level * 1.4142))
            rows = (sound, sound)
        else:
            weights, rows = (np.float32(level), np.float32(level)), (sound[0], sound[1])
        m = sound.shape[-1]
        if not self.circular:
            first, last = max(0, -start), min(m, self.n - start)
            if last > first:
                for out, row, weight in zip(self.samples, rows, weights, strict=True):
                    out[start + first : start + last] += row[first:last] * weight
            return
        start %= self.n
        done = 0
        while done < m:
            count = min(m - done, self.n - start)
            for out, row, weight in zip(self.samples, rows, weights, strict=True):
                out[start : start + count] += row[done : done + count] * weight
            done, start = done + count, 0


def times(rng: Rng, duration_s: float, rate_hz: float) -> np.ndarray:
    """Poisson arrivals in a duration, ascending; at least one."""
    return np.sort(rng.uniform(0, duration_s, max(1, rng.poisson(duration_s * rate_hz))))


def spaced(rng: Rng, duration_s: float, period_s: float, jitter: float = 0.2) -> np.ndarray:
    """Regular events around a circle: a whole number of periods, each moved by ± `jitter` of a period."""
    count = max(1, round(duration_s / period_s))
    grid = (np.arange(count) + rng.uniform()) * (duration_s / count)
    return (grid + rng.uniform(-jitter, jitter, count) * duration_s / count) % duration_s


def scatter(
    rng: Rng,
    canvas: Canvas,
    bank: list[np.ndarray],
    rate_hz: float,
    spread_db: float = 6.0,
    spread: float = 0.8,
    level: float = 1.0,
) -> None:
    """Rain a bank of grains onto a canvas at `rate_hz`, with log-normal levels and random places."""
    at = times(rng, canvas.duration_s, rate_hz)
    # clamp to two deviations: unclamped tails gave crest factors of 184 (MODELS.md)
    db = np.clip(rng.standard_normal(len(at)), -2, 2) * spread_db
    which = rng.integers(0, len(bank), len(at))
    pans = rng.uniform(-spread, spread, len(at))
    for t, k, d, p in zip(at, which, db, pans, strict=True):
        canvas.add(bank[k], float(t), level * gain(float(d)), float(p))


def soft_limit(x: np.ndarray, ceiling: float, knee: float = 0.6) -> np.ndarray:
    """Leave what is below `knee`·ceiling alone and bend the rest smoothly below the ceiling."""
    start = np.float32(knee * ceiling)
    room = np.float32(ceiling) - start
    size = np.abs(x)
    if float(size.max(initial=0.0)) <= start:
        return x
    bent = start + room * np.tanh((size - start) / room)
    return np.where(size > start, np.sign(x) * bent, x).astype(np.float32)


def loudness_lufs(x: np.ndarray) -> float:
    """Ungated K-weighted loudness of `(2, n)` at 48 kHz (ITU-R BS.1770-5, Annex 1, tables 1 and 2)."""
    sos = np.array(
        [
            [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
            [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
        ]
    )
    weighted = np.asarray(scipy.signal.sosfilt(sos, x, axis=-1))
    return -0.691 + 10 * np.log10(float(np.mean(weighted**2, axis=-1).sum()) + 1e-12)


def finish_bed(x: np.ndarray) -> np.ndarray:
    """Level a bed `(2, n)` to −26 LUFS (RMS at most −20 dBFS) and bend peaks: crest ≤ 20, peak ≤ 0.88."""
    x = x - x.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    scale = gain(BED_LUFS - loudness_lufs(x))
    scale = min(scale, BED_RMS_MAX / (rms(x) + 1e-12))
    x = mono_safe(x) * np.float32(scale)
    return soft_limit(x, min(PEAK, 0.9 * CREST_MAX * rms(x)))


def mono_safe(x: np.ndarray) -> np.ndarray:
    """Narrow `(2, n)` until its side is at least 3 dB below its mid: mono then loses at most 1.8 dB."""
    mid, side = (x[0] + x[1]) / 2, (x[0] - x[1]) / 2
    ratio = rms(side) / (rms(mid) + 1e-12)
    narrow = np.float32(min(1.0, 0.7 / (ratio + 1e-12)))
    return np.stack([mid + narrow * side, mid - narrow * side])


def overdrive(x: np.ndarray) -> float:
    """How far an effect's hardest instants stand out too much: its crest while it sounds, over what is kept."""
    cell = samples(0.01)
    cells = x[:, : max(cell, x.shape[1] // cell * cell)]
    energy = (
        np.square(cells.mean(axis=0)).reshape(-1, cell).mean(axis=1) if cells.shape[1] >= cell else np.ones(1)
    )
    sounding = energy[energy > energy.max(initial=0.0) * 1e-3]  # within 30 dB of the loudest 10 ms
    crest = float(np.abs(x).max()) / (float(np.sqrt(sounding.mean())) + 1e-12)
    return float(np.clip(crest / EFFECT_CREST, 1.0, 3.0))


def finish_effect(x: np.ndarray, duration_s: float, overhang_s: float = 0.0) -> np.ndarray:
    """Peak ≤ 0.88, silence trimmed on both sides, half a millisecond in and a fade to zero."""
    x = x[:, : samples(duration_s + overhang_s)]
    x = soft_limit(x * np.float32(PEAK / (float(np.abs(x).max()) + 1e-12) * overdrive(x)), PEAK)
    level = np.abs(x).max(axis=0)
    start = max(0, int(np.argmax(level > gain(-42.0))) - samples(0.002))
    end = min(x.shape[1], int(np.flatnonzero(level > gain(-66.0))[-1]) + samples(0.02))
    x = mono_safe(x[:, start:end])
    end = x.shape[1]
    fade_in = min(24, end)
    x[:, :fade_in] *= np.sin(np.linspace(0, np.pi / 2, fade_in, dtype=np.float32)) ** 2
    fade_out = min(samples(0.25), max(1, end // 4))
    x[:, end - fade_out :] *= np.cos(np.linspace(0, np.pi / 2, fade_out, dtype=np.float32)) ** 2
    return np.ascontiguousarray(x, dtype=np.float32)
