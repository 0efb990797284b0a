"""The timeline's promises: nothing overlaps or is out of order, effects keep their anchors, beds cover their scenes,
parts add up to the millisecond, and a line inserted somewhere changes nothing about the others but their time."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import story.timeline
from story.cast import Assignment, Cast
from story.durations import chinese_number_length, english_number_syllables, estimate_duration_s, syllables
from story.errors import InputError, SoundboundError
from story.loading import load_novel
from story.novel import Chapter, Segment
from story.pauses import ending, pause_between
from story.planning import plan_timeline, retime, seats
from story.scene_models import Ambience, Cue, Scene, SceneAnalysis
from story.timeline import Timeline, scene_spans, to_ms

ROOT = Path(__file__).parents[1]
SPEAKERS = ["narrator", "ann", "bob", "eve"]
CAST = Cast(
    model="m",
    assignments=[
        Assignment(
            character=s, name=s.title(), voice_id=f"v-{s}", why="", role="narrator" if i == 0 else "major"
        )
        for i, s in enumerate(SPEAKERS)
    ],
)
TEXTS = [
    "It was late, and the wind rose.",
    "Come in,",
    "he said",
    "Who knocks? The door is open!",
    "……",
    "今夜月光很好。",
    "A pistol cracked; then another one cracked -- and a dog barked far away over the water.",
]


@st.composite
def chapters(draw: st.DrawFn) -> tuple[Chapter, SceneAnalysis]:
    """A chapter of 1..14 segments with scenes, beds and cues."""
    count = draw(st.integers(1, 14))
    segments = []
    for i in range(count):
        kind = draw(
            st.sampled_from(["narration", "dialogue", "dialogue", "heading", "break", "thought", "verse"])
        )
        segments.append(
            Segment(
                id=f"s{i}",
                type=kind,
                content="" if kind == "break" else draw(st.sampled_from(TEXTS)),
                speaker="narrator" if kind in ("narration", "heading") else draw(st.sampled_from(SPEAKERS)),
                paragraph=draw(st.none() | st.integers(0, 9)),
            )
        )
    if not any(s.voiced for s in segments):
        segments.append(Segment(id="voiced", content="At last.", speaker="narrator"))
    starts = sorted({0, *draw(st.lists(st.integers(0, len(segments) - 1), max_size=3))})
    scenes = []
    for n, first in enumerate(starts):
        last = (starts[n + 1] if n + 1 < len(starts) else len(segments)) - 1
        layers = draw(st.lists(st.sampled_from(["rain", "wind", "sea"]), max_size=2, unique=True))
        cues = []
        for k, at in enumerate(draw(st.lists(st.integers(first, last), max_size=3))):
            length = len(segments[at].content)
            char = draw(st.integers(0, max(0, length - 1)))
            cues.append(
                Cue(
                    id=f"{segments[at].id}-{n}-{k}",
                    segment=segments[at].id,
                    char_start=char,
                    char_end=min(length, char + 4),
                    word="x",
                    sound=draw(st.sampled_from(["door", "shot"])),
                    ucs="X",
                    prompt="p",
                    anchor=draw(st.sampled_from(["start", "word", "end"])),
                    offset_s=draw(st.floats(-3, 3)),
                    duration_s=draw(st.floats(0.1, 8)),
                    polarity=draw(
                        st.sampled_from(["asserted", "asserted", "asserted", "negated", "figurative"])
                    ),
                )
            )
        scenes.append(
            Scene(
                id=f"sc{n}",
                chapter="c",
                first_segment=segments[first].id,
                last_segment=segments[last].id,
                scene_type="x",
                setting=draw(st.sampled_from(["interior", "exterior", "unknown"])),
                ambience=[Ambience(sound=s, ucs="X", prompt=s) for s in layers],
                cues=cues,
            )
        )
    return Chapter(id="c", number=1, segments=segments), SceneAnalysis(chapter="c", scenes=scenes)


def plan(chapter: Chapter, analysis: SceneAnalysis, **kwargs: Any) -> Timeline:
    return plan_timeline(chapter, analysis, CAST, "en", **kwargs)


def ms(value_s: float) -> int:
    assert abs(value_s * 1000 - round(value_s * 1000)) < 1e-6, f"{value_s} is off the millisecond grid"
    return round(value_s * 1000)


def check(timeline: Timeline) -> None:
    """Every invariant of DESIGN.md, exactly, in whole milliseconds."""
    at = 0
    for line in timeline.dialogue_segments:
        at += ms(line.pause_before_s)
        assert ms(line.start_s) == at, "starts where pauses and lines before it end"
        at += ms(line.duration_s)
        assert ms(line.end_s) == at
    total = ms(timeline.total_duration_s)
    assert total == at + ms(timeline.tail_s), "the sum of parts is the total"
    assert timeline.tail_s >= timeline.least_tail_s
    lines = {d.id: d for d in timeline.dialogue_segments}
    for effect in timeline.effect_segments:
        line = lines[effect.anchor_segment]
        anchor = ms(line.start_s) + ms(effect.anchor_at_s)
        assert ms(effect.start_s) == max(0, anchor + ms(effect.offset_s)), "an effect keeps its anchor"
        if not effect.anchor_measured:
            assert 0 <= ms(effect.anchor_at_s) <= ms(line.duration_s)
        assert ms(effect.start_s) + ms(effect.duration_s) <= total, "the tail is long enough"
    check_beds(timeline, total)


def check_beds(timeline: Timeline, total: int) -> None:
    spans = {s: (ms(a), ms(b)) for s, (a, b) in scene_spans(timeline).items()}
    order = list(spans)
    if order:
        assert spans[order[0]][0] == 0
        assert spans[order[-1]][1] == total
    for a, b in pairwise(order):
        assert spans[a][1] == spans[b][0], "scenes follow without a gap"
    for line in timeline.dialogue_segments:
        assert spans[line.scene][0] <= ms(line.start_s) <= ms(line.end_s) <= spans[line.scene][1]
    for bed in timeline.environment_segments:
        start, end = ms(bed.start_s), ms(bed.start_s) + ms(bed.duration_s)
        fade_in, fade_out = ms(bed.fade_in_s), ms(bed.fade_out_s)
        first, last = bed.scene == order[0], bed.scene == order[-1]
        assert start == (0 if first else spans[bed.scene][0] - fade_in // 2), (
            "covers its scene, half the fade before"
        )
        assert end == (total if last else spans[bed.scene][1] + fade_out // 2), "and half the fade after"
        assert fade_in + fade_out <= end - start


@settings(max_examples=150, deadline=None)
@given(chapters(), st.data())
def test_the_invariants_hold_planned_and_re_timed(
    given_: tuple[Chapter, SceneAnalysis], data: st.DataObject
) -> None:
    timeline = plan(*given_)
    check(timeline)
    ids = [d.id for d in timeline.dialogue_segments]
    durations = data.draw(st.dictionaries(st.sampled_from(ids), st.floats(0, 60)))
    words = {
        i: [(0, 5, 0.1, 0.4), (6, 200, 0.5, 0.9)]
        for i in data.draw(st.lists(st.sampled_from(ids), max_size=3))
    }
    before = timeline.model_dump_json()
    timed = retime(timeline, durations, words)
    assert timeline.model_dump_json() == before, "the original is left as it was"
    check(timed)
    assert [d.id for d in timed.dialogue_segments] == ids, "order is kept"
    assert retime(timed, durations, words) == timed, "idempotent"
    for line in timed.dialogue_segments:
        if line.id in durations:
            assert to_ms(line.duration_s) == to_ms(durations[line.id])
        else:
            assert line.actual_duration_s is None, "a missing take keeps its estimate as a gap"
            assert line.duration_s == line.estimated_duration_s


@settings(max_examples=60, deadline=None)
@given(chapters(), st.integers(0, 2**32))
def test_the_order_of_updates_does_not_matter(given_: tuple[Chapter, SceneAnalysis], seed: int) -> None:
    chance = random.Random(seed)
    timeline = plan(*given_)
    durations = {d.id: chance.uniform(0.1, 9) for d in timeline.dialogue_segments}
    at_once = retime(timeline, durations)
    for _ in range(2):
        one_by_one = timeline.model_copy(deep=True)
        for line_id in chance.sample(list(durations), len(durations)):
            one_by_one.update_actual_duration(line_id, durations[line_id])
        assert one_by_one == at_once


@settings(max_examples=80, deadline=None)
@given(chapters(), st.data())
def test_an_inserted_line_shifts_the_others_and_changes_nothing_else(
    given_: tuple[Chapter, SceneAnalysis], data: st.DataObject
) -> None:
    chapter, analysis = given_
    before = plan(chapter, analysis)
    at = data.draw(st.integers(0, len(chapter.segments)))
    new = Segment(id="new", type="dialogue", content="Hark! A door slammed.", speaker="eve")
    longer = chapter.model_copy(update={"segments": [*chapter.segments[:at], new, *chapter.segments[at:]]})
    after = plan(longer, analysis)
    check(after)
    kept = {d.id: d for d in after.dialogue_segments}
    for line in before.dialogue_segments:
        same = kept[line.id]
        for field in ("estimated_duration_s", "pan", "voice_id", "content"):
            assert getattr(same, field) == getattr(line, field)
    assert {(e.id, e.variant) for e in after.effect_segments} >= {
        (e.id, e.variant) for e in before.effect_segments if e.anchor_segment == e.id.split("-")[0]
    }


def lines(*texts: str | tuple[str, str, int | None]) -> Chapter:
    """A chapter of (type, content, paragraph); plain strings are narration in paragraph 0."""
    segments = []
    for i, given_ in enumerate(texts):
        kind, content, paragraph = ("narration", given_, 0) if isinstance(given_, str) else given_
        speaker = "ann" if kind == "dialogue" else "narrator"
        segments.append(
            Segment.model_validate(
                {"id": f"s{i}", "type": kind, "content": content, "speaker": speaker, "paragraph": paragraph}
            )
        )
    return Chapter(id="c", number=1, segments=segments)


def scene(first: str, last: str, name: str = "sc0", **fields: Any) -> Scene:
    return Scene.model_validate(
        {
            "id": name,
            "chapter": "c",
            "first_segment": first,
            "last_segment": last,
            "scene_type": "x",
            **fields,
        }
    )


def scenes(*found: Scene) -> SceneAnalysis:
    return SceneAnalysis(chapter="c", scenes=list(found))


RAIN = {"sound": "rain", "ucs": "RAIN", "prompt": "rain"}


def pauses(chapter: Chapter, *found: Scene, language: str = "en") -> list[float]:
    return [
        d.pause_before_s for d in plan_timeline(chapter, scenes(*found), CAST, language).dialogue_segments
    ][1:]


def test_pauses_grow_from_inside_a_sentence_to_a_new_scene() -> None:
    inside = pauses(
        lines(("dialogue", "Pew,", 1), ("narration", "he cried,", 1), ("dialogue", "they're gone.", 1))
    )
    shouted = pauses(lines(("dialogue", "Down with the door!", 1), ("narration", "he cried.", 1)))
    sentence = pauses(lines("It rained.", "The wind rose."))
    paragraph = pauses(lines("It rained.", ("narration", "Morning came.", 1)))
    reply = pauses(lines(("dialogue", "Where?", 1), ("dialogue", "There!", 2)))
    heading = pauses(lines(("heading", "One", 0), "It rained."))
    broken = pauses(lines("It rained.", ("break", "", 1), ("narration", "Next day.", 2)))
    chapter = lines("It rained.", "A year passed.")
    changed = pauses(chapter, scene("s0", "s0"), scene("s1", "s1", "sc1"))
    assert max(inside + shouted) <= 0.2
    assert 0.2 < reply[0] < paragraph[0]
    assert 0.3 < sentence[0] < paragraph[0] < 1 < changed[0] < broken[0]
    assert heading[0] > 1


def test_chinese_pauses_follow_chinese_punctuation() -> None:
    comma, stop = pauses(lines("他说，", "走罢。", "天亮了。"), language="zh-Hans")
    assert 0.1 < comma < stop


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Pew,", "comma"),
        ("No!”", "sentence"),
        ("他说：", "clause"),
        ("Livesey--", "dash"),
        ("好……", "ellipsis"),
        ("好……。", "ellipsis"),
        ("he said", "none"),
        ("走罢。」", "sentence"),
    ],
)
def test_how_a_line_ends(text: str, kind: str) -> None:
    assert ending(text) == kind


def test_a_line_of_dots_is_a_silence_and_no_take() -> None:
    chapter = lines(("dialogue", "Well?", 1), ("dialogue", "……", 2), ("dialogue", "I see.", 3))
    timeline = plan(chapter, scenes())
    assert [d.id for d in timeline.dialogue_segments] == ["s0", "s2"]
    assert timeline.dialogue_segments[1].pause_before_s >= pause_between(
        chapter.segments[0], chapter.segments[2], [], "en"
    )


def test_narration_is_dry_and_centred_and_characters_sit_in_the_room() -> None:
    chapter = lines("It rained.", ("dialogue", "Come in.", 1), ("thought", "So late.", 1))
    timeline = plan(chapter, scenes(scene("s0", "s2", setting="interior", place_class="church")))
    told, spoken, thought = timeline.dialogue_segments
    assert (told.pan, told.space) == (0.0, "none")
    assert (spoken.pan, spoken.space) == (seats(CAST)["ann"], "church")
    assert (thought.pan, thought.space) == (0.0, "none")


def test_people_of_a_cast_sit_apart_and_stay_when_others_join() -> None:
    people = [Assignment(character=f"p{i}", name="x", voice_id="v", why="") for i in range(20)]
    few, many = (seats(Cast(model="m", assignments=people[:n])) for n in (8, 20))
    assert len(set(few.values())) == 8
    assert all(0 < abs(p) <= 0.4 for p in many.values())
    assert few.items() <= many.items()


def test_a_line_uses_its_own_voice_and_its_delivery() -> None:
    chapter = lines(("dialogue", "Come in, come in.", 1))
    chapter.segments[0].voice_id = "special"
    plain, fast = plan(chapter, scenes()), plan(chapter, scenes(), delivery=lambda _: (2.0, 1.0))
    assert plain.dialogue_segments[0].voice_id == "special"
    assert fast.dialogue_segments[0].estimated_duration_s == pytest.approx(
        plain.dialogue_segments[0].estimated_duration_s / 2, abs=0.001
    )


def cue(at: str, text: str, word: str, name: str, **fields: Any) -> Cue:
    start = text.index(word)
    data = {"id": name, "segment": at, "char_start": start, "char_end": start + len(word), "word": word}
    return Cue.model_validate({**data, "sound": "shot", "ucs": "GUN", "prompt": "a shot", **fields})


def test_only_asserted_cues_sound_at_their_word_once_it_is_measured() -> None:
    text = "Then a pistol cracked over the hill."
    found = scene(
        "s0", "s0", cues=[cue("s0", text, "cracked", "c1"), cue("s0", text, "hill", "c2", polarity="negated")]
    )
    timeline = plan(lines(text), scenes(found))
    (effect,) = timeline.effect_segments
    line = timeline.dialogue_segments[0]
    assert effect.start_s == pytest.approx(
        line.start_s + line.duration_s * text.index("cracked") / len(text), abs=0.001
    )
    words = [(0, 4, 0.02, 0.3), (5, 6, 0.3, 0.4), (7, 13, 0.4, 0.9), (14, 21, 1.234, 1.7), (22, 36, 1.7, 2.5)]
    timed = retime(timeline, {"s0": 2.6}, {"s0": words})
    assert timed.effect_segments[0].start_s == pytest.approx(timed.dialogue_segments[0].start_s + 1.234)
    timed.update_actual_duration("s0", 2.6)
    assert timed.effect_segments[0].anchor_at_s == 1.234, "the same duration again leaves the measured word"
    timed.update_actual_duration("s0", 5.2)
    assert timed.effect_segments[0].anchor_at_s == pytest.approx(5.2 * 14 / 36, abs=0.001), (
        "another take has other words"
    )


def test_repeated_effects_differ_and_stay_what_they_are_when_other_lines_change() -> None:
    text = "A shot. A shot! Then a third shot, and all was still."
    cues = [
        cue("s1", text, "shot", "a"),
        cue("s1", text, "shot!", "b"),
        cue("s1", text, "shot,", "c"),
    ]
    first = plan(lines("Hush.", text), scenes(scene("s0", "s1", cues=cues)))
    assert sorted(e.variant for e in first.effect_segments) == [0, 1, 2]
    other = lines("Something else altogether stood here, with a bang.", text)
    bang = cue("s0", other.segments[0].content, "bang", "z")
    second = plan(other, scenes(scene("s0", "s1", cues=[bang, *cues])))
    assert {e.id: e.variant for e in first.effect_segments}.items() <= {
        e.id: e.variant for e in second.effect_segments
    }.items()


def test_a_long_last_effect_gets_its_tail() -> None:
    text = "The thunder rolled."
    found = scene("s0", "s0", cues=[cue("s0", text, "rolled", "c", duration_s=9.0)])
    timeline = plan(lines(text), scenes(found), tail_s=1.0)
    assert timeline.total_duration_s == pytest.approx(timeline.effect_segments[0].start_s + 9.0)
    assert timeline.tail_s > 1.0


def test_scenes_cross_fade_and_short_ones_less() -> None:
    chapter = lines("It rained. " * 20, "The sea lay still. " * 20, "Night.")
    beds = {"ambience": [RAIN]}
    timeline = plan(
        chapter,
        scenes(scene("s0", "s0", **beds), scene("s1", "s1", "sc1", **beds), scene("s2", "s2", "sc2", **beds)),
    )
    one, two, three = timeline.environment_segments
    assert one.fade_out_s == two.fade_in_s == 3.0
    assert 0 < two.fade_out_s == three.fade_in_s
    assert one.start_s + one.duration_s - two.start_s == pytest.approx(3.0), "they overlap by the cross-fade"


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_no_nonsense_for_a_duration(value: float) -> None:
    timeline = plan(lines("It rained."), scenes())
    before = timeline.model_copy(deep=True)
    with pytest.raises(SoundboundError, match="no duration"):
        timeline.update_actual_duration("s0", value)
    with pytest.raises(SoundboundError, match="no duration"):
        retime(timeline, {"s0": value})
    assert timeline == before


def test_an_unknown_line_or_someone_without_a_voice_is_an_error() -> None:
    chapter = lines("It rained.")
    timeline = plan(chapter, scenes())
    with pytest.raises(SoundboundError, match="no line s9"):
        timeline.update_actual_duration("s9", 1.0)
    with pytest.raises(SoundboundError, match="no line s9"):
        retime(timeline, {}, {"s9": []})
    with pytest.raises(SoundboundError, match="no voice for narrator"):
        plan_timeline(chapter, scenes(), Cast(model="m", assignments=[]), "en")
    with pytest.raises(SoundboundError, match="s7"):
        plan(chapter, scenes(scene("s7", "s7")))


def test_a_timeline_survives_its_json() -> None:
    island = load_novel(ROOT / "examples" / "treasure_island_ch05.json")
    people = [
        Assignment(character=c.id, name=c.name, voice_id="v", why="", role=c.role) for c in island.characters
    ]
    timeline = plan_timeline(
        island.chapters[0],
        SceneAnalysis(chapter="ch05", scenes=[]),
        Cast(model="m", assignments=people),
        "en",
    )
    check(timeline)
    assert Timeline.model_validate_json(timeline.model_dump_json()) == timeline
    assert 8 * 60 < timeline.total_duration_s < 13 * 60


def test_re_timing_a_long_chapter_takes_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in conversions to milliseconds, not seconds: 40 times the lines must not be 1,600 times the work."""
    calls = {}
    for count in (50, 2000):
        found = [scene(f"s{i}", f"s{i + 9}", f"sc{i}", ambience=[RAIN]) for i in range(0, count, 10)]
        timeline = plan(lines(*["It rained."] * count), scenes(*found))
        visits = []
        monkeypatch.setattr(
            story.timeline, "to_ms", lambda value, visits=visits: visits.append(0) or to_ms(value)
        )
        retime(timeline, {d.id: 1.0 for d in timeline.dialogue_segments})
        calls[count] = len(visits)
    assert calls[50] > 50
    assert calls[2000] <= 41 * calls[50]


