"""Reading takes: any file soundfile knows, to 48 kHz float32, refusing what would harm the mix by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from mixing.contracts import SAMPLE_RATE_HZ, MixError

Section = tuple[tuple[float, ...], ...]
"""A filter as second-order sections: rows of b0 b1 b2 a0 a1 a2."""

_REMEDY = "delete this take and render again: it is made anew"


def read_take(path: Path, most_s: float | None = None) -> np.ndarray:
    """A take, float32 `(channels, frames)` at 48 kHz, at most its first `most_s` seconds.

    May have zero frames: the caller decides what an empty take means. Raises MixError for a file that can't be used.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = file.samplerate
            most = -1 if most_s is None else int(most_s * rate_hz)
            samples = file.read(most, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:  # soundfile's own error is a RuntimeError
        what = "there is no such take" if not path.exists() else f"not readable as audio ({error})"
        raise MixError(what, where=str(path), remedy=_REMEDY) from error
    if not np.isfinite(samples).all():
        raise MixError("the take holds samples that are no numbers", where=str(path), remedy=_REMEDY)
    if rate_hz != SAMPLE_RATE_HZ and len(samples):
        samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return np.ascontiguousarray(samples.T)


def to_mono(samples: np.ndarray) -> np.ndarray:
    """`(frames,)`: the mean of all channels."""
    return samples[0] if len(samples) == 1 else samples.mean(axis=0, dtype=np.float32)


def to_stereo(samples: np.ndarray) -> np.ndarray:
    """`(2, frames)`: more than two channels fold down by ITU-R BS.775 (centre and surrounds -3 dB, no LFE)."""
    count = len(samples)
    if count == 1:
        return np.repeat(samples, 2, axis=0)
    if count == 2:
        return samples
    half = np.float32(np.sqrt(0.5))
    both = samples[2] * half  # centre
    left, right = samples[0] + both, samples[1] + both
    if count == 4:  # quadraphonic: no centre
        left, right = samples[0] + samples[2] * half, samples[1] + samples[3] * half
    elif count == 5:
        left, right = left + samples[3] * half, right + samples[4] * half
    elif count >= 6:  # L R C LFE Ls Rs
        left, right = left + samples[4] * half, right + samples[5] * half
    return np.stack([left, right])


@lru_cache(maxsize=64)
def section(kind: Literal["highpass", "lowpass"], cutoff_hz: float, order: int) -> Section:
    """A Butterworth filter as second-order sections, made once."""
    sos = butter(order, min(cutoff_hz, 0.45 * SAMPLE_RATE_HZ), kind, fs=SAMPLE_RATE_HZ, output="sos")
    return tuple(tuple(float(value) for value in row) for row in np.asarray(sos))


def filtered(samples: np.ndarray, filters: Sequence[Section]) -> np.ndarray:
    """Through several filters in a row, along the last axis, float32."""
    return np.asarray(
        sosfilt(np.array([row for rows in filters for row in rows]), samples, axis=-1), np.float32
    )


def high_pass(samples: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """Second-order Butterworth along the last axis."""
    return filtered(samples, [section("highpass", cutoff_hz, 2)])


def edges(samples: np.ndarray, fade_in_s: float, fade_out_s: float) -> np.ndarray:
    """sin² fades at both ends, along the last axis, on a copy."""
    out = samples.copy()
    for seconds, at_end in ((fade_in_s, False), (fade_out_s, True)):
        count = min(round(seconds * SAMPLE_RATE_HZ), out.shape[-1] // 2)
        if count > 0:
            ramp = (np.sin(np.pi / 2 * np.arange(count) / count) ** 2).astype(np.float32)
            if at_end:
                out[..., -count:] *= ramp[::-1]
            else:
                out[..., :count] *= ramp
    return out


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-12)))


def amplitude(level_db: float) -> np.float32:
    return np.float32(10 ** (level_db / 20))
