"""Numbers as headings write them: 12, XII, twelve, twenty-first, 十二, １２."""

from __future__ import annotations

import re
import unicodedata

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_IS_ROMAN = re.compile(
    r"(?=[ivxlcdm])m{0,3}(?:cm|cd|d?c{0,4})(?:xc|xl|l?x{0,4})(?:ix|iv|v?i{0,4})$", re.IGNORECASE
)
_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {w: i for words in (_UNITS, _ORDINALS) for i, w in enumerate(words)}
_WORDS |= {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_WORDS |= {w[:-1] + "ieth": 20 + 10 * i for i, w in enumerate(_TENS)}
_HAN = {c: i for i, c in enumerate("〇一二三四五六七八九")}
_HAN |= {
    "零": 0,
    "两": 2,
    "兩": 2,
    "○": 0,
    "壹": 1,
    "贰": 2,
    "叁": 3,
    "肆": 4,
    "伍": 5,
    "陆": 6,
    "柒": 7,
    "捌": 8,
    "玖": 9,
}
_HAN_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "廿": 20, "卅": 30}
HAN_DIGITS = "".join(_HAN) + "".join(_HAN_TENS)


def parse_number(written: str) -> int | None:
    """The number, or None for what is none."""
    text = unicodedata.normalize("NFKC", written).strip().casefold().rstrip(".")
    if text.isdecimal() and len(text) <= 6:
        return int(text)
    if _IS_ROMAN.match(text):
        values = [_ROMAN[c] for c in text]
        return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))
    if text and all(c in _HAN or c in _HAN_TENS for c in text):
        return _han(text)
    total = 0
    for word in re.split(r"[\s-]+", text):
        if word == "hundred":
            total = max(total, 1) * 100
        elif word == "last":
            return None
        elif word in _WORDS:
            total += _WORDS[word]
        elif word != "and":
            return None
    return total or None


def _han(text: str) -> int:
    if not any(c in _HAN_TENS for c in text):  # 一〇二 digit by digit
        return int("".join(str(_HAN[c]) for c in text)) if len(text) <= 6 else 0
    total = digit = 0
    for c in text:
        if c in _HAN:
            digit = _HAN[c]
        elif c in "廿卅":
            total += _HAN_TENS[c]
        else:
            total += max(digit, 1) * _HAN_TENS[c]
            digit = 0
    return total + digit
