"""Captions: readable pieces at the right time, in order, without overlap, and nothing that breaks a player."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.captions import (
    WIDTH,
    WIDTH_CHINESE,
    captions,
    columns,
    from_srt,
    split_spans,
    to_srt,
    to_vtt,
    wrap,
)
from story.cast import Assignment, Cast
from story.loading import load_novel
from story.novel import is_chinese
from story.planning import plan_timeline
from story.scene_models import SceneAnalysis
from story.timeline import DialogueSegment, Timeline, settle, to_ms

EXAMPLES = Path(__file__).parents[1] / "examples"
TIMES = re.compile(r"(\d\d+):(\d\d):(\d\d)[.,](\d\d\d) --> (\d\d+):(\d\d):(\d\d)[.,](\d\d\d)")


def timeline(*lines: tuple[str, str, float], language: str = "en", kind: str = "dialogue") -> Timeline:
    """A timeline of (speaker, content, seconds) with half a second between lines."""
    segments = [
        DialogueSegment(
            id=f"s{i}",
            type=kind,
            scene="sc",
            speaker=speaker,
            voice_id="v",
            emotion="neutral",
            content=content,
            estimated_duration_s=seconds,
            pause_before_s=0.5,
        )
        for i, (speaker, content, seconds) in enumerate(lines)
    ]
    made = Timeline(chapter="c", language=language, dialogue_segments=segments, least_tail_s=2.0)
    settle(made)
    return made


def example(name: str, number: int) -> tuple[Timeline, dict[str, str]]:
    novel = load_novel(EXAMPLES / name)
    people = [
        Assignment(character=c.id, name=c.name, voice_id="v", why="", role=c.role) for c in novel.characters
    ]
    chapter = next(c for c in novel.chapters if c.number == number)
    cast = Cast(model="m", assignments=people)
    made = plan_timeline(chapter, SceneAnalysis(chapter=chapter.id, scenes=[]), cast, novel.language)
    return made, {c.id: c.name for c in novel.characters}


def cue_times(text: str) -> list[tuple[int, int]]:
    found = []
    for match in TIMES.finditer(text):
        h1, m1, s1, t1, h2, m2, s2, t2 = map(int, match.groups())
        found.append((((h1 * 60 + m1) * 60 + s1) * 1000 + t1, ((h2 * 60 + m2) * 60 + s2) * 1000 + t2))
    return found


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("name", "number"), [("treasure_island_ch05.json", 5), ("yao_luxun.json", 3)])
def test_an_example_chapter_has_whole_readable_captions(name: str, number: int) -> None:
    made, names = example(name, number)
    cues = captions(made)
    width = WIDTH_CHINESE if is_chinese(made.language) else WIDTH
    assert all(len(c.lines) <= 2 and max(map(columns, c.lines)) <= width for c in cues)
    assert bare("".join("".join(c.lines) for c in cues)) == bare(
        "".join(d.content for d in made.dialogue_segments)
    )
    for text in (to_vtt(made, names), to_srt(made, names)):
        times = cue_times(text)
        assert len(times) == len(cues)
        assert all(a < b for a, b in times)
        assert all(a[1] <= b[0] for a, b in pairwise(times))
        assert times[-1][1] <= to_ms(made.total_duration_s)


def test_cues_begin_and_end_with_their_lines() -> None:
    made = timeline(("ann", "Come in.", 2.0), ("bob", "Thank you.", 3.0))
    first, second = captions(made)
    assert (first.start_ms, second.start_ms) == (500, 3000)
    assert 2500 <= first.end_ms <= 3000
    assert 6000 <= second.end_ms <= 8000


def test_speakers_are_shown_in_both_forms() -> None:
    made = timeline(("ann", "Come in.", 2.0), ("bob", "Thanks.", 2.0), ("bob", "Cold out.", 2.0))
    vtt, srt = to_vtt(made, {"ann": "Ann Lee"}), to_srt(made, {"ann": "Ann Lee"})
    assert vtt.startswith("WEBVTT\n\n00:00:00.500 --> ")
    assert "<v Ann Lee>Come in." in vtt
    assert vtt.count("<v bob>") == 2
    assert srt.startswith("1\n00:00:00,500 --> ")
    assert "[Ann Lee] Come in." in srt
    assert srt.count("[bob]") == 1, "a name stands where the speaker changes"
    assert "[" not in to_srt(timeline(("narrator", "It rained.", 2.0), kind="narration"), {})


def test_a_long_line_is_cut_at_sentences_and_not_after_a_title() -> None:
    text = "I called on Dr. Livesey in the evening, when all was still. He was out; the door stood open, and a lamp burned."
    spans = [text[a:b].strip() for a, b in split_spans(text)]
    assert spans[0] == "I called on Dr. Livesey in the evening, when all was still."
    assert all(not s.endswith("Dr.") for s in spans)


def test_a_long_line_is_timed_by_its_words_where_they_are_measured() -> None:
    text = "The first sentence stands here, as long as it can be. And then the second sentence begins, and it is long too."
    made = timeline(("ann", text, 20.0))
    second = text.index("And then")
    words = {"s0": [(0, 3, 0.1, 0.3), (second, second + 3, 15.0, 15.2)]}
    assert captions(made, words)[1].start_ms == 500 + 15_000
    estimated = captions(made)[1].start_ms
    assert 8_000 < estimated < 12_000, "else by its share of the text"


def test_nothing_in_a_text_or_a_name_breaks_the_file() -> None:
    made = timeline(("a<b>&\nx", "1 < 2 & 3 > 2 --> really?\n\nYes.", 3.0))
    vtt, srt = to_vtt(made, {}), to_srt(made, {})
    assert "<v a&lt;b&gt;&amp; x>1 &lt; 2 &amp; 3 &gt; 2 --&gt; really? Yes." in vtt.replace("\n", " ")
    assert len(cue_times(vtt)) == len(cue_times(srt)) == 1
    assert srt.count("-->") == 1
    assert all(block.strip() for block in vtt.strip().split("\n\n"))


def test_hours_and_an_empty_timeline() -> None:
    made = timeline(("ann", "Come in.", 2.0))
    made.dialogue_segments[0].pause_before_s = 3600 * 101.0
    settle(made)
    assert "101:00:00.000 --> 101:00:02" in to_vtt(made, {})
    empty = Timeline(chapter="c")
    assert to_vtt(empty, {}) == "WEBVTT\n"
    assert to_srt(empty, {}) == ""


TEXT = st.text(st.sampled_from("ab cde, .!?—…“”今夜月光，。《》&<>-é\n"), min_size=1, max_size=300)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), TEXT, st.floats(0, 30)), max_size=5),
    st.sampled_from(["en", "zh"]),
)
def test_cues_are_in_order_and_keep_every_character(
    lines: list[tuple[str, str, float]], language: str
) -> None:
    made = timeline(*lines, language=language)
    cues = captions(made)
    assert bare("".join("".join(c.lines) for c in cues)) == bare("".join(content for _, content, _ in lines))
    for text in (to_vtt(made, {}), to_srt(made, {})):
        times = cue_times(text)
        assert len(times) == len(cues)
        assert all(0 <= a < b for a, b in times)
        assert all(a[1] <= b[0] for a, b in pairwise(times))
    assert all(len(c.lines) <= 2 and max(map(columns, c.lines)) <= WIDTH for c in cues)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=150), st.integers(10, 50))
def test_wrapping_keeps_every_character_within_the_width(text: str, width: int) -> None:
    text = " ".join(text.split())
    lines = wrap(text, width)
    assert bare("".join(lines)) == bare(text)
    assert all(columns(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("name", "number"), [("treasure_island_ch05.json", 5), ("yao_luxun.json", 1)], ids=["en", "zh"]
)
def test_subrip_is_read_back_as_it_was_written(name, number):
    made, names = example(name, number)
    cues = from_srt(to_srt(made, names))
    assert [(start, end) for start, end, _ in cues] == [(c.start_ms, c.end_ms) for c in captions(made)]
    assert all(text.strip() for _, _, text in cues)
    assert from_srt("") == []
