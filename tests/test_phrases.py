"""Phrases found by their first word are exactly those that a regular expression would find."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from story.attribution.verbs import ends_like_a_lead, silent_kind, starts_like_a_tag
from story.phrases import Phrases

_WORDS = st.lists(
    st.sampled_from(["went", "on", "said", "no", "Said", "und", "saids"]), min_size=1, max_size=3
)
_TEXT = st.lists(
    st.sampled_from(
        ["went", "on", "said", "SAID", "no", "und", "saids", " ", "  ", "\n", ",", "_", "9", "é"]
    ),
    max_size=12,
).map("".join)


@given(st.lists(_WORDS.map(" ".join), min_size=1, max_size=5), _TEXT)
def test_finds_what_a_pattern_finds(phrases: list[str], text: str) -> None:
    phrases = [p.casefold() for p in phrases]
    wanted = {
        (m.start(), m.start() + len(m[1]))
        for p in phrases
        for m in re.finditer(
            rf"(?<![^\W\d_])(?=({p.replace(' ', chr(92) + 's+')})(?!\w))", text, re.IGNORECASE
        )
    }
    assert set(Phrases(phrases).find(text)) == wanted


def test_the_longest_phrase_comes_first() -> None:
    assert list(Phrases(["went", "went on"]).at("went on, and", 0)) == [7, 4]


def test_verbs_beside_a_speech() -> None:
    for tag in (" said he.", " Anna softly cried,", ", and went on: ", "老栓说。"):
        assert starts_like_a_tag(tag, 0, len(tag)), tag
    for none in (" spoke of the war.", " The saids were", ""):
        assert not starts_like_a_tag(none, 0, len(none)), none
    assert ends_like_a_lead("At last he went on softly")
    assert not ends_like_a_lead("At last he went home")
    assert silent_kind("", " thought Emma, ") == "thought"
    assert silent_kind("", " Emma thought aloud") is None
    assert silent_kind("she wrote, ", "") == "letter"
