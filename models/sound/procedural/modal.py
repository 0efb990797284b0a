"""Struck and scraped bodies, and the rooms around them.

A struck body is a set of damped sines (modes). How hard the hammer is decides which modes wake up, what it is
made of decides how long they ring. A room is decaying noise whose highs die first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.signal

from models.sound.procedural.noise import SAMPLE_RATE_HZ, Curve, Rng, band, decay, noise, samples, wave

# Fletcher & Rossing, The Physics of Musical Instruments (2nd ed.): free bar §2.16, ideal membrane §3.2,
# church bell §21.2 (hum, prime, tierce, quint, nominal, superquint, octave nominal …), clamped-free plate ~ k².
FREE_BAR = (1.0, 2.756, 5.404, 8.933, 13.34, 18.64)
MEMBRANE = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.60, 4.06)
CHURCH_BELL = (0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433, 6.796, 8.215)


def ring(
    freqs_hz: Sequence[float] | np.ndarray,
    t60s_s: Sequence[float] | np.ndarray,
    amps: Sequence[float] | np.ndarray,
    duration_s: float,
) -> np.ndarray:
    """Sum of damped sines `(n,)`: each with its frequency, its −60 dB time and its amplitude."""
    n = samples(duration_s)
    out = np.zeros(n, dtype=np.float32)
    t = np.arange(n, dtype=np.float64) / SAMPLE_RATE_HZ
    for hz, t60, amp in zip(freqs_hz, t60s_s, amps, strict=True):
        if hz >= 20_000 or abs(amp) < 1e-5:
            continue
        m = min(n, samples(t60 * 1.3))
        out[:m] += wave(t[:m] * hz) * decay(m, t60) * np.float32(amp)
    return out


def felt(freqs_hz: np.ndarray, contact_ms: float) -> np.ndarray:
    """How a blow of `contact_ms` wakes modes: the spectrum of a half-sine push, as a smooth bound."""
    return 1.0 / (1.0 + (np.asarray(freqs_hz) * contact_ms * 2e-3) ** 2)


def body(
    rng: Rng,
    base_hz: float,
    count: int,
    t60_s: float,
    contact_ms: float,
    duration_s: float,
    stretch: float = 1.15,
    damping: float = 0.6,
) -> np.ndarray:
    """An irregular body (board, stone, plate): modes at base·k^stretch with scatter; highs ring t60·(f/base)^−damping."""
    k = np.arange(1, count + 1)
    freqs = base_hz * k**stretch * rng.uniform(0.93, 1.07, count)
    t60s = t60_s * (freqs / base_hz) ** -damping * rng.uniform(0.7, 1.3, count)
    amps = felt(freqs, contact_ms) * rng.uniform(0.4, 1.0, count) * rng.choice([-1, 1], count)
    return unit(ring(freqs, t60s, amps, duration_s))


def click(rng: Rng, low_hz: float, high_hz: float, length_ms: float) -> np.ndarray:
    """The contact noise of a blow: a few milliseconds of band-limited noise, peak 1."""
    n = samples(length_ms * 6e-3)
    return unit(noise(rng, n, band(low_hz, high_hz, 12)) * decay(n, length_ms * 4e-3))


def unit(x: np.ndarray) -> np.ndarray:
    """Scale to peak 1."""
    return x / np.float32(np.abs(x).max() + 1e-9)


def mix(*parts: tuple[np.ndarray, float]) -> np.ndarray:
    """Sum mono parts of different lengths, each with its level."""
    out = np.zeros(max(len(p) for p, _ in parts), dtype=np.float32)
    for part, level in parts:
        out[: len(part)] += part * np.float32(level)
    return out


def resonate(excitation: np.ndarray, freqs_hz: Sequence[float], t60_s: float, tail_s: float) -> np.ndarray:
    """Excite a body's modes with any signal: `(n + tail,)`, unit peak."""
    impulse = ring(
        freqs_hz, [t60_s] * len(freqs_hz), [1.0 / (1 + k / 3) for k in range(len(freqs_hz))], tail_s
    )
    return unit(scipy.signal.fftconvolve(excitation, impulse).astype(np.float32))


def stick_slip(rng: Rng, rate_hz: np.ndarray, roughness: float = 0.15) -> np.ndarray:
    """The push train of something dry that sticks and slips `rate_hz` times a second, irregularly."""
    n = len(rate_hz)
    wander = np.clip(1 + roughness * noise(rng, n, [(1, 0), (40, 0), (90, -30)]), 0.3, 2.0)
    phase = np.cumsum(rate_hz * wander) / SAMPLE_RATE_HZ
    slips = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    out = np.zeros(n, dtype=np.float32)
    out[slips] = rng.uniform(0.4, 1.0, len(slips))
    return out


def low_pass(x: np.ndarray, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Butterworth low-pass along the last axis."""
    return np.asarray(
        scipy.signal.sosfilt(
            scipy.signal.butter(order, cutoff_hz, fs=SAMPLE_RATE_HZ, output="sos"), x, axis=-1
        ),
        dtype=np.float32,
    )


def high_pass(x: np.ndarray, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Butterworth high-pass along the last axis."""
    return np.asarray(
        scipy.signal.sosfilt(
            scipy.signal.butter(order, cutoff_hz, "high", fs=SAMPLE_RATE_HZ, output="sos"), x, axis=-1
        ),
        dtype=np.float32,
    )


def space(
    rng: Rng, t60_s: float, brightness_hz: float = 4000.0, predelay_s: float = 0.008, width: float = 0.6
) -> np.ndarray:
    """A room's tail `(2, m)`: three bands of decaying noise, highs at a third of the lows' time, energy 1."""
    n = samples(min(t60_s, 4.0) + predelay_s)
    bands: list[tuple[Curve, float, float]] = [
        (band(120, 600), 1.0, 1.0),
        (band(600, 2400), 0.75, 0.8),
        (band(2400, brightness_hz * 2), 0.4, 0.8 * brightness_hz / 8000),
    ]
    tail = np.zeros((2, n), dtype=np.float32)
    for curve, share, level in bands:
        shape = decay(n, t60_s * share) * np.float32(level)
        mid, side = noise(rng, n, curve) * shape, noise(rng, n, curve) * shape * np.float32(width)
        tail += np.stack([mid + side, mid - side])
    lead = samples(predelay_s)
    tail = np.pad(tail, ((0, 0), (lead, 0)))[:, :n]
    return tail / np.float32(np.sqrt(np.square(tail).sum() / 2) + 1e-9)


def reverberate(x: np.ndarray, tail: np.ndarray, wet: float) -> np.ndarray:
    """Add a room to `(2, n)`: dry plus `wet` times the convolution with `tail`; `(2, n + m − 1)`."""
    out = scipy.signal.oaconvolve(x.mean(axis=0, keepdims=True), tail, axes=-1).astype(
        np.float32
    ) * np.float32(wet)
    out[:, : x.shape[1]] += x
    return out


def reverberate_circle(x: np.ndarray, tail: np.ndarray, wet: float) -> np.ndarray:
    """The same on a circle: the tail runs over the end into the beginning; same length."""
    n = x.shape[1]
    wetted = reverberate(x, tail, wet)
    out = wetted[:, :n].copy()
    rest = wetted[:, n:]
    for start in range(0, rest.shape[1], n):
        part = rest[:, start : start + n]
        out[:, : part.shape[1]] += part
    return out
