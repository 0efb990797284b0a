"""A bound book plays on: every chapter at its time, sound untouched, title, cover and captions inside."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from mixing.containers import Part, make_m4b, read_marks, tag_m4a
from mixing.contracts import MixError
from mixing.encode import Writer, read_back
from mixing.tags import Cover, Tags, lrc, write_tags
from story.errors import InputError

RATE_HZ = 48_000
TAGS = Tags(
    title="Die Schatzinsel & <Co>",
    book="宝岛",
    author="Robert Louis Stevenson",
    narrators=["af_heart", "am_adam"],
    track=5,
    tracks=34,
    year="1883",
    language="en",
    description="Pirates.",
)
CUES = [(0, 900, "First words"), (1200, 1900, "and more\non two lines")]


def tone(frequency_hz: float, seconds: float) -> np.ndarray:
    at = np.arange(round(seconds * RATE_HZ))
    return np.tile(0.2 * np.sin(2 * np.pi * frequency_hz * at / RATE_HZ), (2, 1)).astype(np.float32)


def encode(path: Path, sound: np.ndarray, audio_format="m4a") -> Path:
    with Writer(path, audio_format, 0 if audio_format in ("flac", "wav") else 96) as file:
        file.write(sound)
    return path


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([200, 80, 20]) * 16 for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def chapters(tmp_path_factory) -> list[Part]:
    folder = tmp_path_factory.mktemp("chapters")
    return [
        Part(encode(folder / f"{n}.m4a", tone(300 * (n + 1), 2 + 0.37 * n)), f"{n + 1} · Kapitel", CUES)
        for n in range(3)
    ]


@pytest.fixture
def cover(tmp_path) -> Cover:
    path = tmp_path / "cover.png"
    path.write_bytes(png())
    return Cover.read(path)


def loudest_hz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(sound.shape[1])))
    return float(spectrum.argmax() * RATE_HZ / sound.shape[1])


def test_a_book_has_its_chapters_where_their_sound_is(chapters, cover, tmp_path):
    path = tmp_path / "book.m4b"
    marks = make_m4b(chapters, path, TAGS, cover)
    assert [m.title for m in marks] == [m.title for m in read_marks(path)] == [c.title for c in chapters]
    sound = np.concatenate(list(read_back(shutil.copy(path, tmp_path / "book.m4a"))), axis=1)
    for number, (mark, found) in enumerate(zip(marks, read_marks(path), strict=True)):
        assert found.start_s == pytest.approx(mark.start_s, abs=0.001)
        inside = sound[:, round((mark.start_s + 0.1) * RATE_HZ) :][:, : round(1.5 * RATE_HZ)]
        assert loudest_hz(inside) == pytest.approx(300 * (number + 1), abs=2)
    for mark in marks[1:]:  # the new tone begins within a millisecond of its mark
        at = round(mark.start_s * RATE_HZ)
        assert np.abs(sound[0, at + 48 : at + 4800]).max() > 0.15
    assert sound.shape[1] / RATE_HZ == pytest.approx(marks[-1].end_s, abs=0.03)
    assert Path(path).read_bytes().index(b"moov") < Path(path).read_bytes().index(b"mdat")
    assert not list(tmp_path.glob(".*"))


def test_title_cover_and_captions_are_inside(chapters, cover, tmp_path):
    path = tmp_path / "book.m4b"
    marks = make_m4b(chapters, path, TAGS, cover)
    tags = MP4(path).tags
    assert tags is not None
    assert (tags["©nam"], tags["©alb"], tags["©ART"], tags["stik"]) == (
        [TAGS.title],
        [TAGS.book],
        [TAGS.author],
        [2],
    )
    assert tags["©wrt"] == ["af_heart, am_adam"]
    assert bytes(tags["covr"][0]) == cover.data
    with av.open(str(path)) as file:
        assert file.streams.audio[0].language == "eng"
        cues = [
            (float(p.pts * p.time_base), bytes(p)[2:].decode())
            for p in file.demux(file.streams.subtitles[0])
            if p.size > 2
        ]
    expected = [(m.start_s + start / 1000, text) for m in marks for start, _, text in CUES]
    assert [text for _, text in cues] == [text for _, text in expected]
    assert [at for at, _ in cues] == pytest.approx([at for at, _ in expected], abs=0.002)


def test_binding_copies_the_sound_bit_by_bit(chapters, tmp_path):
    path = tmp_path / "book.m4b"
    make_m4b(chapters, path, TAGS)

    def packets(of: Path) -> list[bytes]:
        with av.open(str(of)) as file:
            return [bytes(p) for p in file.demux(file.streams.audio[0]) if p.size]

    assert packets(path) == [p for c in chapters for p in packets(c.audio)]
    first = path.read_bytes()
    make_m4b(chapters, path, TAGS)
    assert path.read_bytes() == first


def test_three_hundred_chapters_read_back(chapters, tmp_path):
    """More than Nero's 255; benchmarks/mixing/bench_m4b.py binds 780 over 26 hours."""
    many = [Part(chapters[n % 3].audio, f"Chapter {n}") for n in range(300)]
    marks = make_m4b(many, tmp_path / "long.m4b", TAGS)
    found = read_marks(tmp_path / "long.m4b")
    assert [m.title for m in found] == [f"Chapter {n}" for n in range(300)]
    assert [m.start_s for m in found] == pytest.approx([m.start_s for m in marks], abs=0.001)
    assert marks[-1].end_s == pytest.approx(
        100 * sum(m.end_s - m.start_s for m in make_m4b(chapters, tmp_path / "3.m4b", TAGS)), abs=1e-6
    )


