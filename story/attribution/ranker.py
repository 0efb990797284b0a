"""The ranker's features and weights (data/speaker_ranker.json), and how sure the rules are (data/speaker_rules.json)."""

from __future__ import annotations

from functools import cache

from story.lexicon import load_data

FEATURES = (
    "gender_clash", "gender_match", "gender_unknown", "tag_antecedent", "action_name", "action_clash", "spoken_to", "spoken_of",
    "answers_call", "called_next", "gap_subject", "gap_last", "distance", "frequency", "repeat_adjacent",
    "repeat_apart", "alternate_adjacent", "alternate_apart", "addressee", "addressed_before", "absent",
    "near_tag_before", "near_tag_after", "own_block_object", "narrator", "newcomer", "repeat_pronoun", "self_plain",
    "self_kin", "self_role", "self_count",
)  # fmt: skip
INDEX = {name: i for i, name in enumerate(FEATURES)}


@cache
def weights() -> tuple[float, ...]:
    table = load_data("speaker_ranker")["weights"]
    return tuple(float(table[name]) for name in FEATURES)


def precision_of(rule: str, language: str) -> float:
    """The share of lines that a rule which names its speaker outright gets right, as measured on gold data."""
    table = load_data("speaker_rules")
    found = table["rules"][language].get(rule)
    return found["confidence"] if found else table["unmeasured"]


def calibrated(rule: str, chance: float) -> float:
    """The ranker's chance as a confidence: the measured share of right lines with such a chance."""
    points = load_data("speaker_ranker")["calibration"]
    xs, ys = points["chance"], points["right"]
    for (x0, y0), (x1, y1) in zip(zip(xs, ys, strict=True), list(zip(xs, ys, strict=True))[1:], strict=False):
        if chance <= x1:
            return round(y0 + (y1 - y0) * max(0.0, chance - x0) / (x1 - x0), 3)
    return ys[-1]
