"""The second pass: sum × gain → limiter → master, measured as a listener will decode it, and made again if it missed.

The gain is either found (the profile's loudness or RMS) or given (one gain for the chapters of a book).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from mixing.checks import check_warnings, delivery_checks
from mixing.contracts import SAMPLE_RATE_HZ, AudioFormat, Loudness
from mixing.encode import Writer, read_back
from mixing.encodes import EncodeCache
from mixing.limiter import Limiter
from mixing.loudness import (
    CELL_FRAMES,
    EnergyMeter,
    KnownMeter,
    integrated_lufs,
    loudness_range_lu,
    short_term_max_lufs,
)
from mixing.profiles import Profile
from mixing.reading import amplitude
from mixing.results import Mastered
from mixing.sources import Source
from mixing.truepeak import TruePeakMeter
from mixing.waveform import Waveform

_TOLERANCE_LU = 0.1  # AUDIO: correct the gain and repeat if off by more
_CEILING_MARGIN_DB = 0.1  # meters differ in their interpolation filters
GAIN_MAX_DB = 24.0
_TRIES = 5


def master(
    source: Source,
    path: Path,
    profile: Profile,
    audio_format: AudioFormat,
    before_lufs: float,
    block_frames: int,
    progress: Callable[[float], None],
    fixed_gain_db: float | None = None,
    cache: EncodeCache | None = None,
    content: Callable[[], str] | None = None,
) -> Mastered:
    """Write the master at the profile's loudness and below its ceiling.

    Args:
        source: the sum of the stems.
        before_lufs: its integrated loudness, -inf for silence.
        fixed_gain_db: the gain, where a book decides it; the ceiling holds all the same.
        cache, content: where encoded masters are kept, and the digest of what `source` is made from.

    Raises:
        MixError: the file can't be written.
    """
    key = None
    if cache is not None and content is not None and profile.codecs[audio_format].kbits:
        key = cache.key(content(), profile, audio_format, fixed_gain_db)
        if kept := cache.fetch(key, path):
            progress(1.0)
            return kept
    codec, ceiling_dbtp = profile.codecs[audio_format], profile.ceiling(audio_format)
    limit_dbtp = ceiling_dbtp - codec.overshoot_db - _CEILING_MARGIN_DB
    warnings: list[str] = []
    if fixed_gain_db is not None:
        gain_db = fixed_gain_db
    else:
        gain_db = _first_gain(source, profile, before_lufs, block_frames)
        if not np.isfinite(before_lufs):
            warnings.append("the chapter is silent: there is no loudness to set")
    settle = bool(codec.kbits) and fixed_gain_db is None
    if settle:  # what the limiter takes is made up for first: encoding costs several times as much
        gain_db = _settle(source, profile, gain_db, limit_dbtp, block_frames, _share(progress, 0.0, 0.3))
        progress = _share(progress, 0.3, 1.0)
    attempt = 0
    while True:
        made = _write(source, path, profile, audio_format, gain_db, limit_dbtp, block_frames, progress)
        attempt, progress = attempt + 1, lambda share: None
        off = 0.0 if fixed_gain_db is not None else _missed(profile, made)
        over = made.loudness.true_peak_dbtp - ceiling_dbtp
        louder = abs(off) > _TOLERANCE_LU and abs(gain_db + off) < GAIN_MAX_DB
        if (not louder and over <= 0) or attempt == _TRIES:
            break
        gain_db += off if louder else 0.0
        limit_dbtp -= over + _CEILING_MARGIN_DB if over > 0 else 0.0
        if settle and over > 0:
            gain_db = _settle(source, profile, gain_db, limit_dbtp, block_frames, progress)
    if abs(off) > 0.5:
        warnings.append(f"the master is {abs(off):.1f} dB {'below' if off > 0 else 'above'} its target")
    if over > 0:
        warnings.append(f"the master's true peak is {over:.1f} dB above its ceiling")
    checks = delivery_checks(profile, made.waveform, path) if audio_format in profile.formats else []
    result = replace(made, warnings=[*warnings, *check_warnings(profile, checks)], checks=checks)
    if cache is not None and key is not None:
        cache.keep(key, path, result)
    return result


def _share(progress: Callable[[float], None], low: float, high: float) -> Callable[[float], None]:
    return lambda share: progress(low + (high - low) * share)


def _settle(
    source: Source,
    profile: Profile,
    gain_db: float,
    limit_dbtp: float,
    block_frames: int,
    progress: Callable[[float], None],
) -> float:
    """The gain at which the limited sum has the profile's level, found without writing anything."""
    before: tuple[float, float] | None = None
    for _ in range(_TRIES):
        limiter, meters, done = Limiter(2, limit_dbtp), _Meters(SAMPLE_RATE_HZ), 0
        gain = amplitude(gain_db)
        for block in source.blocks(block_frames):
            done += block.shape[1]
            meters.add(limiter.add(block * gain), peak=False)
            progress(done / source.frames)
        meters.add(limiter.finish(), peak=False)
        off, progress = _missed(profile, meters.finish(gain_db, 0.0)), lambda share: None
        if abs(off) <= _TOLERANCE_LU / 2:
            break
        slope = (
            1.0  # a limiter that works hard gives back less than it is given: the secant says how much less
        )
        if before is not None and gain_db != before[0]:
            slope = float(np.clip((before[1] - off) / (gain_db - before[0]), 0.3, 1.0))
        before = gain_db, off
        wanted = gain_db + off / slope
        if abs(wanted) >= GAIN_MAX_DB:
            break
        gain_db = wanted
    return gain_db