# --- estimated durations ---------------------------------------------------------------------------------------------


def measured() -> list[dict[str, Any]]:
    path = ROOT / "benchmarks" / "durations" / "measured.json"
    return json.loads(path.read_text(encoding="utf-8"))["lines"]


@pytest.mark.parametrize(("language", "engine"), [("en", "kokoro"), ("en", "hibari"), ("zh", "kokoro")])
def test_estimates_are_within_15_percent_of_the_embedded_voices_in_the_median(
    language: str, engine: str
) -> None:
    takes = [m for m in measured() if (m["language"], m["engine"]) == (language, engine)]
    assert len(takes) >= 40
    known = [estimate_duration_s(m["text"], language, model=engine) for m in takes]
    unknown = [estimate_duration_s(m["text"], language) for m in takes]
    for estimates in (known, unknown):
        errors = sorted(abs(e - m["seconds"]) / m["seconds"] for e, m in zip(estimates, takes, strict=True))
        assert errors[len(errors) // 2] <= 0.15
    bias = sum(known) / sum(m["seconds"] for m in takes)
    assert 0.93 < bias < 1.07, "a whole chapter's length is right too"


@given(st.text(max_size=80), st.sampled_from(["en", "zh-Hans", "fr", "ja"]), st.floats(0.5, 2))
def test_an_estimate_is_positive_finite_and_scales_with_speed(text: str, language: str, speed: float) -> None:
    plain = estimate_duration_s(text, language)
    assert 0 < plain < 60
    assert estimate_duration_s(text, language, speed) == pytest.approx(plain / speed)
    assert estimate_duration_s(text + " and more words", language) > plain * 0.99


def test_pauses_inside_a_line_scale_and_speed_must_be_above_zero() -> None:
    text = "Stop. Wait. Listen. There it is."
    assert estimate_duration_s(text, "en", 1.0, 2.0) > estimate_duration_s(text, "en") + 0.1
    assert estimate_duration_s("Stop", "en", 1.0, 2.0) == estimate_duration_s("Stop", "en")
    with pytest.raises(InputError):
        estimate_duration_s(text, "en", 0.0)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("0", 2),
        ("7", 2),
        ("25", 3),
        ("100", 3),
        ("1883", 5),
        ("1900", 4),
        ("2,500", 6),
        ("3.5", 3),
        ("50%", 4),
    ],
)
def test_english_numbers_are_counted_as_they_are_read(written: str, count: int) -> None:
    assert english_number_syllables(written) == count


@pytest.mark.parametrize(
    ("written", "count"), [("7", 1), ("10", 1), ("15", 2), ("25", 3), ("1919", 4), ("3.5", 3), ("50%", 5)]
)
def test_chinese_numbers_are_counted_as_they_are_read(written: str, count: int) -> None:
    assert chinese_number_length(written) == count


@pytest.mark.parametrize(
    ("word", "count"),
    [("the", 1), ("remember", 3), ("cried", 1), ("wanted", 2), ("houses", 2), ("moved", 1), ("hmm", 1)],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count
