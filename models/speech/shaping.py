"""What is done to a voice's signal after the model: silence at its ends, vocal effort, size of the speaker."""

from __future__ import annotations

import numpy as np

QUIET_DB = -48.0  # below a line's loud frames: what Kokoro breathes out after a word is heard to about here
FRAME_S = 0.01


def trimmed(mono: np.ndarray, sample_rate_hz: int, margin_s: float) -> tuple[int, int]:
    """`(first, last)` samples of what sounds in `(samples,)` float32, with up to `margin_s` left around it.

    Sounding is every 10 ms frame above QUIET_DB below the 95th percentile of frame levels.
    """
    frame = int(FRAME_S * sample_rate_hz)
    count = len(mono) // frame
    if count < 3:
        return 0, len(mono)
    power = (mono[: count * frame].astype(np.float64).reshape(count, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (QUIET_DB / 10))
    if not len(loud):
        return 0, len(mono)
    margin = int(margin_s * sample_rate_hz)
    return max(0, int(loud[0]) * frame - margin), min(len(mono), (int(loud[-1]) + 1) * frame + margin)


def faded(mono: np.ndarray, sample_rate_hz: int, fade_s: float = 0.008) -> np.ndarray:
    """A copy with raised-cosine ends, so that a cut never clicks."""
    out = mono.astype(np.float32, copy=True)
    n = min(int(fade_s * sample_rate_hz), len(out) // 2)
    if n:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)).astype(np.float32)
        out[:n] *= ramp
        out[-n:] *= ramp[::-1]
    return out


def effort(mono: np.ndarray, sample_rate_hz: int, energy_db: float) -> np.ndarray:
    """Louder or softer the way a speaker is: the level changes, and the upper spectrum changes more.

    Above 2 kHz the level moves 1.4 times as far as below 500 Hz, log-interpolated between: a mild form of the
    spectral tilt that vocal effort brings (Traunmüller & Eriksson, JASA 107, 2000); the factor is ours. Where the
    result would exceed full scale the whole line is brought back under −0.5 dBFS.

    Args:
        mono: `(samples,)` float32.
        energy_db: change of level; 0 leaves the samples as they are.
    """
    if energy_db == 0.0 or not len(mono):
        return mono
    spectrum = np.fft.rfft(mono.astype(np.float64))
    hz = np.maximum(np.fft.rfftfreq(len(mono), 1 / sample_rate_hz), 1.0)
    tilt = np.clip(np.log2(hz / 500.0) / np.log2(2000.0 / 500.0), 0.0, 1.0)
    out = np.fft.irfft(spectrum * 10 ** (energy_db * (1.0 + 0.4 * tilt) / 20), n=len(mono))
    peak = np.abs(out).max()
    ceiling = 10 ** (-0.5 / 20)
    return (out * (ceiling / peak) if peak > ceiling else out).astype(np.float32)


def resample(mono: np.ndarray, ratio: float) -> np.ndarray:
    """Plays `(samples,)` faster by `ratio`: pitch and formants rise by it, the length falls by it.

    Band-limited by the Fourier transform of the whole line (exact but for its ends, which are silent).
    """
    size = round(len(mono) / ratio)
    if size == len(mono) or size < 2:
        return mono
    spectrum = np.fft.rfft(mono.astype(np.float64))
    bins = size // 2 + 1
    if bins < len(spectrum):
        spectrum = spectrum[:bins]
    return (np.fft.irfft(spectrum, n=size) * (size / len(mono))).astype(np.float32)