def _first_gain(source: Source, profile: Profile, before_lufs: float, block_frames: int) -> float:
    if not np.isfinite(before_lufs):
        return 0.0
    if profile.integrated_lufs is not None:
        wanted = profile.integrated_lufs - before_lufs
    else:
        shape = Waveform.Meter(SAMPLE_RATE_HZ)
        for block in source.blocks(block_frames):
            shape.add(block)
        wanted = (profile.rms_dbfs or 0.0) - shape.finish().rms_dbfs
    return float(np.clip(wanted, -GAIN_MAX_DB, GAIN_MAX_DB))


def _missed(profile: Profile, made: Mastered) -> float:
    """By how many dB the master must be louder; 0 for silence."""
    if profile.integrated_lufs is None:
        off = (profile.rms_dbfs or 0.0) - made.waveform.rms_dbfs
    elif made.loudness.integrated_lufs is None:
        return 0.0
    else:
        off = profile.integrated_lufs - made.loudness.integrated_lufs
    return off if np.isfinite(off) else 0.0


def _write(
    source: Source,
    path: Path,
    profile: Profile,
    audio_format: AudioFormat,
    gain_db: float,
    limit_dbtp: float,
    block_frames: int,
    progress: Callable[[float], None],
) -> Mastered:
    rate_hz = profile.rate_hz(audio_format)
    gain, limiter = amplitude(gain_db), Limiter(2, limit_dbtp)
    meters = _Meters(rate_hz, source.energies, float(gain))
    codec, done = profile.codecs[audio_format], 0
    with Writer(path, audio_format, codec.kbits, rate_hz) as file:
        for block in source.blocks(block_frames):
            done += block.shape[1]
            ready = limiter.add(block * gain)
            if done == source.frames:
                ready = np.concatenate([ready, limiter.finish()], axis=1)
            if ready.shape[1]:
                file.write(ready)
                if not codec.kbits:
                    meters.add_known(ready, limiter.idle)
            progress(done / source.frames)
    if codec.kbits:  # what counts is what comes out of a decoder
        meters = _Meters(rate_hz)
        for block in read_back(path):
            meters.add(block)
    limited = limiter.touched_cells / max(1, -(-source.frames // CELL_FRAMES))
    return meters.finish(gain_db, limited)


class _Meters:
    """What is measured on a master: loudness at 48 kHz, peak and RMS at the file's own rate."""

    def __init__(self, rate_hz: int, known: np.ndarray | None = None, gain: float = 1.0) -> None:
        """`known`: 10 ms energies of what the master is made of, `gain`: by which it is louder."""
        self._energy, self._peak, self._shape = EnergyMeter(2), TruePeakMeter(2), Waveform.Meter(rate_hz)
        self._known = None if known is None else KnownMeter(known, gain)
        self._seconds = 0
        self._up = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 2) if rate_hz != SAMPLE_RATE_HZ else None

    def add(self, block: np.ndarray, peak: bool = True) -> None:
        if peak:
            self._peak.add(block)
        self._shape.add(block)
        if self._up is not None:
            block = self._up.resample_chunk(np.ascontiguousarray(block.T)).T
        self._energy.add(block)

    def add_known(self, block: np.ndarray, idle: list[bool]) -> None:
        """The next whole seconds from the limiter; `idle`: for each second from the start whether it was left alone."""
        if self._known is None:
            self.add(block)
            return
        self._peak.add(block)
        self._shape.add(block)
        for low in range(0, block.shape[1], SAMPLE_RATE_HZ):
            self._known.add(block[:, low : low + SAMPLE_RATE_HZ], idle[self._seconds])
            self._seconds += 1

    def finish(self, gain_db: float, limited_share: float) -> Mastered:
        if self._up is not None:
            self._energy.add(self._up.resample_chunk(np.zeros((0, 2), np.float32), last=True).T)
        cells = self._energy.energies if self._known is None else self._known.energies
        loudness = Loudness(
            integrated_lufs=_finite(integrated_lufs(cells)),
            true_peak_dbtp=self._peak.finish(),
            lra_lu=loudness_range_lu(cells),
            short_term_max_lufs=_finite(short_term_max_lufs(cells)),
        )
        return Mastered(gain_db, loudness, limited_share, cells, self._shape.finish(), [])


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
