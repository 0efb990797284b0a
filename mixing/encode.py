"""Writing stems and masters in every format, and reading them back: one interface, blocks of any size.

FLAC goes through soundfile (2.7× faster than pedalboard), WAV and MP3 through pedalboard (RF64 past 4 GiB, where
soundfile's WAV is silently cut; MP3 3.5× faster and with the gapless header), AAC and Opus through PyAV. All of them
write into one kind of file that remembers the first error: codec libraries swallow a full disk.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, cast

import av
import numpy as np
import soundfile
import soxr
from av.audio.stream import AudioStream
from av.codec.context import Flags as CodecFlags
from av.container.core import Flags as ContainerFlags
from pedalboard.io import ReadableAudioFile, WriteableAudioFile

from mixing.contracts import SAMPLE_RATE_HZ, AudioFormat, MixError
from mixing.scratch import interleaved
from mixing.wav import WavFile

_CHUNK = SAMPLE_RATE_HZ
_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    AssertionError,
    TypeError,
)  # what the libraries raise when writing
_AV = {"m4a": ("aac", "ipod", "fltp"), "opus": ("libopus", "opus", "flt")}


class OutputFile(io.RawIOBase):
    """A file being written, unbuffered, that keeps the first error of a write, however the codec's library takes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w+b", buffering=0)
        self.error: OSError | None = None

    def write(self, data) -> int:
        """Takes everything; after an error it only pretends to, so that the encoder can be closed in order."""
        view, done = memoryview(data).cast("B"), 0
        try:
            while done < len(view) and self.error is None:
                done += self._file.write(view[done:])
        except OSError as error:
            self.error = error
        return len(view)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer) or 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def finish(self) -> None:
        """To the disk, so that an error that comes late comes here."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self.error = self.error or error
        self._file.close()


class _Encoder(Protocol):
    def write(self, samples: np.ndarray) -> None: ...

    def close(self) -> None: ...


class _Flac:
    def __init__(self, file: OutputFile) -> None:
        self._out = soundfile.SoundFile(
            cast(BinaryIO, file), "w", SAMPLE_RATE_HZ, 2, "PCM_24", format="FLAC", compression_level=0.0
        )

    def write(self, samples: np.ndarray) -> None:
        self._out.write(interleaved(samples))

    def close(self) -> None:
        self._out.close()


class _Pedalboard:
    def __init__(self, file: OutputFile, audio_format: AudioFormat, rate_hz: int, kbits: int) -> None:
        self._out = WriteableAudioFile(
            cast(BinaryIO, file), rate_hz, 2, bit_depth=24, quality=kbits or None, format=audio_format
        )
        self._resample = (
            soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, 2) if rate_hz != SAMPLE_RATE_HZ else None
        )

    def write(self, samples: np.ndarray) -> None:
        if self._resample is not None:
            samples = self._resample.resample_chunk(interleaved(samples)).T
        if samples.shape[1]:
            self._out.write(np.ascontiguousarray(samples))

    def close(self) -> None:
        if self._resample is not None:
            rest = self._resample.resample_chunk(np.zeros((0, 2), np.float32), last=True).T
            if rest.shape[1]:
                self._out.write(np.ascontiguousarray(rest))
        self._out.close()


class _Libav:
    def __init__(self, file: OutputFile, audio_format: AudioFormat, kbits: int) -> None:
        codec, container, self._sample_format = _AV[audio_format]
        # the index goes to the front, so that a player can begin before it has the whole file; for that the muxer
        # reads back what it wrote, through a second opening of the file
        options = {"movflags": "+faststart"} if container == "ipod" else {}
        self._out = av.open(
            file, "w", format=container, options=options, io_open=lambda *_: file.path.open("rb")
        )
        self._out.flags |= ContainerFlags.bitexact.value  # the same audio gives the same bytes
        stream = self._out.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="stereo")
        assert isinstance(stream, AudioStream)
        self._stream = stream
        self._stream.bit_rate = 1000 * kbits
        self._stream.codec_context.format = self._sample_format
        self._stream.codec_context.flags |= CodecFlags.bitexact.value
        self._at = 0

    def write(self, samples: np.ndarray) -> None:
        planar = self._sample_format == "fltp"
        data = np.ascontiguousarray(samples) if planar else interleaved(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(data, format=self._sample_format, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = (
            SAMPLE_RATE_HZ,
            self._at,
            Fraction(1, SAMPLE_RATE_HZ),
        )
        self._at += samples.shape[1]
        self._out.mux(self._stream.encode(frame))

    def close(self) -> None:
        try:
            self._out.mux(self._stream.encode(None))
        finally:
            self._out.close()


def _open(file: OutputFile, audio_format: AudioFormat, rate_hz: int, kbits: int) -> _Encoder:
    if audio_format == "flac":
        return _Flac(file)
    if audio_format == "wav":
        return WavFile(cast(BinaryIO, file))
    if audio_format in _AV:
        return _Libav(file, audio_format, kbits)
    return _Pedalboard(file, audio_format, rate_hz, kbits)


class Writer:
    """A stereo file being written. What it is fed is passed on in pieces of one second.

    So the encoder sees the same calls whatever the engine's block size.
    """

    def __init__(
        self, path: Path, audio_format: AudioFormat, kbits: int = 0, rate_hz: int = SAMPLE_RATE_HZ
    ) -> None:
        """`kbits`: bit rate of a lossy format; `rate_hz`: of the file (MP3 only), what is fed is 48 kHz."""
        self.path = path
        self._parts: list[np.ndarray] = []
        self._waiting = 0
        try:
            self._file = OutputFile(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._encoder: _Encoder | None = None
        with self._checking():
            self._encoder = _open(self._file, audio_format, rate_hz, kbits)

    def write(self, samples: np.ndarray) -> None:
        """float32 `(2, frames)`."""
        self._parts.append(samples)
        self._waiting += samples.shape[1]
        if self._waiting >= _CHUNK:
            self._pass_on(self._waiting // _CHUNK * _CHUNK)

    def _pass_on(self, count: int) -> None:
        whole = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts, axis=1)
        for low in range(0, count, _CHUNK):
            with self._checking():
                assert self._encoder is not None, "the writer is closed"
                self._encoder.write(whole[:, low : min(low + _CHUNK, count)])
        self._waiting -= count
        self._parts = [whole[:, count:].copy()] if self._waiting else []

    def close(self) -> None:
        if self._waiting:
            self._pass_on(self._waiting)
        with self._checking():
            if self._encoder is not None:
                self._encoder.close()
                self._encoder = None
        self._file.finish()
        if self._file.error is not None:
            raise cannot_write(self.path, self._file.error)

    @contextmanager
    def _checking(self) -> Iterator[None]:
        """For each step of the encoder: an error of the disk is raised whether the encoder noticed it or not."""
        try:
            yield
        except _ERRORS as error:
            self._abandon()
            raise cannot_write(self.path, self._file.error or error) from error
        if self._file.error is not None:
            self._abandon()
            raise cannot_write(self.path, self._file.error)

    def _abandon(self) -> None:
        if self._encoder is not None:
            with suppress(*_ERRORS):
                self._encoder.close()
            self._encoder = None
        self._file.finish()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ):
        if error is None:
            self.close()
        else:
            self._abandon()


def cannot_write(path: Path, error: Exception) -> MixError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MixError(
        f"can't write audio ({reason})",
        where=str(path),
        remedy="check free disk space and permissions, then render again",
    )


def read_back(path: Path, block_frames: int = 8 * SAMPLE_RATE_HZ) -> Iterator[np.ndarray]:
    """Decode a written file in blocks, float32 `(2, frames)` at its own rate: what a listener's player will see."""
    if path.suffix.removeprefix(".") not in _AV:
        with ReadableAudioFile(str(path)) as file:
            while file.tell() < file.frames:
                yield file.read(block_frames)
        return
    with av.open(str(path)) as container:
        parts: list[np.ndarray] = []
        for frame in container.decode(container.streams.audio[0]):
            data = frame.to_ndarray()
            parts.append(data if frame.format.is_planar else data.reshape(-1, 2).T)
            if sum(part.shape[1] for part in parts) >= block_frames:
                yield np.concatenate(parts, axis=1)
                parts = []
        if parts:
            yield np.concatenate(parts, axis=1)
