"""Prepared audio on disk instead of in memory: one raw float32 file of clips, read back in slices.

A chapter's memory stays constant however long it is, since only the slice under the current block is ever loaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np


def interleaved(samples: np.ndarray) -> np.ndarray:
    """float32 `(channels, frames)` as contiguous `(frames, channels)`; 5× faster than numpy's own transposed copy."""
    out = np.empty((samples.shape[1], samples.shape[0]), np.float32)
    for number, channel in enumerate(samples):
        out[:, number] = channel
    return out


@dataclass(frozen=True)
class Clip:
    """Where a `(channels, frames)` piece of audio lies in the scratch file (frames interleaved)."""

    offset: int  # bytes
    channels: int
    frames: int


class Scratch:
    """Append-only store of clips. A context manager: the file is gone afterwards."""

    def __init__(self, path: Path) -> None:
        self._path, self._end, self._dirty = path, 0, False
        self._file = path.open("w+b")

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ):
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, samples: np.ndarray) -> Clip:
        """Keep float32 `(channels, frames)`."""
        clip = Clip(self._end, samples.shape[0], samples.shape[1])
        self.append(samples)
        return clip

    def append(self, samples: np.ndarray) -> None:
        """Write at the end: blocks appended one after the other, with nothing between, form one clip."""
        self._file.write(interleaved(samples).data)
        self._end += samples.size * 4
        self._dirty = True

    @property
    def end(self) -> int:
        return self._end

    def read(self, clip: Clip, start: int, stop: int) -> np.ndarray:
        """Frames `start:stop` of a clip as `(channels, frames)`."""
        if self._dirty:
            self._file.flush()
            self._dirty = False
        width = 4 * clip.channels
        raw = os.pread(self._file.fileno(), (stop - start) * width, clip.offset + start * width)
        return np.frombuffer(raw, np.float32).reshape(-1, clip.channels).T
