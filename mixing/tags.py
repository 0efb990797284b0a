"""Titles, covers and captions inside finished files, so that a player shows them without anything beside the file.

FLAC and Opus take Vorbis comments, MP3 takes ID3; M4A and M4B get theirs while they are muxed (containers.py). WAV
has no tags that players agree on and stays as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from mutagen import MutagenError
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.id3._frames import (
    APIC,
    COMM,
    SYLT,
    TALB,
    TCOM,
    TCON,
    TCOP,
    TDRC,
    TIT2,
    TLAN,
    TPE1,
    TPE2,
    TRCK,
    USLT,
)
from mutagen.oggopus import OggOpus
from pydantic import BaseModel

from mixing.contracts import AudioFormat, MixError
from story.errors import InputError

Cue = tuple[int, int, str]
"""A caption: start and end in milliseconds, its text (lines parted by \\n)."""

_ISO_639_2 = {
    "ar": "ara", "cmn": "zho", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "fr": "fra", "he": "heb", "hi": "hin",
    "it": "ita", "ja": "jpn", "ko": "kor", "nl": "nld", "pl": "pol", "pt": "por", "ru": "rus", "yue": "zho", "zh": "zho",
}  # fmt: skip


class Tags(BaseModel):
    """Empty fields are left out."""

    title: str = ""  # of the chapter, or of the book in its M4B
    book: str = ""
    author: str = ""
    narrators: list[str] = []
    track: int = 0
    tracks: int = 0
    year: str = ""
    genre: str = "Audiobook"
    language: str = ""  # BCP 47
    description: str = ""
    copyright: str = ""
    comment: str = "Made with Soundbound"

    @property
    def narrator(self) -> str:
        return ", ".join(self.narrators)

    @property
    def language_code(self) -> str:
        """ISO 639-2, "und" where it isn't known."""
        return _ISO_639_2.get(self.language.lower().split("-")[0], "und")


class Cover(BaseModel):
    data: bytes
    mime: str

    @classmethod
    def read(cls, path: Path) -> Cover:
        """A JPEG or PNG file. Raises InputError for anything else."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"the cover can't be read ({error.strerror})",
                where=str(path),
                remedy="give a JPEG or PNG file",
            ) from error
        for magic, mime in ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png")):
            if data.startswith(magic):
                return cls(data=data, mime=mime)
        raise InputError(
            "the cover is neither JPEG nor PNG", where=str(path), remedy="convert it to one of the two"
        )


def write_tags(
    path: Path, audio_format: AudioFormat, tags: Tags, cover: Cover | None = None, cues: Sequence[Cue] = ()
) -> None:
    """Tag a finished FLAC, MP3 or Opus file in place; others stay as they are. Raises MixError if it can't be written."""
    try:
        if audio_format == "mp3":
            _id3(tags, cover, cues).save(path, v2_version=4)
        elif audio_format == "flac":
            flac = FLAC(path)
            flac.update(_comments(tags, cues))
            if cover:
                flac.add_picture(_picture(cover))
            flac.save()
        elif audio_format == "opus":
            opus = OggOpus(path)
            opus.update(_comments(tags, cues))
            if cover:
                opus["metadata_block_picture"] = base64.b64encode(_picture(cover).write()).decode()
            opus.save()
    except (MutagenError, OSError) as error:
        raise MixError(
            f"can't write the tags ({error})", where=str(path), remedy="check free disk space and permissions"
        ) from error


def lrc(cues: Sequence[Cue]) -> str:
    """Timed lyrics as players read them from a LYRICS tag: [mm:ss.xx]text."""
    lines = []
    for start_ms, _, text in cues:
        minutes, rest = divmod(start_ms, 60_000)
        lines.append(f"[{minutes:02d}:{rest // 1000:02d}.{rest % 1000 // 10:02d}]{' '.join(text.split())}")
    return "\n".join(lines)


def _comments(tags: Tags, cues: Sequence[Cue]) -> dict[str, str]:
    found = {
        "title": tags.title,
        "album": tags.book,
        "artist": tags.author,
        "albumartist": tags.author,
        "composer": tags.narrator,
        "performer": tags.narrator,
        "tracknumber": str(tags.track or ""),
        "tracktotal": str(tags.tracks or ""),
        "date": tags.year,
        "genre": tags.genre,
        "language": tags.language,
        "description": tags.description,
        "copyright": tags.copyright,
        "comment": tags.comment,
        "lyrics": lrc(cues),
    }
    return {key: value for key, value in found.items() if value}


def _id3(tags: Tags, cover: Cover | None, cues: Sequence[Cue]) -> ID3:
    out = ID3()
    track = f"{tags.track}/{tags.tracks}" if tags.tracks else str(tags.track or "")
    for frame, text in (
        (TIT2, tags.title),
        (TALB, tags.book),
        (TPE1, tags.author),
        (TPE2, tags.author),
        (TCOM, tags.narrator),
        (TRCK, track),
        (TDRC, tags.year),
        (TCON, tags.genre),
        (TLAN, tags.language_code if tags.language else ""),
        (TCOP, tags.copyright),
    ):
        if text:
            out.add(frame(encoding=3, text=[text]))
    if tags.comment:
        out.add(COMM(encoding=3, lang="eng", desc="", text=[tags.comment]))
    if cues:
        code = tags.language_code
        out.add(USLT(encoding=3, lang=code, desc="", text="\n".join(text for _, _, text in cues)))
        timed = [(" ".join(text.split()), start_ms) for start_ms, _, text in cues]
        out.add(SYLT(encoding=3, lang=code, format=2, type=1, desc="", text=timed))
    if cover:
        out.add(APIC(encoding=3, mime=cover.mime, type=3, desc="", data=cover.data))
    return out


def _picture(cover: Cover) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, cover.mime, cover.data
    return picture