def test_chapters_that_cannot_be_bound_are_named_and_the_last_book_stays(chapters, tmp_path):
    path = tmp_path / "book.m4b"
    path.write_text("the last one")
    (tmp_path / "bad.m4a").write_bytes(b"no sound")
    opus = encode(tmp_path / "other.opus", tone(300, 1), "opus")
    for bad in (tmp_path / "bad.m4a", tmp_path / "missing.m4a", opus):
        with pytest.raises(MixError, match=bad.name):
            make_m4b([chapters[0], Part(bad, "?")], path, TAGS)
    with pytest.raises(MixError, match="chapter"):
        make_m4b([], path, TAGS)
    assert path.read_text() == "the last one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.m4a", "book.m4b", "other.opus"]
    (tmp_path / "cover.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"cover\.gif"):
        Cover.read(tmp_path / "cover.gif")


@pytest.mark.parametrize("audio_format", ["flac", "mp3", "opus", "m4a", "wav"])
def test_a_chapters_file_says_what_it_is_and_sounds_as_before(audio_format, cover, tmp_path):
    path = encode(tmp_path / f"master.{audio_format}", tone(440, 2.2), audio_format)
    before = np.concatenate(list(read_back(path)), axis=1)
    if audio_format == "m4a":
        tag_m4a(path, TAGS, cover, CUES)
        tags = MP4(path).tags
        assert tags is not None
        assert (tags["©nam"], tags["trkn"], bytes(tags["covr"][0])) == ([TAGS.title], [(5, 34)], cover.data)
    else:
        write_tags(path, audio_format, TAGS, cover, CUES)
    if audio_format == "flac":
        flac = FLAC(path)
        assert (flac["title"], flac["lyrics"]) == ([TAGS.title], [lrc(CUES)])
        assert flac.pictures[0].data == cover.data
    elif audio_format == "mp3":
        id3 = ID3(path)
        assert (str(id3["TIT2"]), str(id3["TRCK"])) == (TAGS.title, "5/34")
        assert id3.getall("APIC")[0].data == cover.data
        assert id3.getall("SYLT")[0].text[1] == ("and more on two lines", 1200)
    elif audio_format == "opus":
        assert OggOpus(path)["album"] == [TAGS.book]
    after = np.concatenate(list(read_back(path)), axis=1)
    assert np.array_equal(before, after)


def test_lyrics_carry_their_times():
    assert lrc([(61_230, 62_000, "a\nb")]) == "[01:01.23]a b"
    assert io.StringIO(lrc(CUES)).readline() == "[00:00.00]First words\n"
