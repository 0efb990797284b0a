"""What a master is made from: the sum of a chapter's stems, read in blocks and as often as needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from mixing.contracts import SAMPLE_RATE_HZ, STEMS, MixError
from mixing.scratch import Clip, Scratch

_REMEDY = "render the chapter again"


class Source(Protocol):
    frames: int
    energies: np.ndarray | None  # K-weighted, 10 ms, where they are known

    def blocks(self, block_frames: int) -> Iterator[np.ndarray]:
        """From the start, float32 `(2, frames)`; every block but the last is `block_frames` long."""
        ...


class ScratchSource:
    """The sum as the engine left it."""

    def __init__(self, total: Scratch, clip: Clip, energies: np.ndarray | None = None) -> None:
        self._total, self._clip, self.frames, self.energies = total, clip, clip.frames, energies

    def blocks(self, block_frames: int) -> Iterator[np.ndarray]:
        for start in range(0, self.frames, block_frames):
            yield self._total.read(self._clip, start, min(start + block_frames, self.frames))


class StemFiles:
    """The sum of published stems. Raises MixError for one that is missing, damaged or of another length."""

    energies: np.ndarray | None = None

    def __init__(self, stems: Mapping[str, Path]) -> None:
        self._paths = [stems[name] for name in STEMS if name in stems]
        lengths = {path: _length(path) for path in self._paths}
        if not lengths:
            raise MixError("the chapter has no stems", remedy=_REMEDY)
        if len(set(lengths.values())) != 1:
            odd = min(lengths, key=lambda path: lengths[path])
            raise MixError("the stem is shorter than the others", where=str(odd), remedy=_REMEDY)
        self.frames = lengths[self._paths[0]]

    def blocks(self, block_frames: int) -> Iterator[np.ndarray]:
        with ExitStack() as stack:
            files = [stack.enter_context(soundfile.SoundFile(path)) for path in self._paths]
            for start in range(0, self.frames, block_frames):
                total = np.zeros((min(block_frames, self.frames - start), 2), np.float32)
                for path, file in zip(self._paths, files, strict=True):
                    read = file.read(len(total), dtype="float32", always_2d=True)
                    if len(read) != len(total):
                        raise MixError("the stem ends early", where=str(path), remedy=_REMEDY)
                    total += read
                yield np.ascontiguousarray(total.T)


def _length(path: Path) -> int:
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError) as error:
        what = "the stem is missing" if not path.exists() else f"the stem can't be read ({error})"
        raise MixError(what, where=str(path), remedy=_REMEDY) from error
    if (info.samplerate, info.channels) != (SAMPLE_RATE_HZ, 2):
        raise MixError(
            f"the stem has {info.channels} channels at {info.samplerate} Hz, not 2 at {SAMPLE_RATE_HZ}",
            where=str(path),
            remedy=_REMEDY,
        )
    return info.frames
