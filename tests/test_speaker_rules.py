"""How sure the speaker rules are: what the data file says follows from what was measured, and every rule has its place."""

from __future__ import annotations

import pytest

from story.attribution.ranker import precision_of
from story.lexicon import load_data

TABLE = load_data("speaker_rules")
RULES = [(language, rule) for language, rules in TABLE["rules"].items() for rule in rules]


@pytest.mark.parametrize(("language", "rule"), RULES)
def test_a_confidence_is_what_was_measured_drawn_towards_the_prior(language: str, rule: str) -> None:
    entry = TABLE["rules"][language][rule]
    right, lines = (sum(counts[i] for counts in entry["measured"].values()) for i in (0, 1))
    assert entry["measured"].keys() <= TABLE["sources"].keys()
    assert 0 <= right <= lines
    pulled = (right + TABLE["strength"] * entry["prior"]) / (lines + TABLE["strength"])
    expected = entry["prior"] if lines < TABLE["few"] else round(pulled, 3)
    assert precision_of(rule, language) == entry["confidence"] == pytest.approx(expected)


def test_lines_that_are_sure_were_right_when_measured() -> None:
    for rules in TABLE["rules"].values():
        sure = [c for e in rules.values() if e["confidence"] >= 0.9 for c in e["measured"].values()]
        assert sum(c[0] for c in sure) >= 0.95 * sum(c[1] for c in sure)


def test_a_rule_nobody_measured_is_no_sure_one() -> None:
    assert precision_of("tag of another kind", "en") == TABLE["unmeasured"] < 0.9
