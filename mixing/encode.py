"""Writing stems and masters: FLAC and WAV at 24 bits, MP3 at 192 kbit/s; one interface, blocks of any size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from pedalboard.io import ReadableAudioFile, WriteableAudioFile

from mixing.contracts import SAMPLE_RATE_HZ, AudioFormat, MixError
from mixing.scratch import interleaved

_CHUNK = SAMPLE_RATE_HZ
_MP3_KBITS = 192


class Writer:
    """A stereo file, 48 kHz, being written. What it is fed is passed on in pieces of one second.

    So the encoder sees the same calls whatever the engine's block size. FLAC goes through soundfile (2.7× faster than
    pedalboard), WAV and MP3 through pedalboard (RF64 past 4 GiB, where soundfile's WAV is silently cut; MP3 3.5×
    faster and with the gapless header).
    """

    def __init__(self, path: Path, audio_format: AudioFormat) -> None:
        self.path = path
        self._parts: list[np.ndarray] = []
        self._waiting = 0
        try:
            if audio_format == "flac":
                self._flac = soundfile.SoundFile(
                    path, "w", SAMPLE_RATE_HZ, 2, "PCM_24", format="FLAC", compression_level=0.0
                )
                self._other = None
            else:
                quality = _MP3_KBITS if audio_format == "mp3" else None
                self._flac = None
                self._other = WriteableAudioFile(str(path), SAMPLE_RATE_HZ, 2, bit_depth=24, quality=quality)
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot(path, error) from error

    def write(self, samples: np.ndarray) -> None:
        """float32 `(2, frames)`."""
        self._parts.append(samples)
        self._waiting += samples.shape[1]
        if self._waiting >= _CHUNK:
            self._pass_on(self._waiting // _CHUNK * _CHUNK)

    def _pass_on(self, count: int) -> None:
        whole = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts, axis=1)
        try:
            for low in range(0, count, _CHUNK):
                piece = whole[:, low : min(low + _CHUNK, count)]
                if self._flac is not None:
                    self._flac.write(interleaved(piece))
                elif self._other is not None:
                    self._other.write(np.ascontiguousarray(piece))
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot(self.path, error) from error
        self._parts = [whole[:, count:].copy()]
        self._waiting -= count

    def close(self) -> None:
        if self._waiting:
            self._pass_on(self._waiting)
        try:
            if self._flac is not None:
                self._flac.close()
            elif self._other is not None:
                self._other.close()
        except (OSError, RuntimeError) as error:
            raise _cannot(self.path, error) from error

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ):
        if error is None:
            self.close()
        elif self._flac is not None:
            self._flac.close()
        elif self._other is not None:
            self._other.close()


def _cannot(path: Path, error: Exception) -> MixError:
    return MixError(
        f"can't write audio ({error})",
        where=str(path),
        remedy="check free disk space and permissions, then render again",
    )


def read_back(path: Path, block_frames: int = 8 * SAMPLE_RATE_HZ) -> Iterator[np.ndarray]:
    """Decode a written file in blocks, float32 `(2, frames)`: to measure what a listener's player will see."""
    with ReadableAudioFile(str(path)) as file:
        while file.tell() < file.frames:
            yield file.read(block_frames)
