"""The second pass: sum × gain → limiter → master, measured as written, and made again if it missed its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixing.contracts import AudioFormat, Loudness
from mixing.encode import Writer, read_back
from mixing.limiter import Limiter
from mixing.loudness import (
    CELL_FRAMES,
    EnergyMeter,
    integrated_lufs,
    loudness_range_lu,
    short_term_max_lufs,
)
from mixing.profiles import Profile
from mixing.reading import amplitude
from mixing.scratch import Clip, Scratch
from mixing.truepeak import TruePeakMeter

_TOLERANCE_LU = 0.1  # AUDIO: correct the gain and repeat if off by more
_CEILING_MARGIN_DB = 0.1  # meters differ in their interpolation filters
_GAIN_MAX_DB = 24.0
_TRIES = 4


@dataclass(frozen=True)
class Mastered:
    gain_db: float
    loudness: Loudness
    limited_share: float  # of 10 ms cells
    warnings: list[str]


def master(
    total: Scratch,
    clip: Clip,
    path: Path,
    profile: Profile,
    audio_format: AudioFormat,
    before_lufs: float,
    block_frames: int,
    progress: Callable[[float], None],
) -> Mastered:
    """Write the master at the profile's loudness and below its ceiling.

    Args:
        total, clip: the sum of the stems.
        before_lufs: its integrated loudness, -inf for silence.
    """
    lossy = audio_format == "mp3"
    ceiling_dbtp = min(profile.ceiling_dbtp, profile.lossy_ceiling_dbtp) if lossy else profile.ceiling_dbtp
    limit_dbtp = ceiling_dbtp - _CEILING_MARGIN_DB
    gain_db = float(np.clip(profile.integrated_lufs - before_lufs, -_GAIN_MAX_DB, _GAIN_MAX_DB))
    warnings: list[str] = []
    if not np.isfinite(before_lufs):
        gain_db = 0.0
        warnings.append("the chapter is silent: there is no loudness to set")
    attempt = 0
    while True:
        loudness, limited = _write(
            total, clip, path, audio_format, gain_db, limit_dbtp, block_frames, progress
        )
        attempt, progress = attempt + 1, lambda share: None
        measured = before_lufs if loudness.integrated_lufs is None else loudness.integrated_lufs
        off = profile.integrated_lufs - measured if np.isfinite(measured) else 0.0
        over = loudness.true_peak_dbtp - ceiling_dbtp
        louder = abs(off) > _TOLERANCE_LU and abs(gain_db + off) < _GAIN_MAX_DB
        if (not louder and over <= 0) or attempt == _TRIES:
            break
        gain_db += off if louder else 0.0
        limit_dbtp -= over + _CEILING_MARGIN_DB if over > 0 else 0.0
    if abs(off) > 0.5:
        warnings.append(f"the master is {abs(off):.1f} LU {'below' if off > 0 else 'above'} its target")
    if over > 0:
        warnings.append(f"the master's true peak is {over:.1f} dB above its ceiling")
    return Mastered(gain_db, loudness, limited, warnings)


def _write(
    total: Scratch,
    clip: Clip,
    path: Path,
    audio_format: AudioFormat,
    gain_db: float,
    limit_dbtp: float,
    block_frames: int,
    progress: Callable[[float], None],
) -> tuple[Loudness, float]:
    gain, limiter = amplitude(gain_db), Limiter(2, limit_dbtp)
    energy, peak = EnergyMeter(2), TruePeakMeter(2)
    lossless = audio_format != "mp3"
    with Writer(path, audio_format) as file:
        for start in range(0, clip.frames, block_frames):
            stop = min(start + block_frames, clip.frames)
            ready = limiter.add(total.read(clip, start, stop) * gain)
            if stop == clip.frames:
                ready = np.concatenate([ready, limiter.finish()], axis=1)
            if ready.shape[1]:
                file.write(ready)
                if lossless:
                    energy.add(ready)
                    peak.add(ready)
            progress(stop / clip.frames)
    if not lossless:  # what counts is what comes out of a decoder
        for block in read_back(path):
            energy.add(block)
            peak.add(block)
    cells = energy.energies
    loudness = Loudness(
        integrated_lufs=_finite(integrated_lufs(cells)),
        true_peak_dbtp=peak.finish(),
        lra_lu=loudness_range_lu(cells),
        short_term_max_lufs=_finite(short_term_max_lufs(cells)),
    )
    return loudness, limiter.touched_cells / max(1, -(-clip.frames // CELL_FRAMES))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
