"""Periodic noise: the raw material of wind, water, fire and crowds.

Everything here is made in the frequency domain, so a signal of n samples is one turn of a circle: it has no
seam, no filter start-up, and can be rolled freely. Spectra are lists of (Hz, dB) points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import scipy.fft

from models.sound.procedural.registry import Rng

SAMPLE_RATE_HZ = 48_000
Curve = Sequence[tuple[float, float]]  # (Hz, dB), ascending; nothing sounds above the last point


def samples(duration_s: float) -> int:
    """Number of samples of a duration, at least one."""
    return max(1, round(duration_s * SAMPLE_RATE_HZ))


def gain(db: float) -> float:
    """Decibels to amplitude."""
    return 10.0 ** (db / 20.0)


def band(low_hz: float, high_hz: float, skirt_db: float = 18.0) -> Curve:
    """A pass band with skirts of `skirt_db` per octave."""
    return [
        (low_hz / 8, -3 * skirt_db),
        (low_hz, 0.0),
        (high_hz, 0.0),
        (min(high_hz * 8, 23_500.0), -skirt_db * np.log2(min(high_hz * 8, 23_500.0) / high_hz)),
    ]


def response(freq_hz: np.ndarray, curve: Curve) -> np.ndarray:
    """Amplitudes of a curve at given frequencies, straight lines over log frequency; float32."""
    hz, db = np.array(curve, dtype=np.float64).T
    out = np.interp(np.log2(np.maximum(freq_hz, 1.0)), np.log2(hz), db)
    out = np.exp(out * (np.log(10) / 20)).astype(np.float32)
    out[freq_hz < hz[0] / 2] = 0.0
    out[freq_hz > hz[-1]] = 0.0
    return out


def rfft(x: np.ndarray) -> np.ndarray:
    """Spectra along the last axis; float32 stays single precision (numpy's own did not before 2.0)."""
    return cast(np.ndarray, scipy.fft.rfft(x))


def irfft(spectrum: np.ndarray, n: int) -> np.ndarray:
    """The way back, n samples; short spectra are padded with silence."""
    return cast(np.ndarray, scipy.fft.irfft(spectrum, n))


def noise(rng: Rng, n: int, curve: Curve) -> np.ndarray:
    """Gaussian noise with the spectrum of `curve`: `(n,)` float32, RMS 1, periodic in n.

    Above its last point the curve falls on by 24 dB an octave for two octaves: no brick walls.
    """
    last_hz, last_db = curve[-1]
    curve = [
        *curve,
        (min(4 * last_hz, 23_900.0), last_db - 24 * np.log2(min(4 * last_hz, 23_900.0) / last_hz)),
    ]
    top = min(n // 2, max(2, int(curve[-1][0] * n / SAMPLE_RATE_HZ) + 1))
    freq_hz = np.arange(top + 1, dtype=np.float32) * (SAMPLE_RATE_HZ / n)
    amp = response(freq_hz, curve)
    amp[0] = 0.0
    if not amp.any():
        amp[min(1, top)] = 1.0
    spectrum = rng.standard_normal(2 * (top + 1), dtype=np.float32).view(np.complex64) * amp
    power = 2.0 * float(np.square(spectrum.view(np.float32)).sum(dtype=np.float64)) / n**2  # Parseval
    return irfft(spectrum * np.float32(1 / np.sqrt(power + 1e-24)), n)


def wide(mono: np.ndarray, width: float = 0.6) -> np.ndarray:
    """`(2, n)` from one periodic noise: its own other half of the circle is the side signal.

    Half a turn away noise is independent of itself, so mid + side costs no second transform. Correlation of the
    channels is (1 − w²)/(1 + w²) and mono loses 10·log10(1 + w²) dB: 1.3 dB at w = 0.6.
    """
    side = np.roll(mono, mono.shape[-1] // 2) * np.float32(width)
    return np.stack([mono + side, mono - side])


def air(rng: Rng, n: int, curve: Curve, width: float = 0.6) -> np.ndarray:
    """Stereo noise `(2, n)` with the spectrum of `curve`, RMS ~1."""
    return wide(noise(rng, n, curve), width)


def rms(x: np.ndarray) -> float:
    """Root mean square over everything."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def drift(rng: Rng, n: int, rate_hz: float) -> np.ndarray:
    """Slow random movement: `(n,)` float32, mean 0, variance 1, nothing faster than `rate_hz`, periodic."""
    bins = max(2, int(np.ceil(rate_hz * n / SAMPLE_RATE_HZ)))
    points = 12 * bins
    spectrum = np.zeros(points // 2 + 1, dtype=np.complex128)
    spectrum[1 : bins + 1] = rng.standard_normal(2 * bins).view(np.complex128)
    coarse = irfft(spectrum, points)
    coarse /= np.std(coarse) + 1e-12
    return around(coarse, n)


def around(points: np.ndarray, n: int) -> np.ndarray:
    """A closed curve through equally spaced `points`, drawn with n samples; float32."""
    closed = np.append(points, points[0])
    where = np.arange(n, dtype=np.float64) * (len(points) / n)
    return np.interp(where, np.arange(len(closed), dtype=np.float64), closed).astype(np.float32)


def swell(rng: Rng, n: int, rate_hz: float, depth_db: float) -> np.ndarray:
    """A gain that wanders by `depth_db` (one standard deviation) around 1, clamped to 2.2 deviations."""
    return db_gain(np.clip(drift(rng, n, rate_hz), -2.2, 2.2) * np.float32(depth_db))


def db_gain(db: np.ndarray) -> np.ndarray:
    """Decibels to amplitude, elementwise, float32."""
    return np.exp(np.asarray(db, dtype=np.float32) * np.float32(np.log(10) / 20))


def cycles(freq_hz: np.ndarray) -> np.ndarray:
    """Phase in cycles of a moving frequency; the total is rounded to whole turns so that it closes the circle."""
    phase = np.cumsum(freq_hz, dtype=np.float64) / SAMPLE_RATE_HZ
    total = phase[-1]
    if total >= 1:
        phase *= round(total) / total
    return phase - phase[0]


def wave(phase_cycles: np.ndarray) -> np.ndarray:
    """sin(2π·phase) in float32 without losing phase precision over long signals."""
    return np.sin((phase_cycles - np.floor(phase_cycles)).astype(np.float32) * np.float32(2 * np.pi))


def gliding(rng: Rng, n: int, centre_hz: np.ndarray, width_hz: float) -> np.ndarray:
    """Narrow-band noise of `width_hz` around a moving centre: howling wind, whistling gaps. RMS ~1."""
    phase = cycles(centre_hz)
    i, q = drift(rng, n, width_hz / 2), drift(rng, n, width_hz / 2)
    return (i * wave(phase) + q * wave(phase + 0.25)).astype(np.float32)


def burst(rng: Rng, duration_s: float, low_hz: float, high_hz: float, t60_s: float) -> np.ndarray:
    """A band of noise that starts at full level and decays by 60 dB in `t60_s`; peak ~1."""
    n = samples(duration_s)
    out = noise(rng, n, band(low_hz, high_hz)) * decay(n, t60_s)
    return out / np.float32(np.abs(out).max() + 1e-9)


def decay(n: int, t60_s: float) -> np.ndarray:
    """Exponential decay: −60 dB at `t60_s`."""
    rate = np.log(1000.0) / (max(t60_s, 1e-4) * SAMPLE_RATE_HZ)
    return np.exp(-rate * np.arange(n)).astype(np.float32)


def flutter(rng: Rng, n: int, rate_hz: float, depth: float) -> np.ndarray:
    """A quick irregular gain around 1 that never falls silent: flames, eddies, rolling thunder."""
    return np.clip(1 + np.float32(depth) * drift(rng, n, rate_hz), 0.25, 2.5)


def line(n: int, *points: tuple[float, float]) -> np.ndarray:
    """A line through (seconds, value) points, n samples long, float32; flat before the first, after the last."""
    t, v = zip(*points, strict=True)
    return np.interp(np.arange(n) / SAMPLE_RATE_HZ, t, v).astype(np.float32)


def hump(n: int, rise: float = 0.3, power: float = 1.0) -> np.ndarray:
    """0 → 1 → 0 over n samples with the top at fraction `rise`; cosine flanks."""
    k = min(max(1, int(n * rise)), max(1, n - 1))
    up = 0.5 - 0.5 * np.cos(np.pi * np.arange(k) / k)
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(n - k) / max(1, n - k))
    return (np.concatenate([up, down]) ** power).astype(np.float32)
