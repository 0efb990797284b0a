"""What speaks for each place a scene may be in, as numbers for the ranker of scene_place.

Every class of place that something speaks for is a candidate, and so is "not told"; the numbers are the features named
in data/place_ranker.json.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from story.novel import Segment
from story.scene_ambience import is_shift, place_setting
from story.scene_evidence import CUE_HINT, Finding
from story.scene_lexicon import lexicon
from story.scene_models import Cue
from story.scene_text import READ_TYPES, reading_text
from story.scene_words import WordScores, score_words

UNTOLD = "unknown"
# Letters a word: lengths in words are comparable between the languages.
_WORD_LENGTH = {"en": 5.0, "zh": 1.5}
_SKY = frozenset({"stars", "moon", "moonlight", "starlight", "月亮", "月光", "月色", "明月", "星光"})
_FAINT = -6.0  # log chance of a class the words say nothing of
_HAD = re.compile(r"\bhad\b")
_PRESENT = re.compile(r"\b(?:is|are|has|does)\b")


@dataclass
class _Support:
    """What speaks for one class."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    weight: float = 0.0
    words: set[str] = field(default_factory=set)
    first: float = 1.0  # where in the scene, 0..1

    def add(self, how: str, weight: float, word: str, place: float) -> None:
        self.counts[how] += 1
        self.weight += weight
        self.words.add(word)
        self.first = min(self.first, place)


@dataclass
class _Reading:
    """A scene's evidence, gathered once for all candidates."""

    support: dict[str, _Support]
    strong: list[tuple[str, str]]  # (class, how) of arrivals and stays in reading order
    inside: float  # words that tell of indoors and of the open, whatever the place
    outside: float
    weather: int
    words: float  # length of the narration
    spoken: float  # share of the scene that is not narration
    text: str


def _read(
    found: Sequence[Finding], segments: Sequence[Segment], cues: Sequence[Cue], language: str
) -> _Reading:
    offsets, length = {}, 0
    for segment in segments:
        offsets[segment.id] = length
        length += len(segment.content)
    texts = [reading_text(s.content, language) for s in segments if s.type in READ_TYPES]
    told = sum(len("".join(text.split())) for text in texts)
    reading = _Reading(
        {}, [], 0.0, 0.0, 0, told / _WORD_LENGTH[language], 1 - told / max(1, length), "\n".join(texts)
    )
    seen: set[str] = set()
    for finding in found:
        word = finding.word.lower()
        if finding.kind == "setting":
            reading.inside += finding.weight * (finding.value == "interior")
            reading.outside += finding.weight * (finding.value == "exterior")
        elif finding.kind == "time" and word in _SKY:
            reading.outside += 1
        elif finding.kind == "weather":
            reading.weather += 1
        elif finding.kind == "place" and not (finding.hint and word in seen):
            if finding.hint:
                seen.add(word)
            short = len(word) == 1 and finding.how in ("mention", "goal", "beside")
            place = (offsets[finding.segment] + finding.start) / max(1, length)
            support = reading.support.setdefault(finding.value, _Support())
            support.add("short" if short else finding.how, finding.weight, word, place)
            if finding.how in ("arrival", "stay"):
                reading.strong.append((finding.value, finding.how))
    hints = lexicon(language).data["cue_hints"]
    for sound in sorted({c.sound for c in cues if c.polarity == "asserted" and c.sound in hints}):
        reading.support.setdefault(hints[sound], _Support()).add("cue", CUE_HINT, sound, 0.5)
    return reading


def _log(value: float) -> float:
    return math.log1p(value)


