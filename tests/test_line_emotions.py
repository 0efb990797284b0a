"""What a listener relies on: a line is said the way the book says it is said, and plainly where the book says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.emotion import delivery, emotions, styles
from story.emotion_lexicon import families
from story.emotions import feel_chapter, feel_line
from story.lexicon import load_data
from story.novel import Chapter, Segment


@pytest.mark.parametrize(
    ("language", "before", "line", "after", "emotion", "style"),
    [
        ("en", "", "What is it?", " he whispered, turning pale.", "fearful", "whisper"),
        ("en", "", "Get out!", " cried Tom, trembling with rage.", "furious", ""),
        ("en", "She said, with a sigh, ", "I have no one now.", "", "sad", ""),
        ("en", "", "I will not go.", " she sobbed.", "sad", "sob"),
        ("en", "", "How kind you are.", " said he, with a sneer.", "contemptuous", ""),
        ("en", "", "Alas, poor fellow!", "", "sad", ""),
        ("en", "", "How dare you, you scoundrel!", "", "angry", ""),
        ("en", "", "I beg you, spare him!", "", "pleading", ""),
        ("zh", "贾政气极了，喝道：", "你来作什么！", "", "angry", "shout"),
        ("zh", "他低声说：", "我不知道。", "", "neutral", "murmur"),
        ("zh", "黛玉冷笑道：", "你倒会说。", "", "contemptuous", ""),
        ("zh", "那婦人哭道：", "我的兒啊。", "", "sad", "sob"),
        ("zh", "", "大王饶命！", "那人跪下磕头。", "pleading", ""),
        ("zh", "", "天哪！你怎么来了？", "他吃了一惊，说。", "surprised", ""),
    ],
)
def test_the_books_own_words_say_how(
    language: str, before: str, line: str, after: str, emotion: str, style: str
) -> None:
    feeling = feel_line(line, before, after, language)
    assert (feeling.emotion if emotion else "", feeling.style if style else "") == (emotion, style)
    texts = {"before": before, "line": line, "after": after}
    assert feeling.evidence
    assert all(texts[e.where][e.start : e.end] == e.word for e in feeling.evidence)


@pytest.mark.parametrize(
    ("language", "before", "line", "after"),
    [
        ("en", "", "It is four o'clock.", " said Tom."),
        ("en", "", "Yes.", " said Tom, not angrily."),
        ("en", "He crossed the cold water. ", "We are there.", ""),
        ("en", "", "Your grandfather was stern of the ship.", ""),
        ("zh", "他说：", "四点钟了。", ""),
        ("zh", "他没有生气，说道：", "好。", ""),
        ("zh", "他讲完了一个笑话，说：", "走吧。", ""),
    ],
)
def test_what_is_not_told_is_neutral(language: str, before: str, line: str, after: str) -> None:
    assert feel_line(line, before, after, language).emotion == "neutral"


def test_intensity_follows_the_degree() -> None:
    weak = feel_line("No.", after=" said Tom, slightly annoyed.")
    strong = feel_line("No!", after=" said Tom, very angrily.")
    assert weak.intensity < 0.5 < strong.intensity


def test_the_tag_of_the_line_counts_more_than_what_stands_further_off() -> None:
    assert feel_line("好。", "宝玉大哭起来，众人劝了一回，他方笑道：", "", "zh").emotion == "happy"


def test_every_name_is_known_to_the_voices() -> None:
    known, manners = set(emotions()), set(styles())
    assert set(families()) == known
    for language in ("en", "zh"):
        data = load_data(f"emotions_{language}")
        for group in [*data["narration"], *data["line"], *data["punctuation"], data["exclamation"]]:
            assert group.get("emotion", "neutral") in known
            assert group.get("style", "murmur") in manners
            assert 0 <= group.get("intensity", 0.5) <= 1
        for part in ("narration", "line"):
            words = [word for group in data[part] for word in group["words"]]
            assert len(words) == len(set(words))


def test_a_chapters_lines_are_filled_and_a_persons_word_stays() -> None:
    def line(number: int, kind: str, content: str, **more: object) -> Segment:
        return Segment(id=f"s{number}", type=kind, content=content, speaker="x", **more)  # type: ignore[arg-type]

    chapter = Chapter(
        id="c",
        number=1,
        segments=[
            line(1, "dialogue", "Never!", paragraph=1),
            line(2, "narration", "he shouted in a fury.", paragraph=1),
            line(3, "dialogue", "I beg you!", paragraph=2, emotion="happy"),
            line(4, "dialogue", "It is late.", paragraph=3),
            line(5, "narration", "She wept bitterly.", paragraph=4),
        ],
    )
    told = feel_chapter(chapter, "en")
    assert list(told) == ["s1"]
    assert (told["s1"].emotion, told["s1"].style) == ("furious", "shout")


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=120), st.text(max_size=120), st.text(max_size=120), st.sampled_from(["en", "zh-Hant"])
)
def test_any_text_gives_a_speakable_feeling(before: str, line: str, after: str, language: str) -> None:
    feeling = feel_line(line, before, after, language)
    assert delivery(feeling.emotion, feeling.intensity, feeling.style).known
    texts = {"before": before, "line": line, "after": after}
    assert all(texts[e.where][e.start : e.end] == e.word for e in feeling.evidence)
    assert 0 <= feeling.confidence <= 1
