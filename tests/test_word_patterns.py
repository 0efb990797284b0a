"""The pattern languages of the cue lexicons: what they find, and that the cheap tests before them lose nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from story.lexicon import chinese, load_data
from story.pattern_tests import chinese_required, crosses_commas, english_required, english_triggers, in_order
from story.word_patterns import english


@pytest.mark.parametrize(
    ("pattern", "text", "anchor"),
    [
        ("door ~2 [slam!]", "The door behind him slammed.", "slammed"),
        ("door ~2 [slam!]", "The door and then he slammed", None),  # "and" opens another clause
        ("door ~2 [slam!]", "The door, it slammed", None),
        ("door ~,3 [slam!]", "The door swung to, slammed", "slammed"),
        ("door [slam!]", "The indoor slammed", None),
        ("door [slam!]", "The half-door slammed", "slammed"),
        ("[knock+] ?loud at", "knocks at", "knocks"),
        ("[knock+] ?loud at", "Knock loud at", "Knock"),
        ("[church_bell+] rang", "the church\nbells rang", "church\nbells"),
        ("@ [shout!]", "then Silver shouted", "shouted"),
        ("@ [shout!]", "When shouted at", None),
        ("*ly [creak!]", "it softly creaks", "creaks"),
        ("[pistol-shot]", "a pistol shot", "pistol shot"),
        ("[don't] stop", "don’t stop", "don’t"),
        ("[he|he_ran] off", "He ran off", "He ran"),  # what follows decides
    ],
)
def test_an_english_pattern_finds_its_words(pattern: str, text: str, anchor: str | None) -> None:
    hit = english(pattern).search(text)
    assert (text[hit.anchor_start : hit.anchor_end] if hit else None) == anchor


@pytest.mark.parametrize("pattern", ["[pull|rest! ] ~2 oars", "~2 oars", "door ~2 ~1 slam!"])
def test_a_slip_in_a_pattern_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match="stands"):
        english(pattern)


def test_a_pattern_without_brackets_is_the_sound_as_a_whole() -> None:
    hits = list(english("door slam!").finditer("A door slams; another door slammed"))
    assert [(hit.anchor_start, hit.anchor_end) for hit in hits] == [(2, 12), (22, 34)]
    assert [tuple(hit[:2]) for hit in hits] == [(2, 12), (22, 34)]
    assert not list(english("door slam!").finditer("A door slams", 3))


@given(st.sampled_from([p for r in load_data("cues_zh")["rules"] for p in r["patterns"]]), st.data())
def test_a_chinese_pattern_matches_only_with_its_characters(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(chinese(pattern).expression))
    assert all(some & set(text) for some in chinese_required(pattern))
    hit = chinese(pattern).search(text)
    assert hit
    assert crosses_commas(pattern) or "，" not in text[hit.start : hit.end - 1]


def test_an_english_pattern_matches_only_with_its_words_in_order() -> None:
    for sentence in (
        "The old door of the half-ruined house slammed behind them",
        "a pistol-shot came from the hedge side",
        "rain was beating very hard upon the little window panes",
        "Somewhere far away a church clock slowly struck eleven",
    ):
        words = re.findall("[a-z]+", sentence.lower())
        for rule in load_data("cues_en")["rules"]:
            for pattern in rule["patterns"]:
                if english(pattern).search(sentence):
                    assert in_order(words, english_required(pattern)), pattern
                    assert not english_triggers(pattern) or english_triggers(pattern) & set(words)