def _candidate(name: str, reading: _Reading, arrival: str | None, words: WordScores) -> dict[str, float]:
    """The features of one class; names are keys of data/place_ranker.json."""
    own = reading.support[name]
    setting = place_setting(name)
    inner, outer = setting == "interior", setting == "exterior"
    others = {other: s.weight for other, s in reading.support.items() if other != name}
    rivals = [w for other, w in others.items() if is_shift(name, other) and is_shift(other, name)]
    special = max(
        (
            w
            for other, w in others.items()
            if other not in ("house", "city") and place_setting(other) == "interior"
        ),
        default=0.0,
    )
    sides = {"interior": 0.0, "exterior": 0.0, "vehicle": 0.0, "unknown": 0.0}
    for other, support in reading.support.items():
        sides[place_setting(other)] += support.weight
    total = sum(sides.values())
    house = reading.support["house"].weight if "house" in reading.support else 0.0
    arrived = [value for value, how in reading.strong if how == "arrival"]
    raw = words.raw.get(name, 0.0)
    chance = max(_FAINT, words.log_chance.get(name, _FAINT))
    features = {how: _log(own.counts.get(how, 0)) for how in _HOWS}
    features |= {
        "strong": float(own.counts.get("arrival", 0) + own.counts.get("stay", 0) > 0),
        "weight": _log(own.weight),
        "share": own.weight / total,
        "lead": math.log((own.weight + 0.5) / (max(others.values(), default=0.0) + 0.5)),
        "lead_apart": math.log((own.weight + 0.5) / (max(rivals, default=0.0) + 0.5)),
        "last_arrival": float(bool(arrived) and arrived[-1] == name),
        "first_strong": float(bool(reading.strong) and reading.strong[0][0] == name),
        "last_strong": float(bool(reading.strong) and reading.strong[-1][0] == name),
        "opens_scene": float(arrival == name),
        "first": own.first,
        "words": _log(len(own.words)),
        "density": min(3.0, own.weight / max(50.0, reading.words) * 50),
        "length": _length(reading),
        "spoken": reading.spoken,
        "other_side": _log(sides["exterior"] if inner else sides["interior"] if outer else 0.0),
        "sky_against": _log(reading.outside if inner else reading.inside if outer else 0.0),
        "sky_for": _log(reading.outside if outer else reading.inside if inner else 0.0),
        "weather_out": _log(reading.weather) * outer,
        "house_for": _log(house) * (inner and name != "house"),
        "house_against": _log(house) * (not inner),
        "special_against": _log(special) * (name == "house"),
        "is_house": float(name == "house"),
        "is_city": float(name == "city"),
        "is_outside": float(outer),
        "is_vehicle": float(setting == "vehicle"),
        "is_special": float(inner and name != "house"),
        "bias": 1.0,
        "chance_log": chance,
        "chance": math.exp(chance),
        "word_sum": raw,
        "word_lead": raw - max((v for other, v in words.raw.items() if other != name), default=0.0),
    }
    return features


_HOWS = ("arrival", "stay", "beside", "mention", "left", "goal", "hint", "weak", "short", "cue")


def _length(reading: _Reading) -> float:
    return math.log(max(10.0, reading.words) / 100)


def _untold(reading: _Reading, words: WordScores, language: str) -> dict[str, float]:
    """The features of "not told"."""
    weights = [support.weight for support in reading.support.values()]
    features = {
        "untold_bias": 1.0,
        "untold_length": _length(reading),
        "untold_total": _log(sum(weights)),
        "untold_best": _log(max(weights, default=0.0)),
        "untold_share": max(weights, default=0.0) / sum(weights) if weights else 1.0,
        "untold_strong": _log(len(reading.strong)),
        "untold_spoken": reading.spoken,
        "untold_none": float(not weights),
        "untold_classes": _log(len(weights)),
        "untold_faint": float(max(weights, default=0.0) < 0.8),
        "untold_arrival": float(any(how == "arrival" for _, how in reading.strong)),
        "untold_house_words": words.raw.get("house", 0.0),
        "untold_best_words": max(words.raw.values()),
        "untold_known": _log(words.known),
    }
    if language == "en":  # summaries and reflections are told in other tenses
        text, count = reading.text.lower(), max(20.0, reading.words)
        features["untold_had"] = 10 * min(0.1, len(_HAD.findall(text)) / count)
        features["untold_present"] = 10 * min(0.1, len(_PRESENT.findall(text)) / count)
    return features


def candidates(
    found: Sequence[Finding],
    segments: Sequence[Segment],
    plain_words: frozenset[str],
    cues: Sequence[Cue],
    arrival: str | None,
    language: str,
) -> dict[str, dict[str, float]]:
    """The features of every place class that something speaks for, and of `unknown`."""
    reading = _read(found, segments, cues, language)
    words = score_words(plain_words, language)
    rows = {name: _candidate(name, reading, arrival, words) for name in sorted(reading.support)}
    rows[UNTOLD] = _untold(reading, words, language)
    return rows


def kind_of_house(found: Sequence[Finding]) -> str:
    """What a scene in a house is in, if its doors, beds and candles are not alone: a teahouse, a church, a school.

    At least three words must tell of that kind; fewer are mostly talk (of labelled passages called "house" nine had
    three such words, and the kind was right in all of them).
    """
    told: dict[str, dict[str, float]] = defaultdict(dict)
    for finding in found:
        if finding.kind == "place" and place_setting(finding.value) == "interior":
            words, word = told[finding.value], finding.word.lower()
            words[word] = max(words.get(word, 0.0), finding.weight)
    house = sum(told.pop("house", {}).values())
    told.pop("city", None)
    weight, kind = max(
        ((sum(w.values()), kind) for kind, w in told.items() if len(w) >= 3), default=(0.0, "")
    )
    return kind if weight >= max(2.0, house / 4) else "house"
