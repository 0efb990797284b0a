"""Buses: clips at their sample, panned, added up for any stretch of the chapter.

What a bus holds in a frame depends on the frame's number only, and clips are added in one fixed order: so a block
may begin and end anywhere and the bits are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ
from mixing.scratch import Clip, Scratch


@dataclass(frozen=True)
class Placed:
    start: int  # frame in the chapter
    frames: int
    clip: Clip
    left: np.float32
    right: np.float32
    fade_out: int = 0  # frames at the end; 0 where the clip ends by itself


def constant_power(pan: float) -> tuple[float, float]:
    """Gains of left and right for -1..1, their squares summing to 1: loudness doesn't depend on the pan.

    Without the +3 dB some laws add: a mono clip is as loud by BS.1770 as it was before.
    """
    angle = (float(np.clip(pan, -1, 1)) + 1) * np.pi / 4
    return float(np.cos(angle)), float(np.sin(angle))


def placed_until(
    total: int, start: int, clip: Clip, left: float | np.floating, right: float | np.floating, fade_s: float
) -> Placed:
    """A clip at its frame; what would ring on after frame `total` fades out before it."""
    frames = max(0, min(clip.frames, total - start))
    fade = min(frames, round(fade_s * SAMPLE_RATE_HZ)) if frames < clip.frames else 0
    return Placed(start, frames, clip, np.float32(left), np.float32(right), fade)


class ClipBus:
    """Clips in a fixed order."""

    def __init__(self, clips: list[Placed], scratch: Scratch) -> None:
        self._clips, self._scratch = clips, scratch
        self._by_second: dict[int, list[int]] = {}
        for index, clip in enumerate(clips):
            if clip.frames <= 0:
                continue
            last = (clip.start + clip.frames - 1) // SAMPLE_RATE_HZ
            for second in range(clip.start // SAMPLE_RATE_HZ, last + 1):
                self._by_second.setdefault(second, []).append(index)

    def render(self, start: int, stop: int) -> np.ndarray:
        """float32 `(2, stop - start)`."""
        out = np.zeros((2, stop - start), np.float32)
        seconds = range(start // SAMPLE_RATE_HZ, (stop - 1) // SAMPLE_RATE_HZ + 1)
        for index in sorted({i for second in seconds for i in self._by_second.get(second, ())}):
            clip = self._clips[index]
            low, high = max(start, clip.start) - clip.start, min(stop, clip.start + clip.frames) - clip.start
            if low >= high:
                continue
            part = self._scratch.read(clip.clip, low, high)
            tail = clip.frames - clip.fade_out
            if clip.fade_out and high > tail:
                part = part.copy()
                first = max(low, tail)
                part[:, first - low :] *= _fall(clip.fade_out)[first - tail : high - tail]
            at = clip.start + low - start
            out[0, at : at + high - low] += part[0] * clip.left
            out[1, at : at + high - low] += part[-1] * clip.right
        return out


def _fall(frames: int) -> np.ndarray:
    """float32 cos² fade-out `(frames,)`, always computed whole."""
    return (np.cos(np.pi / 2 * (np.arange(frames) + 1) / frames) ** 2).astype(np.float32)


class FloorNoise:
    """Noise at 16-bit dither's level: keeps a place without a bed from being digital silence."""

    def __init__(self, level_dbfs: float) -> None:
        frames = 7 * SAMPLE_RATE_HZ + 311  # no round number: the loop never lines up with anything
        noise = np.random.default_rng(7).standard_normal((2, frames)).astype(np.float32)
        self._noise = noise * np.float32(10 ** (level_dbfs / 20))

    def add_to(self, out: np.ndarray, at: int) -> None:
        frames = self._noise.shape[1]
        done = 0
        while done < out.shape[1]:
            low = (at + done) % frames
            count = min(frames - low, out.shape[1] - done)
            out[:, done : done + count] += self._noise[:, low : low + count]
            done += count
