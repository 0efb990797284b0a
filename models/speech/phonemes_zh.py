"""Chinese characters → the phonemes Kokoro v1.0 was trained on: pinyin per word in misaki's first ("legacy") alphabet.

The v1.0 weights know only this alphabet (their vocabulary has no bopomofo, which misaki's "1.1" front end writes),
and learned tone sandhi from sound: so words go in as the dictionary has them. Words in Latin letters are read by the
English phonemizer.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from models.speech.phonemes import HAN, Spoken, find_back, key_of, written_words
from models.speech.phonemes_en import english

_RUNS = re.compile(
    rf"([{HAN}]+)|([A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9'’.&-]*(?:\s+[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9'’.&-]*)*)|(.)", re.DOTALL
)
_WIDE = re.compile(r"[０-９Ａ-Ｚａ-ｚ％．：／]")
_NUMBER = re.compile(r"[0-9]")
_TOO_LONG = re.compile(r"\d{17,}")  # cn2an counts to 16 digits
_MARKS = {
    "、": ",", "，": ",", ",": ",", "。": ".", "．": ".", ".": ".", "｡": ".", "！": "!", "!": "!", "？": "?",
    "?": "?", "：": ":", ":": ":", "；": ";", ";": ";", "—": "—", "―": "—", "–": "—", "…": "…", "～": "—", "~": "—",
    "\n": ".", "·": "",
}  # fmt: skip
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_PARTICLES_AT_END = {"罢": "ba5", "么": "me5", "啦": "la5", "呀": "ya5", "呢": "ne5"}


@cache
def _tools() -> Any:
    """jieba (quiet), pypinyin and misaki's pinyin table; loaded once, before threads ask for them."""
    import jieba
    from jieba import posseg
    from misaki.zh import ZHG2P
    from pypinyin import Style, lazy_pinyin

    jieba.setLogLevel(logging.ERROR)
    jieba.initialize()

    def pinyin(word: str) -> list[str]:
        return lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")

    return jieba, posseg, pinyin, ZHG2P.py2ipa


def warm_up() -> None:
    """Loads the dictionaries (1 s) from one thread."""
    _tools()


@cache
def _syllable(pinyin: str) -> str:
    """One syllable, "" for one that the table does not know."""
    try:
        return _tools()[3](pinyin).replace("\u032f", "")
    except (ValueError, KeyError, IndexError):
        return ""


def _numbers(text: str) -> str:
    """Digits as they are read: 2024年3月 → 二零二四年三月, 3.5 → 三点五, 100% → 百分之一百."""
    text = _WIDE.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)
    if not _NUMBER.search(text):
        return text
    import cn2an

    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(\d{1,2})[:](\d{2})(?!\d)", r"\1点\2分", text)
    text = _TOO_LONG.sub(lambda m: "".join(_DIGITS[d] for d in m[0]), text)
    with suppress(ValueError, TypeError, KeyError, IndexError):  # oddly written: digit by digit below
        text = cn2an.transform(text, "an2cn")
    return _NUMBER.sub(lambda m: _DIGITS[m[0]], text)


def _han(run: str, ends: bool) -> Iterator[tuple[str, str]]:
    """`(characters, phonemes)` of each word of a run of characters; `ends`: punctuation or the end follows."""
    jieba, posseg, pinyin, _ = _tools()
    words: list[str] = jieba.lcut(run, cut_all=False)
    adverbial = {i for i, w in enumerate(words) if w == "地" and i}
    if adverbial:
        tags = {w.word: w.flag for w in posseg.lcut(run)}
        adverbial = adverbial if tags.get("地") == "uv" else set()
    for i, word in enumerate(words):
        syllables = pinyin(word)
        if i in adverbial:
            syllables = ["de5"]
        elif ends and i == len(words) - 1 and word in _PARTICLES_AT_END:
            syllables = [_PARTICLES_AT_END[word]]
        symbols = "".join(_syllable(s) for s in syllables)
        if symbols:
            yield word, symbols


def mandarin(text: str, british: bool = False, pronunciation: dict[str, str] | None = None) -> list[Spoken]:
    """Chinese text (with Latin words in it) → what is spoken, in order.

    Args:
        text: one line, simplified or traditional; symbols without a reading are left out.
        british: dictionary for words in Latin letters.
        pronunciation: word → phonemes in Kokoro's alphabet.
    """
    given = pronunciation or {}
    pattern = (
        re.compile("(" + "|".join(map(re.escape, sorted(given, key=len, reverse=True))) + ")")
        if given
        else None
    )
    normal = _numbers(text)
    parts = pattern.split(normal) if pattern else [normal]
    units: list[tuple[list[str], str, bool]] = []  # keys (one a character or Latin word), symbols, space
    for part in parts:
        if part in given:
            keys = [w.key for w in written_words(part)]
            units.append((keys, given[part], True))
        else:
            units += _units(part, british, given)
    spans = iter(find_back([k for keys, _, _ in units for k in keys], written_words(text), len(text)))
    out: list[Spoken] = []
    for keys, symbols, space in units:
        places = [next(spans) for _ in keys]
        start, end = (places[0][0], max(e for _, e in places)) if places else (0, 0)
        out.append(Spoken(symbols, start, end, space))
    return out


def _units(text: str, british: bool, given: dict[str, str]) -> list[tuple[list[str], str, bool]]:
    units: list[tuple[list[str], str, bool]] = []
    runs = [m for m in _RUNS.finditer(text) if m[1] or m[2] or m[3] in _MARKS or m[3].isspace()]
    for i, run in enumerate(runs):
        if run[1]:
            ends = i + 1 == len(runs) or bool(runs[i + 1][3])
            units += [(list(word), symbols, True) for word, symbols in _han(run[1], ends)]
        elif run[2]:
            units += [
                ([key_of(run[2][s.start : s.end])] if s.is_word else [], s.symbols, s.space)
                for s in english(run[2], british, given)
            ]
            units[-1:] = [(k, s, True) for k, s, _ in units[-1:]]
        elif mark := _MARKS.get(run[3], ""):
            _add_mark(units, mark)
    return units


def _add_mark(units: list[tuple[list[str], str, bool]], mark: str) -> None:
    """Appends a mark, or lets it compete with the one before it."""
    if units and not units[-1][0]:
        before = units.pop()[1]
        mark = min(before, mark, key=_rank)
    elif units:
        keys, symbols, _ = units[-1]
        units[-1] = (keys, symbols, False)  # no space before punctuation
    units.append(([], mark, True))


def _rank(mark: str) -> int:
    order = "?!…—.;:,"
    return order.index(mark) if mark in order else len(order)
