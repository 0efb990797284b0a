"""A book's bytes to text. Unlike a novel JSON, a book comes in whatever encoding its maker had, so here we decide.

Byte order mark; strict UTF-8; UTF-16 without a mark; then the encodings of East Asia, judged by how many common
characters come out; then one-byte encodings. A few broken bytes become U+FFFD and a warning, not an error.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from story.encodings import BOMS, COMMON_HAN, MAGIC
from story.errors import InputError
from story.languages import detect_language

SAMPLE_BYTES = 1 << 17
_EAST_ASIAN = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")
_LATIN = {"cp1250": {"pl", "cs", "hu", "ro"}, "cp1254": {"tr"}}
_MARKS = frozenset("，。？！：；“”‘’…—、《》「」『』")
_ENOUGH = 0.5  # twice the share of common characters: 0.6–0.9 in prose, below 0.25 in a wrong decoding
_FEW = 0.005  # share of damaged characters among the non-ASCII ones that still counts as this encoding
_CONTROLS = {c: " " for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in (0x09, 0x0A, 0x0D, 0x85)}
_CONTROLS |= {
    0x0B: "\n",
    0x0C: "\n",
    0x1C: "\n",
    0x1D: "\n",
    0x1E: "\n",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
}


@dataclass(frozen=True)
class Decoded:
    """Text with "\\n" line ends and no control characters; `damaged` counts the bytes that meant nothing."""

    text: str
    encoding: str
    damaged: int

    def warnings(self) -> list[str]:
        if not self.damaged:
            return []
        places = "place" if self.damaged == 1 else "places"
        return [
            f"{self.damaged} {places} are no text in {self.encoding}; they are read as a space. "
            "If words are garbled, name the right encoding with --encoding"
        ]


def decode_book(raw: bytes, where: str, encoding: str | None = None) -> Decoded:
    """The text of a book file.

    Args:
        encoding: what a person says it is; taken as it is.
    Raises:
        InputError: empty, not text (a picture, a PDF …), or an unknown encoding name.
    """
    if not raw:
        raise InputError("the file is empty", where=where, remedy="give a file with the book's text in it")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            raise InputError(
                f"“{encoding}” is no encoding", where="--encoding", remedy="write utf-8, gb18030, big5 …"
            ) from None
        return _decoded(raw, encoding)
    for magic, name in MAGIC.items():
        if raw.startswith(magic):
            raise InputError(
                f"this is {name}, not text",
                where=where,
                remedy="give EPUB, plain text, Markdown or novel JSON",
            )
    guess = _guess(raw)
    if guess is None:
        raise InputError(
            "this is no text", where=where, remedy="give EPUB, plain text, Markdown or novel JSON"
        )
    return _decoded(raw, guess)


def _decoded(raw: bytes, encoding: str) -> Decoded:
    try:
        text = raw.decode(encoding, errors="replace")
    except (LookupError, ValueError, TypeError, AttributeError):  # codecs such as "hex" are no text encodings
        raise InputError(
            f"“{encoding}” is no text encoding", where="--encoding", remedy="write utf-8, gb18030, big5 …"
        ) from None
    damaged = text.count("\ufffd")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if damaged:
        text = text.replace("\ufffd", " ")
    if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", text):
        text = text.translate(_CONTROLS)
    return Decoded(text, encoding.removesuffix("-sig"), damaged)


def _guess(raw: bytes) -> str | None:
    for bom, name in BOMS:
        if raw.startswith(bom):
            return name
    sample = raw[:SAMPLE_BYTES]
    zeros = sample.count(0)
    if zeros:
        return _wide(sample, zeros)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    text = sample.decode("utf-8", errors="replace")
    wide = sum(c > "\x7f" for c in text)
    if text.count("\ufffd") <= max(1, _FEW * wide) and wide > text.count("\ufffd"):
        return "utf-8"  # a few broken bytes, or one character cut at the end
    scored = [(_east_asian_share(sample, name), name) for name in _EAST_ASIAN]
    share, best = max(scored, key=lambda s: s[0])
    return best if share >= _ENOUGH else _one_byte(sample)


def _wide(sample: bytes, zeros: int) -> str | None:
    """UTF-16 without a mark: zero bytes on one side only, and readable."""
    for name, high in (("utf-16-le", 1), ("utf-16-be", 0)):
        text = sample[: len(sample) // 2 * 2].decode(name, errors="replace")
        readable = sum(c.isalnum() or c.isspace() or c in _MARKS or "!" <= c <= "~" for c in text)
        if sample[high::2].count(0) >= 0.9 * zeros and readable > 0.9 * len(text):
            return name
    return "utf-8" if zeros <= len(sample) // 1000 else None  # stray zero bytes in a text file


def _east_asian_share(sample: bytes, encoding: str) -> float:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    wide = [c for c in text if c > "\x7f"]
    broken = text.count("\ufffd")
    if not wide or broken > max(1, 0.01 * len(wide)):
        return 0.0
    good = sum(
        c in COMMON_HAN or "\u3040" <= c <= "\u30ff" or "\uac00" <= c <= "\ud7a3" or c in _MARKS for c in wide
    )
    strange = sum(
        "\uff61" <= c <= "\uff9f" or "\ue000" <= c <= "\uf8ff" for c in wide
    )  # half-width kana, private
    return 2 * (good - strange) / len(wide) - broken / len(wide)


def _one_byte(sample: bytes) -> str:
    """Cyrillic or Greek where most letters are beyond ASCII, otherwise by the language that comes out."""
    letters = sum(65 <= b <= 90 or 97 <= b <= 122 for b in sample)
    high = sum(b >= 0x80 for b in sample)
    if high > 0.6 * letters:
        best, best_share = "cp1252", 0.5
        for name, first, last in (
            ("cp1251", "а", "я"),
            ("koi8-r", "а", "я"),
            ("cp866", "а", "я"),
            ("cp1253", "α", "ω"),
        ):
            text = sample.decode(name, errors="replace")
            share = sum(first <= c <= last for c in text) / max(1, high)
            if share > best_share:
                best, best_share = name, share
        return best
    for name, languages in _LATIN.items():
        if detect_language([sample.decode(name, errors="replace")]) in languages:
            return name
    return "cp1252"
