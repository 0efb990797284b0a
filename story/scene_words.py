"""What the plain words of a scene tell of its place: "pew" and "hymn" of a church, 甲板 and 晕船 of a ship.

A word alone is weak; many together are not. Their weights (data/place_words_<language>.json) are learned from
windows of novels in which a place is plainly named, with the naming words taken out: see
benchmarks/story/train_place_words.py. A second set (data/place_ranker_words_<language>.json) comes from labelled passages,
with the ranker of scene_place. English words are runs of letters, Chinese ones single and paired characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from story.lexicon import load_data
from story.novel import Segment
from story.scene_evidence import findings
from story.scene_text import READ_TYPES, reading_text

_ENGLISH_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_CHINESE_RUN = re.compile("[\u4e00-\u9fff]+")
# Weights are stored as hundredths, so that sums are exact in any order.
_UNIT = 100
# A scene of n known words counts each as 4 / sqrt(n): as in training.
_SPREAD = 4.0


@dataclass(frozen=True)
class _Model:
    classes: tuple[str, ...]
    start: tuple[int, ...]  # hundredths, by class
    words: dict[str, list[int]]  # class, hundredths, class, hundredths …


@dataclass(frozen=True)
class WordScores:
    """By place class: the sum of its words' weights, and the log of its chance among the classes."""

    raw: dict[str, float]
    log_chance: dict[str, float]
    known: int  # words of the scene that have weights


@cache
def _model(language: str) -> _Model:
    data = load_data(f"place_words_{language}")
    return _Model(tuple(data["classes"]), tuple(data["start"]), data["words"])


def words_of(text: str, language: str) -> frozenset[str]:
    """The words of a text as the model knows them."""
    if language == "en":
        return frozenset(_ENGLISH_WORD.findall(text.lower()))
    found: set[str] = set()
    for run in _CHINESE_RUN.findall(text):
        found.update(run)
        found.update(a + b for a, b in pairwise(run))
    return frozenset(found)


@lru_cache(maxsize=1024)
def _segment_words(
    segment_id: str, content: str, language: str, named: tuple[tuple[int, int], ...]
) -> frozenset[str]:
    text = reading_text(content, language)
    for start, end in named:
        text = f"{text[:start]}{'|' * (end - start)}{text[end:]}"
    return words_of(text, language)


def plain_words(segments: Iterable[Segment], language: str) -> frozenset[str]:
    """The words of the segments' narration without those that name a place (these are evidence of their own)."""
    found: set[str] = set()
    for segment in segments:
        if segment.type in READ_TYPES:
            named = tuple(
                (f.start, f.end) for f in findings(segment, language) if f.kind == "place" and not f.hint
            )
            found |= _segment_words(segment.id, segment.content, language, named)
    return frozenset(found)


def score_words(words: frozenset[str], language: str) -> WordScores:
    """How well the plain words of a scene fit each place class, by novels without labels."""
    model = _model(language)
    sums = [0] * len(model.classes)
    inside = model.words.keys() & words
    known = len(inside)
    for word in inside:
        flat = iter(model.words[word])
        for number, weight in zip(flat, flat, strict=True):
            sums[number] += weight
    scale = _SPREAD / math.sqrt(max(1, known)) / _UNIT
    raw = [total * scale for total in sums]
    full = [value + first / _UNIT for value, first in zip(raw, model.start, strict=True)]
    top = max(full)
    norm = top + math.log(sum(math.exp(value - top) for value in full))
    return WordScores(
        dict(zip(model.classes, raw, strict=True)),
        {name: value - norm for name, value in zip(model.classes, full, strict=True)},
        known,
    )


def word_share(known: int) -> float:
    """What each of a scene's `known` words counts: many words tell more than few, but not as much more."""
    return 3.0 / math.sqrt(max(20, known))


def word_sums(words: frozenset[str], learned: dict[str, Any]) -> dict[str, float]:
    """What the words add to each class by labelled passages (`learned`: data/place_ranker_words_<language>.json)."""
    table: dict[str, list[int]] = learned["words"]
    inside = table.keys() & words
    sums = [0] * len(learned["classes"])
    for word in inside:
        flat = iter(table[word])
        for number, weight in zip(flat, flat, strict=True):
            sums[number] += weight
    share = word_share(len(inside))
    return {name: share * total / _UNIT for name, total in zip(learned["classes"], sums, strict=True)}
