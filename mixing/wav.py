"""WAV at 24 bits, written in blocks: the master's and the stems' format where nothing is to be compressed.

Past 4 GiB the file becomes RF64 (EBU Tech 3306): room for its `ds64` chunk is kept from the start, so nothing is moved.
Packing by numpy costs a third of what pedalboard's writer takes, and four files a chapter are written.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ

_FULL = 1 << 23
_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHH 4sI")
_DS64 = struct.Struct("<QQQI")
_RIFF_MOST = 0xFFFFFFFF


def pack_24(samples: np.ndarray) -> np.ndarray:
    """float32 `(channels, frames)` as interleaved little-endian 24-bit PCM, uint8 `(frames · channels · 3,)`."""
    channels, frames = samples.shape
    whole = np.empty((frames, channels), np.int32)
    for number, channel in enumerate(samples):
        scaled = channel * np.float32(_FULL)
        np.rint(scaled, out=scaled)
        np.clip(scaled, -_FULL, _FULL - 1, out=scaled)
        whole[:, number] = scaled
    four = whole.reshape(-1).view(np.uint8)
    packed = np.empty((frames * channels, 3), np.uint8)
    for byte in range(3):  # three strided copies: 4× faster than one of rows
        packed[:, byte] = four[byte::4]
    return packed.reshape(-1)


class WavFile:
    """A 24-bit WAV being written into an open file, which stays open; `close` completes its header."""

    def __init__(self, file: BinaryIO, channels: int = 2) -> None:
        self._file, self._channels, self._bytes = file, channels, 0
        self._file.write(self._header())

    def write(self, samples: np.ndarray) -> None:
        """float32 `(channels, frames)`; what is beyond full scale is clipped."""
        packed = pack_24(samples) if samples.any() else np.zeros(3 * samples.size, np.uint8)
        self._file.write(packed.data)
        self._bytes += len(packed)

    def close(self) -> None:
        if self._bytes % 2:
            self._file.write(b"\0")  # RIFF chunks have an even length
        self._file.seek(0)
        self._file.write(self._header())

    def _header(self) -> bytes:
        width = 3 * self._channels
        riff = _HEADER.size - 8 + self._bytes + self._bytes % 2
        large = riff > _RIFF_MOST
        ds64 = _DS64.pack(riff, self._bytes, self._bytes // width, 0) if large else b""
        return _HEADER.pack(
            b"RF64" if large else b"RIFF", min(riff, _RIFF_MOST), b"WAVE",
            b"ds64" if large else b"JUNK", 28, ds64,
            b"fmt ", 16, 1, self._channels, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * width, width, 24,
            b"data", min(self._bytes, _RIFF_MOST) if not large else _RIFF_MOST,
        )  # fmt: skip
