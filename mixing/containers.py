"""M4A and M4B by packet copy: finished AAC chapters are joined, never decoded, with chapters, cover, tags, captions.

Chapter times are the sums of packet durations, so they are exact to a sample however long the book. The chapters are
a QuickTime text track, which holds any number (Nero's list, written beside it, ends at 255).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.container.core import Flags
from av.error import FFmpegError
from av.stream import Disposition, Stream

from mixing.contracts import MixError
from mixing.encode import OutputFile, cannot_write
from mixing.tags import Cover, Cue, Tags

_MILLISECOND = Fraction(1, 1000)
_ERRORS = (OSError, RuntimeError, ValueError, FFmpegError)


@dataclass(frozen=True)
class Part:
    """A finished chapter: AAC in M4A, as `Writer` or `make_m4b` makes it."""

    audio: Path
    title: str
    cues: Sequence[Cue] = ()


@dataclass(frozen=True)
class Mark:
    """Where a chapter lies in the book."""

    title: str
    start_s: float
    end_s: float


def make_m4b(
    chapters: Sequence[Part],
    path: Path,
    tags: Tags,
    cover: Cover | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> list[Mark]:
    """Bind chapters into one M4B and read it back; returns where each chapter lies.

    Raises:
        MixError: a chapter can't be read or differs in its coding, or the file can't be written; `path` is then as
            it was before.
    """
    marks = _bind(chapters, path, tags, cover, "M4B ", True, progress)
    found = read_marks(path)
    if len(found) != len(marks) or any(
        abs(a.start_s - b.start_s) > 0.002 for a, b in zip(found, marks, strict=True)
    ):
        raise MixError(
            f"the book's chapters do not read back ({len(found)} of {len(marks)})",
            where=str(path),
            remedy="this is a defect: please report it with the number of chapters",
        )
    return marks


def tag_m4a(path: Path, tags: Tags, cover: Cover | None = None, cues: Sequence[Cue] = ()) -> None:
    """Put tags, cover and captions into one chapter's M4A, in place."""
    _bind([Part(path, tags.title, cues)], path, tags, cover, "M4A ", False, lambda share: None)


def read_marks(path: Path) -> list[Mark]:
    """The chapters of an M4B, as a player sees them. Raises MixError if it can't be read."""
    try:
        with av.open(str(path)) as file:
            return [
                Mark(
                    chapter["metadata"].get("title", ""),
                    float(chapter["start"] * (chapter["time_base"] or _MILLISECOND)),
                    float(chapter["end"] * (chapter["time_base"] or _MILLISECOND)),
                )
                for chapter in file.chapters()
            ]
    except _ERRORS as error:
        raise MixError(f"not readable as audio ({error})", where=str(path)) from error


def _bind(
    parts: Sequence[Part],
    path: Path,
    tags: Tags,
    cover: Cover | None,
    brand: str,
    with_chapters: bool,
    progress: Callable[[float], None],
) -> list[Mark]:
    if not parts:
        raise MixError("a book needs at least one chapter", where=str(path), remedy="render a chapter first")
    unfinished = path.with_name(f".{path.name}")
    try:
        file = OutputFile(unfinished)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        try:
            marks = _mux(parts, file, tags, cover, brand, with_chapters, progress)
        except _ERRORS as error:
            raise cannot_write(path, file.error or error) from error
        finally:
            file.finish()
        if file.error is not None:
            raise cannot_write(path, file.error)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return marks


def _mux(
    parts: Sequence[Part],
    file: OutputFile,
    tags: Tags,
    cover: Cover | None,
    brand: str,
    with_chapters: bool,
    progress: Callable[[float], None],
) -> list[Mark]:
    # the index to the front, so that a player can begin before it has the whole file
    options = {"movflags": "+faststart", "brand": brand}
    out = av.open(file, "w", format="mp4", options=options, io_open=lambda *_: file.path.open("rb"))
    try:
        out.flags |= Flags.bitexact.value
        out.metadata.update(_metadata(tags, brand))
        joined = _Joined(out, parts[0].audio, tags.language_code)
        picture = _attach(out, cover)
        texts = _text_stream(out, tags) if any(part.cues for part in parts) else None
        if picture:
            out.mux_one(picture)
        for number, part in enumerate(parts):
            _append(joined, part, texts)
            progress((number + 1) / len(parts))
        if with_chapters:
            out.set_chapters(
                [
                    {
                        "id": number,
                        "start": start,
                        "end": end,
                        "time_base": joined.time_base,
                        "metadata": {"title": part.title},
                    }
                    for number, (part, (start, end)) in enumerate(zip(parts, joined.spans, strict=True))
                ]
            )
    finally:
        out.close()
    return [
        Mark(part.title, float(start * joined.time_base), float(end * joined.time_base))
        for part, (start, end) in zip(parts, joined.spans, strict=True)
    ]


