"""How long a line will take to say, before anyone has said it: for planning, progress and the take's plausibility.

Linear in what is pronounced (syllables, letters, Chinese characters, numbers read out) and in the pauses its inner
punctuation makes. The rates are data (data/durations.json), fitted to takes of the embedded voices by
benchmarks/durations/fit.py, silence trimmed to 20 ms before and 60 ms after the speech as the takes are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from story.errors import InputError
from story.novel import is_chinese

SHORTEST_S = 0.25  # nothing that is said takes less: the shortest take measured is 0.4 s ("Pew,")

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(
    rf"(?P<number>\d[\d,]*(?:\.\d+)?%?)|(?P<han>[{_HAN}])|(?P<kana>[\u3040-\u30ff])|(?P<hangul>[\uac00-\ud7a3])"
    r"|(?P<word>[^\W\d_\u3040-\u30ff\uac00-\ud7a3" + _HAN + r"]+(?:['’][^\W\d_]+)*)"
)
_PAUSES = [  # inner punctuation, longest marks first; a mark counts once however often it is repeated
    ("ellipsis", re.compile(r"…+|\.{3,}")),
    ("dash", re.compile(r"—+|–+|--+")),
    (
        "sentence",
        re.compile(r"(?<!\bMr)(?<!\bDr)(?<!\bSt)(?<!\bMrs)(?<!\b[A-Z])[.!?](?=[\s\"'”’)])|[。！？]"),
    ),
    ("clause", re.compile(r"[;:](?=\s)|[；：]")),
    ("comma", re.compile(r",(?=\s)|[，、]")),
]
_CLOSING = " \t\n\u3000.,!?;:…—–-。，、！？；：\"'“”‘’」』)）]】"
_VOWELS = re.compile(r"[aeiouyàâäáãåæèéêëìíîïòóôöõøœùúûüýаеёиоуыэюяαεηιουω]+", re.IGNORECASE)
_SILENT_E = re.compile(r"(?<=[^aeiouy])e$|(?<=[^aeiouydt])ed$|(?<=[^aeiouysxzcgh])es$")


def estimate_duration_s(
    text: str, language: str, speed: float = 1.0, pause_scale: float = 1.0, *, model: str = ""
) -> float:
    """Seconds that `text` takes to say, silence around it not counted.

    Args:
        language: BCP 47; English and Chinese are calibrated, others fall back on the rates of their script.
        speed: 1 is the voice's own pace, 2 twice as fast.
        pause_scale: of the pauses inside the line.
        model: the speech model's name: its own pace is taken into account where it was measured.
    Raises:
        InputError: speed not above zero.
    """
    if not speed > 0:
        raise InputError(
            f"the speed {speed} is not above zero", where="speed", remedy="write a number such as 1.0"
        )
    calibrated = "zh" if is_chinese(language) else "en"
    rates = _rates()[calibrated]
    pace = _data()["pace"][calibrated].get(model, 1.0)
    counts = features(text, language)
    speech_s = rates["line"] + sum(n * rates[k] for k, n in counts.items() if not k.startswith("pause_"))
    pauses_s = sum(n * rates[k] for k, n in counts.items() if k.startswith("pause_"))
    return max(SHORTEST_S, (speech_s + pauses_s * pause_scale) * pace) / speed


@lru_cache(maxsize=4096)
def features(text: str, language: str) -> Counter[str]:
    """What is pronounced and paused in a line: the terms of the linear model, by their names in durations.json."""
    counts: Counter[str] = Counter()
    chinese = is_chinese(language)
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "number" and chinese:
            counts["han"] += chinese_number_length(token)
        elif kind == "number":
            counts["syllable"] += english_number_syllables(token)
        elif kind == "word":
            counts["syllable"] += syllables(token)
            counts["letter"] += sum(c.isalpha() for c in token)
        else:
            counts[kind or "word"] += 1
    body = text.rstrip(_CLOSING).lstrip(_CLOSING)
    for name, pattern in _PAUSES:
        body, found = pattern.subn(" ", body)
        counts[f"pause_{name}"] += found
    return counts


def syllables(word: str) -> int:
    """Syllables of an English word by its vowel groups, silent endings left out; good to about one in ten words."""
    word = word.lower().replace("'", "").replace("’", "")
    return max(1, len(_VOWELS.findall(_SILENT_E.sub("", word))))


_ONES = [2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 2, 2, 2, 2, 3, 2, 2]  # zero, one, … nineteen
_TENS = [0, 0, 2, 2, 2, 2, 2, 3, 2, 2]  # twenty … ninety


def english_number_syllables(written: str) -> int:
    """Syllables of a number read out in English: 1883 as "eighteen eighty-three", 25 as "twenty-five"."""
    percent = 2 if written.endswith("%") else 0
    whole, _, decimals = written.rstrip("%").replace(",", "").partition(".")
    after = 1 + sum(_ONES[int(d)] for d in decimals) if decimals else 0
    value = int(whole)
    if len(whole) > 12:  # read digit by digit
        return sum(_ONES[int(d)] for d in whole) + after + percent
    if "," not in written and 1100 <= value <= 2099 and value % 1000 > 9 and not decimals:  # a year
        return _under_hundred(value // 100) + (_under_hundred(value % 100) if value % 100 else 2)
    return _cardinal(value) + after + percent


def _under_hundred(value: int) -> int:
    if value < 20:
        return _ONES[value]
    return _TENS[value // 10] + (_ONES[value % 10] if value % 10 else 0)


def _cardinal(value: int) -> int:
    for scale in (10**9, 10**6, 10**3):  # billion, million, thousand: two syllables each
        if value >= scale:
            return _cardinal(value // scale) + 2 + (_cardinal(value % scale) if value % scale else 0)
    if value >= 100:  # "hundred and" is counted without its "and"
        return _ONES[value // 100] + 2 + (_under_hundred(value % 100) if value % 100 else 0)
    return _under_hundred(value)


def chinese_number_length(written: str) -> int:
    """Characters of a number read out in Chinese: 1919 as a year is four, 25 (二十五) three, 3.5 (三点五) three."""
    percent = 3 if written.endswith("%") else 0  # 百分之
    whole, _, decimals = written.rstrip("%").replace(",", "").partition(".")
    after = 1 + len(decimals) if decimals else 0
    if len(whole) >= 4 or whole.startswith("0"):  # years, telephone numbers: digit by digit
        return len(whole) + after + percent
    nonzero = sum(d != "0" for d in whole)
    places = sum(d != "0" for d in whole[:-1])
    leading_one = len(whole) == 2 and whole[0] == "1"  # 十五, not 一十五
    return max(1, nonzero + places - leading_one) + after + percent


@cache
def _data() -> dict[str, Any]:
    return json.loads(files("story").joinpath("data/durations.json").read_text(encoding="utf-8"))


@cache
def _rates() -> dict[str, dict[str, float]]:
    table = _data()["rates_s"]
    return {language: {**table["common"], **table[language]} for language in ("en", "zh")}
