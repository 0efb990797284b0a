"""Our own WAV writer: what others read is what was written, also past 4 GiB, where it becomes RF64."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from pedalboard.io import ReadableAudioFile

from mixing.wav import WavFile, pack_24


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6), st.integers(1, 2), st.integers(0, 99))
def test_others_read_what_was_written(sizes, channels, seed):
    rng = np.random.default_rng(seed)
    blocks = [rng.uniform(-1, 1, (channels, size)).astype(np.float32) for size in sizes]
    file = io.BytesIO()
    wav = WavFile(file, channels)
    for block in blocks:
        wav.write(block)
    wav.close()
    file.seek(0)
    with soundfile.SoundFile(file) as read:
        assert (read.samplerate, read.channels, read.subtype) == (48_000, channels, "PCM_24")
        samples = read.read(dtype="float64", always_2d=True).T
    sound = np.concatenate([np.zeros((channels, 0)), *blocks], axis=1)
    assert samples.shape == sound.shape
    assert np.abs(samples - sound).max(initial=0) <= 2**-23


def test_full_scale_is_clipped_and_never_wraps():
    sound = np.array([[1.0, -1.0, 1.5, -1.5, 0.0]], np.float32)
    bytes_ = pack_24(sound).tobytes()
    values = [int.from_bytes(bytes_[k : k + 3], "little", signed=True) for k in range(0, 15, 3)]
    assert values == [8388607, -8388608, 8388607, -8388608, 0]


class Sparse(io.BytesIO):
    """Remembers how much was written and keeps only the head."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def write(self, data) -> int:
        at = self.tell()
        self.total = max(self.total, at + len(data))
        if at < 80:
            super().write(bytes(data[: 80 - at]))
        self.seek(at + len(data))
        return len(data)


def test_past_4_gib_it_is_rf64_with_the_true_sizes():
    file = Sparse()
    wav = WavFile(file)  # pyright: ignore[reportArgumentType]
    wav.write(np.zeros((2, 48_000), np.float32))
    wav._bytes = 5 * 10**9 // 6 * 6  # as after five hours
    wav.close()
    file.seek(0)
    head = file.read(80)
    assert (head[:4], head[8:12], head[12:16]) == (b"RF64", b"WAVE", b"ds64")
    riff, data, frames = struct.unpack_from("<QQQ", head, 20)
    assert (data, frames) == (wav._bytes, wav._bytes // 6)
    assert riff == data + len(head) - 8
    assert head[72:76] == b"data"
    assert struct.unpack_from("<I", head, 76) == (0xFFFFFFFF,)


@pytest.mark.parametrize("reader", ["soundfile", "pedalboard"])
def test_an_rf64_file_is_read(tmp_path, monkeypatch, reader):
    monkeypatch.setattr("mixing.wav._RIFF_MOST", 1000)  # the same bytes as past 4 GiB, in a small file
    path = tmp_path / "a.wav"
    sound = np.random.default_rng(1).uniform(-1, 1, (2, 4800)).astype(np.float32)
    with path.open("wb") as file:
        wav = WavFile(file)
        wav.write(sound)
        wav.close()
    assert path.read_bytes()[:4] == b"RF64"
    patched = bytearray(path.read_bytes())
    patched[4:8] = patched[76:80] = b"\xff\xff\xff\xff"
    path.write_bytes(patched)
    if reader == "soundfile":
        read = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    else:
        with ReadableAudioFile(str(path)) as file:
            read = file.read(file.frames)
    assert np.abs(read - sound).max() <= 2**-22  # pedalboard scales by one less