class _Joined:
    """The one audio stream: packets of one chapter after the other, each timed by the sum of those before it."""

    def __init__(self, out: OutputContainer, first: Path, language: str) -> None:
        self._out = out
        with _opened(first) as (_, source):
            self._coding = _coding(source)
            self.stream = out.add_stream_from_template(source)
            self.time_base = Fraction(1, source.codec_context.sample_rate)
        self.stream.time_base = self.time_base
        self.stream.metadata["language"] = language
        self._at: int | None = (
            None  # decoding time of the next packet; negative at first: the encoder's delay
        )
        self._origin = 0
        self.spans: list[tuple[int, int]] = []  # of the chapters, in samples, as they are presented

    def packets(self, path: Path) -> Iterator[tuple[av.Packet, int]]:
        """A chapter's packets, timed for the book, each with its time from the chapter's start in samples."""
        with _opened(path) as (file, source):
            if _coding(source) != self._coding:
                raise MixError(
                    "the chapter is coded differently from the first one",
                    where=str(path),
                    remedy="render all chapters of a book with the same version",
                )
            start: int | None = None
            for packet in file.demux(source):
                if packet.dts is None or not packet.size:
                    continue
                if self._at is None:
                    self._at, self._origin = packet.dts, packet.dts
                if start is None:
                    start = self._at
                packet.pts = packet.dts = self._at
                packet.stream = self.stream
                yield packet, self._at - start
                self._at += packet.duration or 0
        if start is None or self._at is None:
            raise MixError("the chapter holds no sound", where=str(path), remedy="render the chapter again")
        self.spans.append((start - self._origin, self._at - self._origin))


def _append(joined: _Joined, part: Part, texts: Stream | None) -> None:
    waiting = list(part.cues)[::-1]
    offset_ms = round(1000 * (joined.spans[-1][1] if joined.spans else 0) * joined.time_base)
    for packet, at in joined.packets(part.audio):
        joined._out.mux_one(packet)
        while texts is not None and waiting and waiting[-1][0] <= 1000 * at * joined.time_base + 1000:
            joined._out.mux_one(_text_packet(texts, waiting.pop(), offset_ms))
    while texts is not None and waiting:
        joined._out.mux_one(_text_packet(texts, waiting.pop(), offset_ms))


def _text_stream(out: OutputContainer, tags: Tags) -> Stream:
    stream = out.add_mux_stream("mov_text", time_base=_MILLISECOND)
    stream.metadata["language"] = tags.language_code
    return stream


def _text_packet(stream: Stream, cue: Cue, offset_ms: int) -> av.Packet:
    """3GPP timed text: the length of the text in two bytes, then the text."""
    start_ms, end_ms, text = cue
    data = text.encode()[:65_535]
    packet = av.Packet(struct.pack(">H", len(data)) + data)
    packet.stream, packet.time_base = stream, _MILLISECOND
    packet.pts = packet.dts = offset_ms + start_ms
    packet.duration = end_ms - start_ms
    return packet


def _attach(out: OutputContainer, cover: Cover | None) -> av.Packet | None:
    """A stream for the cover, which the muxer writes as the usual `covr` tag, and the packet to mux into it."""
    if cover is None:
        return None
    name = "png_pipe" if cover.mime == "image/png" else "jpeg_pipe"
    with av.open(io.BytesIO(cover.data), "r", format=name) as image:
        source = image.streams.video[0]
        packet = next(p for p in image.demux(source) if p.size)
        stream = out.add_stream_from_template(source)
    stream.disposition = Disposition.attached_pic
    picture = av.Packet(bytes(packet))
    picture.stream, picture.time_base, picture.pts, picture.dts = stream, Fraction(1, 90_000), 0, 0
    picture.is_keyframe = True
    return picture


def _metadata(tags: Tags, brand: str) -> dict[str, str]:
    found = {
        "title": tags.title,
        "album": tags.book,
        "artist": tags.author,
        "album_artist": tags.author,
        "composer": tags.narrator,  # where audiobook players look for who reads
        "track": f"{tags.track}/{tags.tracks}" if tags.tracks else str(tags.track or ""),
        "date": tags.year,
        "genre": tags.genre,
        "description": tags.description[:255],
        "synopsis": tags.description,
        "copyright": tags.copyright,
        "comment": tags.comment,
        "media_type": "2" if brand == "M4B " else "",  # audiobook
    }
    return {key: value for key, value in found.items() if value}


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """A chapter's file and its audio stream; anything wrong is an error that names the file."""
    try:
        with av.open(str(path)) as file:
            stream = file.streams.audio[0]
            if stream.codec_context.name != "aac":
                raise ValueError(f"{stream.codec_context.name}, not AAC")
            yield file, stream
    except (*_ERRORS, IndexError) as error:
        raise MixError(
            f"the chapter can't be bound ({error})", where=str(path), remedy="render the chapter again"
        ) from error


def _coding(stream: AudioStream) -> tuple[int, int, bytes]:
    context = stream.codec_context
    return context.sample_rate, context.channels, context.extradata or b""
