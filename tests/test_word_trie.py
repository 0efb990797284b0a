"""Many words as one expression: it finds what trying each word would find; the cheap tests before it lose nothing."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from story.lexicon import chinese, english, load_data
from story.pattern_tests import chinese_required, crosses_commas, english_required, english_triggers, in_order
from story.word_trie import trie_pattern

WORDS = st.lists(
    st.text("abc.( ", min_size=1, max_size=5).filter(lambda w: w == w.strip() != ""), min_size=1, max_size=12
)


@given(WORDS, st.text("abc.( ", max_size=20))
def test_a_trie_finds_the_longest_word_at_each_place(words: list[str], text: str) -> None:
    pattern = re.compile(trie_pattern(words, " "))
    for at in range(len(text)):
        expected = max((w for w in words if text.startswith(w, at)), key=len, default=None)
        found = pattern.match(text, at)
        assert (found[0] if found else None) == expected


@given(st.sampled_from([p for r in load_data("cues_zh")["rules"] for p in r["patterns"]]), st.data())
def test_a_chinese_pattern_matches_only_with_its_characters(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(chinese(pattern)))
    assert all(some & set(text) for some in chinese_required(pattern))
    match = chinese(pattern).search(text)
    assert match
    assert crosses_commas(pattern) or "，" not in match[0][:-1]


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
