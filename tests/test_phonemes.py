"""What a text is turned into before a voice reads it: fiction's spellings, numbers, Mandarin, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.speech.chunks import chunks
from models.speech.phonemes import Spoken, find_back, written_words
from models.speech.phonemes_en import english
from models.speech.phonemes_zh import mandarin


def read(text: str, british: bool = False, pronunciation: dict[str, str] | None = None) -> str:
    return "".join(s.symbols + " " * s.space for s in english(text, british, pronunciation)).strip()


def read_zh(text: str, pronunciation: dict[str, str] | None = None) -> str:
    return "".join(s.symbols + " " * s.space for s in mandarin(text, False, pronunciation)).strip()


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("MY curiosity", "My curiosity"),  # a chapter's first word in capitals is no abbreviation
        ("I said NO! GO AWAY!", "I said no! go away!"),
        ("Nooooo! Sooo?", "No! So?"),
        ("a man to B---- to warn", "a man to B to warn"),
        ("Scatter and find ’em", "Scatter and find 'em"),
        ("overhauled a'ready", "overhauled already"),
        ("oh... no . . . wait…", "oh… no… wait…"),
        ("He *never* _said_ that", "He never said that"),
        ("th' old dog", "the old dog"),
        ("‘Hello,’ he said", "Hello, he said"),
    ],
)
def test_fiction_is_read_as_it_is_meant(written: str, same_as: str) -> None:
    assert read(written).replace(" ", "") == read(same_as).replace(" ", "")


def test_an_interruption_is_a_pause_and_not_one_long_word() -> None:
    for dash in ("--", "—", " -- ", " – "):
        assert "— " in read(f"from the first{dash}you would not mind")
    assert read("the second-hand shop") == read("the second-hand shop").replace("—", "")


def test_stammering_is_not_spelled() -> None:
    assert "ɛn" not in read("N-no!")
    assert read("W-w-what?").count("wə") == 2


def test_abbreviations_stay_abbreviations() -> None:
    assert read("the FBI") == "ði ˌɛfbˌiˈI"
    assert read("Mr. Dance") == read("Mister Dance")


def test_british_and_american_differ() -> None:
    assert read("the old bath", british=True) != read("the old bath")


def test_the_request_may_pronounce_words_itself() -> None:
    assert "lˈɪvzi" in read("said Livesey, smiling", pronunciation={"livesey": "lˈɪvzi"})
    assert "lˈɪvziz" in read("Dr. Livesey's house", pronunciation={"Livesey": "lˈɪvzi"})
    assert "blˈOdˌɔg" in read("the man called Black Dog", pronunciation={"black dog": "blˈOdˌɔg"})
    assert read_zh("夏瑜死了", {"夏瑜": "ɕja↘y↗"}).startswith("ɕja↘y↗")


def test_mandarin_particles_numbers_and_foreign_words() -> None:
    assert read_zh("给我罢。").endswith("pa.")  # the particle has no tone, unlike 罢 in 罢工
    assert read_zh("2024年3月5日") == read_zh("二零二四年三月五日")
    assert read_zh("他走了3.5公里") == read_zh("他走了三点五公里")
    assert read("Hello", british=False) in read_zh("他说Hello吧")
    assert read_zh("什么……。") == read_zh("什么……")
    assert read_zh("好香！——你们") == read_zh("好香！你们")
    assert read_zh("古□亭口") == read_zh("古 亭口")


@pytest.mark.parametrize("nothing", ["", "   ", "…", "———", "!!!", "☃☃", "“”", "\n\t", "*"])
def test_what_cannot_be_spoken_gives_no_words(nothing: str) -> None:
    assert not any(s.is_word for s in english(nothing, False))
    assert not any(s.is_word for s in mandarin(nothing))


def test_words_find_back_to_where_they_were_written() -> None:
    text = "At 7:30 pm, “MY curiosity”—so to say—cost £1,000,000!"
    found = [text[s.start : s.end] for s in english(text, True) if s.is_word]
    assert found[:5] == ["At", "7", "30", "pm", "MY"]
    assert found[-1].startswith("1,000,000") or found[-1] == "1,000,000"
    chinese = "2024年3月5日，他走了。"
    places = [chinese[s.start : s.end] for s in mandarin(chinese) if s.is_word]
    assert places[-2:] == ["走", "了"]
    assert "3月" in places


def check(text: str, spoken: list[Spoken]) -> None:
    places = [(s.start, s.end) for s in spoken if s.is_word]
    assert places == sorted(places)
    assert all(0 <= a < b <= len(text) for a, b in places)


letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
prose = st.lists(
    st.sampled_from([*"aI.,!?'’-—…*_\" 7罢了□é", "NO", "th'", "--", "don't", "B----", "£5"]), max_size=14
)


@settings(max_examples=60, deadline=None)
@given(text=letters | prose.map("".join) | prose.map(" ".join))
def test_no_text_breaks_it_and_places_are_in_order(text: str) -> None:
    check(text, english(text, False))
    check(text, mandarin(text))


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcde"), max_size=8))
def test_every_word_read_gets_a_place(written: list[str], heard: list[str]) -> None:
    text = " ".join(written)
    spans = find_back(heard, written_words(text), len(text))
    assert len(spans) == len(heard)
    assert spans == sorted(spans)


units = st.builds(
    lambda size, mark: Spoken("x" * size, 0, 1, True) if mark == "w" else Spoken(mark, 0, 0, True),
    st.integers(1, 30),
    st.sampled_from(["w", "w", "w", ",", ".", ";", "—", "?"]),
)


@given(st.lists(units, max_size=60), st.integers(1, 80), st.integers(31, 90))
def test_a_cut_line_is_the_whole_line_in_pieces_that_fit(line: list[Spoken], good: int, most: int) -> None:
    def size(s: Spoken) -> int:
        return len(s.symbols) + s.space

    pieces = chunks(line, size, good, most)
    assert [s for piece in pieces for s in piece] == line
    assert all(piece and sum(map(size, piece)) <= max(good, most) for piece in pieces)
