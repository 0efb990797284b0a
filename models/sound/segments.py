"""Sounds longer than a model can make: overlapping segments, each with a seed of its own, joined without a seam."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

OVERLAP_S = 2.0
MOST_LEVELLING = 2.0  # a segment is brought to its predecessor's level by at most this factor (6 dB)


def lengths(duration_s: float, longest_s: float, overlap_s: float = OVERLAP_S) -> list[float]:
    """Equal lengths (seconds) of the segments that cover `duration_s` with `overlap_s` shared by neighbours."""
    if duration_s <= longest_s:
        return [duration_s]
    count = math.ceil((duration_s - overlap_s) / (longest_s - overlap_s))
    return [(duration_s - overlap_s) / count + overlap_s] * count


def seed_of(seed: int, segment: int, attempt: int) -> int:
    """The seed of one segment: the request's own for the first, others spread by an odd multiplier (Knuth's 2^32/φ)."""
    return (seed + 2_654_435_761 * (segment + 1009 * attempt)) % 2**31


def join(
    parts: Sequence[np.ndarray], sample_rate_hz: int, samples: int, overlap_s: float = OVERLAP_S
) -> np.ndarray:
    """Float32 `(channels, n)` parts → `(channels, samples)`.

    Each seam is a cross-fade whose gains are normalised by the correlation of what they join, so that the power stays
    level: sin/cos for unlike noise, linear for equal waves. Each part is first brought to the level that its
    predecessor has where they meet.
    """
    overlap = round(overlap_s * sample_rate_hz)
    out = np.array(parts[0], np.float32)
    for part in parts[1:]:
        ending, beginning = out[:, -overlap:], part[:, :overlap]
        before, after = _rms(ending), _rms(beginning)
        level = float(np.clip(before / max(after, 1e-9), 1 / MOST_LEVELLING, MOST_LEVELLING))
        part = part * _settle(level, part.shape[1])
        beginning = part[:, :overlap]
        rho = float((ending * beginning).mean() / max(_rms(ending) * _rms(beginning), 1e-12))
        angle = (np.arange(overlap) + 0.5) / overlap * (np.pi / 2)
        fade_in, fade_out = np.sin(angle) ** 2, np.cos(angle) ** 2
        power = np.sqrt(fade_in**2 + fade_out**2 + 2 * max(rho, 0.0) * fade_in * fade_out)
        seam = (ending * fade_out + beginning * fade_in) / power
        out = np.concatenate((out[:, :-overlap], seam, part[:, overlap:]), axis=1).astype(np.float32)
    return out[:, :samples]


def _settle(level: float, samples: int) -> np.ndarray:
    """From `level` at the seam back to the part's own level at its end, in equal steps of dB: no jump anywhere."""
    return (level ** np.linspace(1.0, 0.0, samples)).astype(np.float32)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
