"""A disk that is full while audio is written: said by name, in every format, and the last good file stays."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mixing.containers import Part, make_m4b, tag_m4a
from mixing.contracts import MixError
from mixing.encode import Writer
from mixing.tags import Tags, write_tags
from tasks.publish import replace_folder

RATE_HZ = 48_000


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """No file may grow past `count` bytes: the kernel then refuses writes as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))  # Python ignores SIGXFSZ: writes fail with EFBIG
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(seconds: float) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal((2, round(seconds * RATE_HZ)))).astype(np.float32)


def encode(path: Path, audio_format, seconds: float) -> Path:
    with Writer(path, audio_format, 0 if audio_format in ("flac", "wav") else 128) as file:
        file.write(noise(seconds))
    return path


@pytest.mark.parametrize("room", [2000, 60_000])
@pytest.mark.parametrize("audio_format", ["flac", "wav", "mp3", "opus", "m4a"])
def test_every_format_says_that_the_disk_is_full(audio_format, room, tmp_path):
    path = tmp_path / f"master.{audio_format}"
    whole = encode(path, audio_format, 6.0).stat().st_size
    assert whole > 2 * room or audio_format in ("opus", "m4a", "mp3")
    with room_for(min(room, whole // 2)), pytest.raises(MixError, match=r"master.*disk space"):
        encode(path, audio_format, 6.0)


def test_the_last_book_and_the_last_chapter_stay(tmp_path):
    audio = encode(tmp_path / "1.m4a", "m4a", 6.0)
    book = tmp_path / "book.m4b"
    make_m4b([Part(audio, "One")], book, Tags())
    good = book.read_bytes()
    with room_for(30_000), pytest.raises(MixError, match=r"book\.m4b.*disk space"):
        make_m4b([Part(audio, str(n)) for n in range(3)], book, Tags())
    assert book.read_bytes() == good
    before = audio.read_bytes()
    with room_for(30_000), pytest.raises(MixError, match="disk space"):
        tag_m4a(audio, Tags(title="One"))
    assert audio.read_bytes() == before
    flac = encode(tmp_path / "1.flac", "flac", 1.0)
    with room_for(30_000), pytest.raises(MixError, match="disk space"):
        write_tags(flac, "flac", Tags(title="One", description="x" * 40_000))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.flac", "1.m4a", "book.m4b"]


def test_a_published_folder_stays_if_its_successor_cannot_be_copied(tmp_path, monkeypatch):
    target, new = tmp_path / "out" / "ch01", tmp_path / "work" / "chapter"
    for folder, text in ((target, "the last one"), (new, "the new one")):
        folder.mkdir(parents=True)
        (folder / "master.flac").write_text(text)

    def full(source: object, to: Path) -> None:  # what a move onto another, full disk does
        Path(to).mkdir()
        (Path(to) / "master.flac").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(OSError, match="No space"):
        replace_folder(new, target)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["ch01"]
    assert (target / "master.flac").read_text() == "the last one"
    monkeypatch.undo()
    target.rename(
        tmp_path / "out" / ".ch01.outgoing"
    )  # killed between the two renames: the old one is not lost
    replace_folder(new, target)
    assert (target / "master.flac").read_text() == "the new one"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["ch01"]
