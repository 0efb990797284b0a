"""Which language a text is in, as far as its script tells, and language tags as people write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

SAMPLE_CHARS = 50_000  # of a book; scripts do not change later

_SCRIPTS = [
    ("han", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")),
    ("kana", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7a3]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
    ("latin", re.compile("[A-Za-z\u00c0-\u024f]")),
]
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
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def detect_language(texts: Iterable[str]) -> str:
    """A BCP 47 tag by script: zh-Hans, zh-Hant, ja, ko, … and "en" for Latin script and where nothing is written.

    Chinese counts from 30 % Han characters among the letters on (a Han character is a syllable, a Latin letter less).
    """
    sample = ""
    for text in texts:
        sample += text[: SAMPLE_CHARS - len(sample)]
        if len(sample) >= SAMPLE_CHARS:
            break
    counts = Counter({name: len(pattern.findall(sample)) for name, pattern in _SCRIPTS})
    letters = sum(counts.values())
    if counts["han"] + counts["kana"] >= 0.3 * max(1, letters):
        if counts["kana"] > 0.1 * counts["han"]:
            return "ja"
        traditional = sum(c in _TRADITIONAL and c not in _SIMPLIFIED for c in sample)
        simplified = sum(c in _SIMPLIFIED and c not in _TRADITIONAL for c in sample)
        return "zh-Hant" if traditional > simplified else "zh-Hans"
    name, count = counts.most_common(1)[0]
    return name if count and name not in {"latin", "han", "kana"} else "en"


def language_tag(written: str) -> str | None:
    """A BCP 47 tag from what a person wrote ("zh_CN", "English"), or None."""
    name = written.strip().casefold()
    if name in _NAMES:
        return _NAMES[name]
    tag = written.strip().replace("_", "-")
    return tag if _TAG.fullmatch(tag) else None
