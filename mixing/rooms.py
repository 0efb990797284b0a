"""Rooms: a space's impulse response, made once, and a voice's answer from it.

Early reflections by the image-source method (Allen and Berkley, JASA 65(4), 1979) up to the third order, heard by two
microphones 0.6 m apart; behind them a tail of noise that decays in every octave at that octave's own rate, as strong
as what the early part leaves over. Seeded and pure: the same room is the same bits. Without the direct sound, which
stays where the line was.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import fft
from scipy.signal import oaconvolve, sosfilt

from mixing.acoustics import Acoustic, Space
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.reading import section

_SOUND_M_S = 343.0
_ORDER = 3
_OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
_MIC_M = 0.3  # each side of the listener
_LOW_CUT_HZ = 120.0  # a room's boom hides words


@lru_cache(maxsize=32)
def impulse_response(space: Space) -> np.ndarray:
    """float32 `(2, frames)`, from the arrival of the direct sound on; the energy of both channels sums to 1."""
    frames = round(max(space.rt60_s) * SAMPLE_RATE_HZ)
    early, mixing_s = _early(space, frames)
    late = _late(space, frames, mixing_s)
    decay = 6 * np.log(10) * mixing_s / space.rt60_s[1]  # what an exponential decay leaves for after mixing_s
    share = np.exp(-decay) / (1 - np.exp(-decay))
    late *= np.sqrt(share * (early**2).sum() / (late**2).sum())
    shape = np.array([*section("lowpass", space.low_pass_hz, 1), *section("highpass", _LOW_CUT_HZ, 2)])
    both = np.asarray(sosfilt(shape, early + late, axis=-1))
    count = min(frames, 4800)
    both[:, -count:] *= np.cos(np.pi / 2 * np.arange(count) / count) ** 2
    return (both / np.sqrt((both**2).sum())).astype(np.float32)


def _early(space: Space, frames: int) -> tuple[np.ndarray, float]:
    """Reflections up to the third order, `(2, frames)`, and the time by which they have become a tail, seconds."""
    size = np.array(space.size_m)
    listener, source = size * (0.46, 0.41, 0.45), size * (0.62, 0.57, 0.48)
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    mixing_s = min(3 * 4 * volume / surface / _SOUND_M_S, 0.08)  # three mean free paths
    order = np.arange(-_ORDER, _ORDER + 1)
    grid = np.stack(np.meshgrid(order, order, order, indexing="ij"), axis=-1).reshape(-1, 3)
    bounces = np.abs(grid).sum(axis=1)
    grid, bounces = (a[(bounces > 0) & (bounces <= _ORDER)] for a in (grid, bounces))
    # the n-th image along an axis: shifted by n rooms, mirrored where n is odd
    images = grid * size + np.where(grid % 2 == 0, source, size - source)
    out = np.zeros((2, frames))
    for channel, side in enumerate((-_MIC_M, _MIC_M)):
        ear = listener + np.array([0.0, side, 0.0])
        direct_m = np.linalg.norm(source - ear)
        path_m = np.linalg.norm(images - ear, axis=1)
        at = (path_m - direct_m) / _SOUND_M_S * SAMPLE_RATE_HZ
        gain = space.reflection**bounces * direct_m / path_m
        whole = at.astype(int)
        part = at - whole
        inside = (whole >= 0) & (whole + 1 < frames)
        np.add.at(out[channel], whole[inside], (gain * (1 - part))[inside])
        np.add.at(out[channel], whole[inside] + 1, (gain * part)[inside])
    return out, mixing_s


def _late(space: Space, frames: int, start_s: float) -> np.ndarray:
    """Noise `(2, frames)` that rises by `start_s` and decays per octave."""
    rng = np.random.default_rng(round(1000 * float(np.prod(space.size_m))))
    spectrum = np.asarray(fft.rfft(rng.standard_normal((2, frames)), axis=-1))
    octave = np.log2(np.maximum(fft.rfftfreq(frames, 1 / SAMPLE_RATE_HZ), 1.0) / _OCTAVES_HZ[0])
    rt60 = np.interp(range(len(_OCTAVES_HZ)), (0, 3, 6), space.rt60_s)
    at_s = np.arange(frames) / SAMPLE_RATE_HZ
    out = np.zeros((2, frames))
    for band, seconds in enumerate(rt60):
        lowest, highest = band == 0, band == len(rt60) - 1
        place = np.clip(octave - band, 0 if lowest else -1, 0 if highest else 1)
        mask = np.cos(np.pi / 2 * place)  # neighbours overlap at constant power
        out += np.asarray(fft.irfft(spectrum * mask, frames, axis=-1)) * 10 ** (-3 * at_s / seconds)
    return out * np.clip(at_s / start_s, 0, 1)


def answer(voice: np.ndarray, space: Space) -> np.ndarray:
    """The room's answer to float32 `(frames,)`: float32 `(2, frames + tail)`, the tail never cut."""
    return oaconvolve(voice[None], impulse_response(space), axes=1).astype(np.float32, copy=False)


def room_sound(source: np.ndarray, acoustic: Acoustic, power: float) -> np.ndarray | None:
    """The answer to float32 `(frames,)`, as strong against the direct sound as the presets want; None without a room.

    Args:
        power: sum of the squares of the direct sound.
    """
    if acoustic.space is None:
        return None
    wet = answer(source, acoustic.space)
    own = float(np.vdot(wet, wet))
    return wet * np.float32(np.sqrt(power / own * 10 ** (acoustic.wet_db / 10))) if own > 0 else None
