"""Bytes to text: UTF-8, or UTF-16/32 with a byte order mark; anything else is refused with its likely name.

Guessing an encoding and reading on would put wrong words into people's ears, so the guess goes into the message only.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from story.errors import InputError

BOMS = [  # longest first: UTF-32-LE begins like UTF-16-LE
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
MAGIC = {  # first bytes → what a person calls it
    b"PK\x03\x04": "a ZIP or EPUB file",
    b"%PDF": "a PDF file",
    b"\x1f\x8b": "a gzip file",
    b"RIFF": "a WAV file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Word file",
    b"{\\rtf": "an RTF file",
}


def decode(raw: bytes, where: str, error: type[InputError]) -> str:
    encoding = next((name for bom, name in BOMS if raw.startswith(bom)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as problem:
        at = problem.start
    line = raw.count(b"\n", 0, at) + 1
    for magic, name in MAGIC.items():
        if raw.startswith(magic):
            raise error(
                f"this is {name}, not JSON", where=where, remedy="books become a novel by `soundbound import`"
            )
    seems = _guess_encoding(raw)
    if seems is None:
        raise error(
            f"the bytes on line {line} are no text in UTF-8", where=where, remedy="give a JSON file in UTF-8"
        )
    name = Path(where).name
    raise error(
        f"not UTF-8 (line {line}); it seems to be {seems}",
        where=where,
        remedy=f"convert it: iconv -f {seems} -t UTF-8 {name} > {Path(name).stem}.utf8.json",
    )


def _guess_encoding(raw: bytes) -> str | None:
    """The likeliest encoding of bytes that are not UTF-8, or None for what is not text at all."""
    sample = raw[:65536]
    if sample.count(b"\0") > len(sample) // 8:  # ASCII in UTF-16 is every other byte zero
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        return "UTF-16LE" if odd > 2 * even else "UTF-16BE" if even > 2 * odd else None
    if b"\0" in sample:
        return None
    best, best_share = None, 0.6
    for encoding in ("gb18030", "big5", "shift_jis", "euc_kr"):
        text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
        wide = [c for c in text if ord(c) > 0x7F]
        # Common Chinese characters stand early in their standards; a wrong decoding lands on rare ones or fails.
        good = sum(c in COMMON_HAN or "\u3040" <= c <= "\u30ff" or "\uac00" <= c <= "\ud7a3" for c in wide)
        good += sum(c in "，。？！：；“”‘’…—、《》「」" for c in wide)
        share = 2 * good / max(1, len(wide)) if "\ufffd" not in text else 0.0
        if share > best_share:
            best, best_share = encoding.upper().replace("_", "-"), share
    if best:
        return best
    return "WINDOWS-1252" if any(0x80 <= b < 0xA0 for b in sample) else "ISO-8859-1"


# The most frequent characters of Chinese prose, simplified and traditional: they tell right decodings from wrong ones.
COMMON_HAN = frozenset(
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么"
    "心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分"
    "這來國個說們為時會過學對後麼沒於發當開經頭動長樣現東車門問聽見話點氣業進員種讓給將從無與兒"
)
