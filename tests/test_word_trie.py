"""Many words as one expression: it finds what trying each word would find."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from story.word_trie import trie_pattern

WORDS = st.lists(st.text("abc.(", min_size=1, max_size=5), min_size=1, max_size=12)


@given(WORDS, st.text("abc.(", max_size=20))
def test_a_trie_finds_the_longest_word_at_each_place(words: list[str], text: str) -> None:
    pattern = re.compile(trie_pattern(words))
    for at in range(len(text)):
        expected = max((w for w in words if text.startswith(w, at)), key=len, default=None)
        found = pattern.match(text, at)
        assert (found[0] if found else None) == expected


def test_blanks_of_a_phrase_may_be_any() -> None:
    assert re.fullmatch(trie_pattern(["old man", "old"]), "old\n  man")
