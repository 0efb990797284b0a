"""Quotations: every style of marks, speeches over paragraphs, tags in between; quoted words are not speech."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.attribution.marks import Style, detect_style
from story.attribution.quotations import Span, find_quotes


def paragraphs(text: str) -> list[Span]:
    spans, at = [], 0
    for part in text.split("\n\n"):
        spans.append(Span(at, at + len(part)))
        at += len(part) + 2
    return spans


def spoken(text: str) -> list[str]:
    return [text[q.start : q.end] for q in find_quotes(text, paragraphs(text)) if q.kind == "speech"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("“Well,” said Ann, “come in.”", ["Well,", "come in."]),
        ('"Well," said Ann, "come in."', ["Well,", "come in."]),
        ("‘Don’t,’ said Ann. ‘The boys’ coats aren’t dry.’", ["Don’t,", "The boys’ coats aren’t dry."]),
        ("'Don't,' said Ann. 'I was goin' home, 'tis late.'", ["Don't,", "I was goin' home, 'tis late."]),
        ("“He said ‘No’ to me,” said Ann.", ["He said ‘No’ to me,"]),
        ("‘He said “No” to me,’ said Ann.", ["He said “No” to me,"]),
        ("「你去哪裡？」他問。「他說『不去』。」", ["你去哪裡？", "他說『不去』。"]),
        ("“你去么？”老王问，“我不去。”", ["你去么？", "我不去。"]),
        ("老王道：“你去么？”小李道：“我不去。”", ["你去么？", "我不去。"]),
        ("« Come in, » said Ann.", ["Come in,"]),
        ("“Well, (smiling) I hope so.”", ["Well,", "I hope so."]),
    ],
)
def test_all_styles_of_marks(text: str, lines: list[str]) -> None:
    assert spoken(text) == lines


def test_a_dash_opens_a_speaking_paragraph_and_its_tag_is_cut_out() -> None:
    text = "— Come in, said Ann.\n\n— No, he cried gaily. I must go.\n\n— Why?\n\nIt rained."
    assert spoken(text) == ["Come in,", "No,", "I must go.", "Why?"]


def test_a_speech_of_several_paragraphs_opens_each_and_closes_once() -> None:
    text = "“First.\n\n“Second.\n\n“Third.”\n\nShe sat down."
    quotes = find_quotes(text, paragraphs(text))
    assert [text[q.start : q.end] for q in quotes] == ["First.", "Second.", "Third."]
    assert [q.continues for q in quotes] == [False, True, True]


def test_a_speech_whose_lines_a_machine_broke_stays_one() -> None:
    text = "“ First .\nSecond .\nThird . ” she said .\n“ No . ”"
    spans, at = [], 0
    for line in text.split("\n"):
        spans.append(Span(at, at + len(line)))
        at += len(line) + 1
    assert [text[q.start : q.end] for q in find_quotes(text, spans)] == ["First .\nSecond .\nThird .", "No ."]


def test_a_lost_end_swallows_no_paragraph() -> None:
    assert spoken('"I never\n\n"Nor I," said Ann.\n\nShe sat down.') == ["I never", "Nor I,"]


@pytest.mark.parametrize(
    "text",
    [
        "They stayed at the “Coach and Horses” for a week.",
        "He was what they call “practical” in business.",
        "Her look plainly said, “Behold!”",
        "他们称这为“通灵”之说。",
        "作“之乎者也”的文章。",
    ],
)
def test_quoted_words_are_no_speech(text: str) -> None:
    assert spoken(text) == []


@pytest.mark.parametrize(
    ("after", "kind"), [("thought Ann.", "thought"), ("she wrote.", "letter"), ("said Ann.", "speech")]
)
def test_thoughts_and_letters_are_told_by_their_tags(after: str, kind: str) -> None:
    text = f"“So that is how it is,” {after}"
    assert [q.kind for q in find_quotes(text, paragraphs(text))] == [kind]


def test_the_style_is_the_books() -> None:
    assert detect_style(["‘Yes,’ he said.", "‘No,’ she said.", "It “rained”."]) == Style(single=True)
    assert detect_style(["“Yes,” he said.", "'Twas dark."]) == Style()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet="ab ,.!?“”‘’'\"「」『』—（）\u3000你好说：", max_size=40), max_size=6))
def test_quotations_are_ordered_apart_and_inside_the_text(parts: list[str]) -> None:
    text = "\n\n".join(parts)
    at = 0
    for quote in find_quotes(text, paragraphs(text)):
        assert at <= quote.outer_start <= quote.start < quote.end <= quote.outer_end <= len(text)
        at = quote.outer_end
