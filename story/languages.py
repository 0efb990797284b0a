"""Which language a text is in, by its script and its most frequent words, and language tags as people write them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

DATA = Path(__file__).parent / "data" / "languages.json"
SAMPLE_CHARS = 50_000  # of a book; scripts do not change later

_SCRIPTS = {
    "han": [("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff")],
    "kana": [("\u3040", "\u30ff")],
    "ko": [("\u1100", "\u11ff"), ("\uac00", "\ud7a3")],
    "ru": [("\u0400", "\u04ff")],
    "el": [("\u0370", "\u03ff")],
    "ar": [("\u0600", "\u06ff")],
    "he": [("\u0590", "\u05ff")],
    "hi": [("\u0900", "\u097f")],
    "th": [("\u0e00", "\u0e7f")],
    "ka": [("\u10a0", "\u10ff")],
    "latin": [("A", "Z"), ("a", "z"), ("\u00c0", "\u024f")],
}
# Frequent characters whose two forms differ, traditional and simplified in the same order.
_TRADITIONAL = frozenset(
    "這來國個說們為時會過學對後麼沒於發當開經頭動長樣現東車門問聽見話點氣業進種讓給將從無與兒"
)
_SIMPLIFIED = frozenset(
    "这来国个说们为时会过学对后么没于发当开经头动长样现东车门问听见话点气业进种让给将从无与儿"
)
_NAMES = {
    "english": "en",
    "英语": "en",
    "英文": "en",
    "chinese": "zh-Hans",
    "mandarin": "zh-Hans",
    "中文": "zh-Hans",
    "汉语": "zh-Hans",
    "普通话": "zh-Hans",
    "简体中文": "zh-Hans",
    "繁體中文": "zh-Hant",
}
Script = Literal[
    "Latn", "Hans", "Hant", "Jpan", "Kore", "Cyrl", "Grek", "Arab", "Hebr", "Deva", "Thai", "Geor"
]
_SCRIPT_OF: dict[str, Script] = {
    "ja": "Jpan",
    "ko": "Kore",
    "ru": "Cyrl",
    "uk": "Cyrl",
    "bg": "Cyrl",
    "el": "Grek",
    "ar": "Arab",
    "he": "Hebr",
    "hi": "Deva",
    "th": "Thai",
    "ka": "Geor",
}
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def detect_language(texts: Iterable[str]) -> str:
    """A BCP 47 tag by script (zh-Hans, zh-Hant, ja, ko …), within Latin and Cyrillic by frequent words; "en" for nothing.

    Chinese counts from 30 % Han characters among the letters on (a Han character is a syllable, a Latin letter less).
    """
    sample = ""
    for text in texts:
        sample += text[: SAMPLE_CHARS - len(sample)]
        if len(sample) >= SAMPLE_CHARS:
            break
    counts = Counter(dict.fromkeys(_SCRIPTS, 0))
    for character, count in Counter(sample).items():
        for name, ranges in _SCRIPTS.items():
            if any(low <= character <= high for low, high in ranges):
                counts[name] += count
    letters = sum(counts.values())
    if counts["han"] + counts["kana"] >= 0.3 * max(1, letters):
        if counts["kana"] > 0.1 * counts["han"]:
            return "ja"
        traditional = sum(c in _TRADITIONAL and c not in _SIMPLIFIED for c in sample)
        simplified = sum(c in _SIMPLIFIED and c not in _TRADITIONAL for c in sample)
        return "zh-Hant" if traditional > simplified else "zh-Hans"
    name, count = counts.most_common(1)[0]
    if not count or name in {"han", "kana"}:
        return "en"
    if name in {"latin", "ru"}:
        return _by_words(sample, "latin" if name == "latin" else "cyrillic")
    return name


@cache
def _frequent_words() -> dict[str, dict[str, frozenset[str]]]:
    data = json.loads(DATA.read_text(encoding="utf-8"))
    return {
        script: {language: frozenset(words.split()) for language, words in data[script].items()}
        for script in ("latin", "cyrillic")
    }


def _by_words(sample: str, script: str) -> str:
    """The language whose most frequent words cover most of the text; the script's first when too few are known."""
    words = Counter(re.findall(r"[^\W\d_]+", sample.casefold()))
    total = sum(words.values())
    shares = {
        language: sum(words[w] for w in known) / max(1, total)
        for language, known in _frequent_words()[script].items()
    }
    best = max(shares, key=lambda language: shares[language])
    usual = next(iter(shares))
    return best if shares[best] >= 0.08 and total >= 20 else usual


def script_of(language: str, sample: str) -> Script:
    """ISO 15924 code of a text in `language`; Chinese without a script in its tag is told by its characters."""
    tag = language.split("-")
    if tag[0] in {"zh", "cmn", "yue", "lzh"}:
        return "Hant" if "Hant" in detect_language([sample]) else "Hans"
    return _SCRIPT_OF.get(tag[0], "Latn")


def language_tag(written: str) -> str | None:
    """A BCP 47 tag from what a person wrote ("zh_CN", "English"), or None."""
    name = written.strip().casefold()
    if name in _NAMES:
        return _NAMES[name]
    tag = written.strip().replace("_", "-")
    return tag if _TAG.fullmatch(tag) else None
