"""Throats: a buzzing or breathing source through moving formants. People, dogs, crows and hens use it.

The filter works on short overlapping frames: each frame's spectrum is multiplied by its formants' resonances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.sound.procedural.noise import Rng, around, irfft, rfft


def glottis(f0_hz: np.ndarray, rate_hz: int, open_share: float = 0.6) -> np.ndarray:
    """Pulses of vocal folds at a moving pitch: derivative of Rosenberg's pulse (1971), mean 0."""
    phase = np.cumsum(f0_hz, dtype=np.float64) / rate_hz
    if phase[-1] >= 1:
        phase *= round(phase[-1]) / phase[-1]
    p = (phase - np.floor(phase)).astype(np.float32)
    rise, fall = np.float32(open_share * 0.67), np.float32(open_share * 0.33)
    opening = np.sin(np.float32(np.pi) * p / rise) * np.float32(0.5)
    closing = -np.sin(np.float32(np.pi / 2) * (p - rise) / fall) * (rise / fall)
    out = np.where(p < rise, opening, np.where(p < rise + fall, closing, np.float32(0)))
    return out - out.mean()


def harmonics(f0_hz: np.ndarray, rate_hz: int, amps: Sequence[float]) -> np.ndarray:
    """Sines at multiples of a moving pitch, silent where they would alias."""
    phase = np.cumsum(f0_hz, dtype=np.float64) / rate_hz
    out = np.zeros(len(f0_hz), dtype=np.float32)
    for k, amp in enumerate(amps, 1):
        part = np.sin(((k * phase) % 1.0).astype(np.float32) * np.float32(2 * np.pi)) * np.float32(amp)
        part[k * f0_hz > 0.45 * rate_hz] = 0.0
        out += part
    return out


def formants(
    x: np.ndarray,
    tracks_hz: np.ndarray,
    bandwidths_hz: Sequence[float],
    levels: Sequence[float],
    rate_hz: int,
    floor: float = 0.02,
) -> np.ndarray:
    """Filter `x` `(n,)` through moving resonances.

    `tracks_hz` is `(formants, points)`: each formant's frequency at equally spaced points over x. The signal
    is treated as a circle, so a bed's voice has no seam; effects are padded by their makers' silence.
    """
    n = len(x)
    hop = max(64, round(rate_hz * 0.005))
    frames = int(np.ceil(n / hop))
    size = 4 * hop
    padded = np.concatenate([x, x[: max(0, frames * hop - n)]]) if frames * hop > n else x
    ring_ = (
        np.concatenate([padded, padded[: size - hop]]) if len(padded) >= size else np.pad(padded, (0, size))
    )
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    index = np.arange(frames)[:, None] * hop + np.arange(size)[None, :]
    spectra = rfft(ring_[index] * window)

    freq = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float32)[None, :]
    at = (np.arange(frames) + 2) / frames * tracks_hz.shape[1] - 0.5
    shape = np.full((frames, freq.shape[1]), floor, dtype=np.float32)
    for track, width, level in zip(tracks_hz, bandwidths_hz, levels, strict=True):
        centre = np.interp(at, np.arange(len(track)), track).astype(np.float32)[:, None]
        # resonance magnitude, normalised to `level` at its centre
        shape += np.float32(level) / np.sqrt(1 + ((freq - centre) / np.float32(width / 2)) ** 2)
    filtered = irfft(spectra * shape, size) * (window * 0.5)

    out = np.zeros(len(ring_) + size, dtype=np.float32)
    for part in range(4):  # hop = size/4: four interleaved sets of frames that do not overlap each other
        block = filtered[part::4].reshape(-1)
        out[part * hop : part * hop + len(block)] += block
    out[: size - hop] += out[frames * hop : frames * hop + size - hop]
    return out[:n]


# Adult male vowels, F1–F3 (Peterson & Barney 1952, table II)
VOWELS_HZ = np.array(
    [
        [270, 2290, 3010],
        [390, 1990, 2550],
        [530, 1840, 2480],
        [660, 1720, 2410],
        [730, 1090, 2440],
        [570, 840, 2410],
        [440, 1020, 2240],
        [300, 870, 2240],
        [640, 1190, 2390],
        [490, 1350, 1690],
    ],
    dtype=np.float64,
)


def babble(
    rng: Rng, duration_s: float, f0_hz: float, size: float = 1.0, effort: float = 0.0, rate_hz: int = 16_000
) -> np.ndarray:
    """One person talking without words: `(n,)` at `rate_hz`, periodic, RMS ~1 while talking.

    Phrases of 3–10 syllables at ~5 a second with falling melody, pauses between, vowels wandering between
    Peterson & Barney's, fricatives at some syllable starts. `size` scales formants (1 man, 1.17 woman, 1.3
    child); `effort` 0 murmur … 1 calling out lifts pitch, melody and brightness.
    """
    n, step = round(duration_s * rate_hz), 0.01
    points = max(8, round(duration_s / step))
    f0, amp, hiss = np.zeros(points), np.zeros(points), np.zeros(points)
    tracks = np.empty((3, points))
    vowel = VOWELS_HZ[rng.integers(len(VOWELS_HZ))]
    tracks[:] = vowel[:, None]
    f0[:] = f0_hz
    i = int(rng.integers(0, 60))
    while i < points:
        count = int(rng.integers(3, 11))
        top = f0_hz * (1 + 0.25 * effort) * rng.uniform(0.9, 1.35)
        loud = rng.uniform(0.6, 1.0)
        for s in range(count):
            length = int(rng.uniform(11, 24) * (1.25 if s == count - 1 else 1.0) * (1 + 0.5 * effort))
            stop = min(points, i + length)
            if i >= stop:
                break
            nxt = VOWELS_HZ[rng.integers(len(VOWELS_HZ))]
            u = np.linspace(0, 1, stop - i)
            tracks[:, i:stop] = vowel[:, None] + (nxt - vowel)[:, None] * np.clip(u * 2.5, 0, 1)
            vowel = nxt
            fall = 1 - 0.28 * (s + u) / count
            f0[i:stop] = top * fall * (1 + rng.uniform(0.0, 0.22 + 0.1 * effort) * np.sin(np.pi * u))
            amp[i:stop] = loud * rng.uniform(0.5, 1.0) * np.sin(np.pi * np.clip(u * 1.02, 0, 1)) ** 0.7
            if rng.uniform() < 0.3:
                hiss[i : i + 4] = loud * rng.uniform(0.03, 0.12)
            i = stop + (int(rng.integers(1, 5)) if rng.uniform() < 0.5 else 0)
        i += int(rng.uniform(20, 160))
    pitch = around(f0, n)
    source = glottis(
        pitch * (1 + np.float32(0.006) * rng.standard_normal(n, dtype=np.float32)),
        rate_hz,
        0.65 - 0.15 * effort,
    )
    source = source * around(amp, n)
    # brighter than a bare −12 dB/oct source: speech has ~−12 dB of its energy above 1 kHz (Byrne et al. 1994)
    source = source - np.float32(0.72) * np.roll(source, 1)
    levels = (1.0, 0.6 + 0.25 * effort, 0.3 + 0.2 * effort)
    voiced = formants(source, tracks * size, (90, 110, 170), levels, rate_hz)
    breath = rng.standard_normal(n, dtype=np.float32) * around(hiss, n)
    breath = np.diff(breath, prepend=breath[-1:])
    loud_rms = np.sqrt(np.mean(voiced**2) / max(0.05, np.mean(amp > 0.02))) + 1e-9
    return (voiced / np.float32(loud_rms) + breath).astype(np.float32)
