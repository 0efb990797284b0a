"""What a profile's taker checks on a delivered file, measured on what a decoder gives (ACX audio submission rules)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixing.contracts import Check
from mixing.profiles import Profile
from mixing.waveform import Waveform

_FLOOR_S = 0.5  # the noise floor is the quietest half second: ACX means room tone between words
_SPOKEN_DB = 30.0  # a 100 ms cell this far below the whole's RMS is no speech


def delivery_checks(profile: Profile, shape: Waveform, path: Path) -> list[Check]:
    """One entry for each of the profile's limits; none for a profile without limits."""
    if not profile.limits:
        return []
    values = {
        "rms_dbfs": shape.rms_dbfs,
        "peak_dbfs": shape.peak_dbfs,
        "noise_floor_dbfs": noise_floor_dbfs(shape),
        "duration_min": shape.frames / shape.rate_hz / 60,
        "sample_rate_hz": float(shape.rate_hz),
        "bit_rate_kbits": path.stat().st_size * 8 / 1000 / max(0.001, shape.frames / shape.rate_hz),
        **dict(zip(("head_s", "tail_s"), head_and_tail_s(shape), strict=True)),
    }
    return [
        Check(name=name, value=round(max(values[name], -120.0), 2), least=least, most=most)
        for name, (least, most) in profile.limits.items()
    ]


def check_warnings(profile: Profile, checks: list[Check]) -> list[str]:
    return [
        f"profile {profile.name}: {check.name} is {check.value:g}, asked for is {_range(check)}"
        for check in checks
        if not check.met
    ]


def _range(check: Check) -> str:
    if check.least is None:
        return f"at most {check.most:g}"
    if check.most is None:
        return f"at least {check.least:g}"
    return f"{check.least:g} to {check.most:g}"


def noise_floor_dbfs(shape: Waveform) -> float:
    """RMS of the quietest half second."""
    count = round(_FLOOR_S * 10)
    cells = shape.squares[:-1] if len(shape.squares) > count else shape.squares  # the last may be short
    if not len(cells):
        return -120.0
    count = min(count, len(cells))
    sums = np.convolve(cells, np.ones(count) / count, mode="valid")
    return 10 * float(np.log10(max(sums.min(), 1e-12)))


def head_and_tail_s(shape: Waveform) -> tuple[float, float]:
    """Quiet before the first and after the last word, to a tenth of a second."""
    whole = shape.frames / shape.rate_hz
    level = 10 ** ((shape.rms_dbfs - _SPOKEN_DB) / 10)
    spoken = np.flatnonzero(shape.squares > level)
    if not len(spoken) or not np.isfinite(shape.rms_dbfs):
        return whole, whole
    return spoken[0] / 10, max(0.0, whole - (spoken[-1] + 1) / 10)
