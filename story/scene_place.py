"""Which place a scene is in: a small ranker weighs what its words tell against one another, and against "not told".

Every class of place that something speaks for is a candidate, and so is `unknown`: what speaks for it (place_features)
and which plain words stand in such places (scene_words) are added up. The weights (data/place_ranker.json, place_ranker_words_{en,zh}.json) are fitted on labelled
passages by benchmarks/story/train_place_ranker.py. A long scene is judged stretch by stretch, as the passages were, and
what the stretches say is added up, each by its length.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from story.lexicon import load_data
from story.novel import Segment
from story.place_features import UNTOLD, candidates, kind_of_house
from story.scene_evidence import Finding
from story.scene_models import Cue
from story.scene_words import plain_words, word_sums

# Characters of a scene judged at a time: few of the passages trained on are longer.
_STRETCH = {"en": 1500, "zh": 500}


def _score(row: dict[str, float], weights: dict[str, list[float]]) -> float:
    score = 0.0
    for feature, value in row.items():
        if feature in weights:
            weight, low, high = weights[feature]
            score += weight * min(high, max(low, value))
    return score


def chances(
    rows: dict[str, dict[str, float]], weights: dict[str, list[float]], words: dict[str, float]
) -> dict[str, float]:
    """Each candidate's chance.

    Args:
        rows: features of the candidates.
        weights: by feature: its weight, and the least and the greatest value that training saw.
        words: what the plain words add to each class.
    """
    scores = {name: _score(row, weights) + words.get(name, 0.0) for name, row in rows.items()}
    top = max(scores.values())
    powers = {name: math.exp(score - top) for name, score in scores.items()}
    whole = sum(powers.values())
    return {name: power / whole for name, power in powers.items()}


def place_of(
    found: Sequence[Finding],
    segments: Sequence[Segment],
    cues: Sequence[Cue],
    arrival: str | None,
    language: str,
) -> tuple[str, float]:
    """(place class, how sure: 0..1), or ("unknown", 0.0) when no class is likely enough.

    Args:
        found: all evidence of the scene's segments.
        segments: the scene's, of every type.
        cues: the scene's; a knock at a door or oars are hints too.
        arrival: the class whose arrival opened the scene, if one did.
        language: "en" or "zh".
    """
    ranker = load_data("place_ranker")["languages"][language]
    learned = load_data(f"place_ranker_words_{language}")
    least = 1.0  # what the stretch that tells most asks for
    sums: dict[str, float] = defaultdict(float)
    surest: dict[str, float] = defaultdict(float)
    for number, stretch in enumerate(_stretches(segments, language)):
        inside = {segment.id for segment in stretch}
        length = sum(len(segment.content) for segment in stretch)
        words = plain_words(stretch, language)
        rows = candidates(
            [f for f in found if f.segment in inside],
            stretch,
            words,
            [c for c in cues if c.segment in inside],
            arrival if number == 0 else None,
            language,
        )
        for name, value in chances(rows, ranker["weights"], word_sums(words, learned)).items():
            sums[name] += value * length
            surest[name] = max(surest[name], value)
        least = min(least, answer_from(rows, ranker))
    best, _ = likeliest(sums)
    if best == UNTOLD or surest[best] < least:
        return UNTOLD, 0.0
    return (kind_of_house(found) if best == "house" else best), round(min(0.99, surest[best]), 2)


def _stretches(segments: Sequence[Segment], language: str) -> list[list[Segment]]:
    """The scene in parts of about the length of the passages the ranker was trained on; a short rest joins the last."""
    found: list[list[Segment]] = [[]]
    length = 0
    for segment in segments:
        if length >= _STRETCH[language]:
            found.append([])
            length = 0
        found[-1].append(segment)
        length += len(segment.content)
    if len(found) > 1 and length < _STRETCH[language] / 2:
        rest = found.pop()
        found[-1] += rest
    return found


def likeliest(chance: dict[str, float]) -> tuple[str, float]:
    """(the likeliest class, its chance); ("unknown", 0.0) where nothing speaks for any."""
    named = {name: value for name, value in chance.items() if name != UNTOLD}
    best = max(named, key=lambda name: (named[name], name), default=UNTOLD)
    return best, named.get(best, 0.0)


def answer_from(rows: dict[str, dict[str, float]], ranker: dict[str, Any]) -> float:
    """The chance a class needs to be named: more where the scene may as well leave its place open."""
    score = _score(rows[UNTOLD], ranker["untold_weights"])
    untold = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
    return max(ranker["least_chance"], ranker["untold_share"] * untold)
