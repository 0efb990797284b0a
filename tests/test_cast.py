"""Casting: voices that fit, that differ where it matters, that stay, and that a person's edits override."""

from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from story.cast import Cast, Voice, cast_novel, read_cast_file, write_cast_file
from story.errors import InputError
from story.loading import load_novel, parse_novel
from story.novel import Novel
from story.speakers import said
from story.voice_fit import semitones

EXAMPLES = Path(__file__).parents[1] / "examples"
MODEL_DATA = Path(__file__).parents[1] / "models" / "data"


def voice(
    name: str, gender: str, age: str, pitch_hz: float, rank: int | None = None, language: str = "en"
) -> Voice:
    return Voice.model_validate(
        {
            "id": name,
            "model": "m",
            "languages": [language],
            "gender": gender,
            "age": age,
            "pitch_hz": pitch_hz,
            "narrator_rank": rank,
        }
    )


VOICES = [
    voice("george", "male", "adult", 140, 1),
    voice("emma", "female", "adult", 179, 2),
    voice("onyx", "male", "adult", 83),
    voice("daniel", "male", "adult", 122, 3),
    voice("puck", "male", "young", 113),
    voice("eric", "male", "young", 157),
    voice("santa", "male", "old", 100),
    voice("heart", "female", "adult", 191),
    voice("alloy", "female", "young", 220),
    voice("nan", "female", "old", 160),
    voice("boy", "male", "child", 280),
    voice("girl", "female", "child", 310),
    voice("yang", "male", "adult", 107, 1, "zh"),
]
BY_ID = {v.id: v for v in VOICES}


def novel(
    people: dict[str, dict[str, Any]], lines: list[tuple[str, str]], *more: list[tuple[str, str]]
) -> Novel:
    """A novel of the people (id → fields) with a chapter per list of (speaker, content)."""
    characters = [{"id": "narrator", "name": "Narrator", "role": "narrator"}]
    characters += [{"id": i, "name": i.title(), **fields} for i, fields in people.items() if i != "narrator"]
    characters[0] |= people.get("narrator", {})
    chapters = [{"segments": [{"speaker": s, "content": c} for s, c in part]} for part in (lines, *more)]
    return parse_novel({"title": "N", "language": "en", "characters": characters, "chapters": chapters}, "n")


def cast(book: Novel, kept: dict[str, str] | None = None, voices: list[Voice] = VOICES) -> dict[str, str]:
    made = cast_novel(book, voices, "m", book.language, kept)
    assert [a.character for a in made.assignments] == [c.id for c in book.characters]
    return {a.character: a.voice_id for a in made.assignments}


def warnings(book: Novel, kept: dict[str, str] | None = None, voices: list[Voice] = VOICES) -> list[str]:
    return cast_novel(book, voices, "m", book.language, kept).warnings


MAN, WOMAN = {"gender": "male", "age": "adult"}, {"gender": "female", "age": "adult"}


def test_voices_fit_gender_and_age() -> None:
    people = {
        "pat": {"gender": "female", "age": "old", "role": "major"},
        "sam": {"gender": "male", "age": "child", "role": "major"},
        "ria": {"gender": "female", "age": "child", "role": "minor"},
        "max": {"gender": "male", "age": "old", "role": "major"},
        "kim": {"gender": "female", "age": "young", "role": "minor"},
    }
    got = cast(novel(people, [("narrator", "Once."), *((i, "Hello there.") for i in people)]))
    assert got == {
        "narrator": "george",
        "pat": "nan",
        "sam": "boy",
        "ria": "girl",
        "max": "santa",
        "kim": "alloy",
    }


def test_the_narrator_gets_the_best_voice_of_its_gender() -> None:
    line = [("narrator", "It was late.")]
    assert cast(novel({}, line))["narrator"] == "george"
    assert cast(novel({"narrator": WOMAN}, line))["narrator"] == "emma"


def test_without_a_child_voice_a_woman_speaks_a_boy_rather_than_a_man() -> None:
    book = novel(
        {"sam": {"gender": "male", "age": "child", "role": "major"}}, [("narrator", "x"), ("sam", "Hi.")]
    )
    grown = [v for v in VOICES if v.age != "child"]
    assert BY_ID[cast(book, voices=grown)["sam"]].gender == "female"


def test_a_first_person_narrator_and_his_younger_self_differ() -> None:
    island = load_novel(EXAMPLES / "treasure_island_ch05.json")
    got = cast(island)
    assert got["jim"] == "boy"
    assert got["narrator"] == "george"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["male", "female", "unknown"]), min_size=2, max_size=10), st.randoms())
def test_main_characters_never_share_while_there_are_voices(genders: list[str], random: Any) -> None:
    people = {f"p{i}": {"gender": g, "age": "adult", "role": "major"} for i, g in enumerate(genders)}
    lines = [(random.choice(list(people)), "Some words here.") for _ in range(30)]
    got = cast(novel(people, [("narrator", "Once."), *((p, "Hm.") for p in people), *lines]))
    assert len(set(got.values())) == len(got)


def test_minor_characters_share_only_when_voices_run_out_and_then_not_in_one_conversation() -> None:
    men = {f"m{i}": {**MAN, "role": "minor"} for i in range(9)}
    few = [v for v in VOICES if v.gender == "male" and v.age != "child" and "en" in v.languages]
    first, second = [("narrator", "x")], [("narrator", "y")]
    for name in list(men)[:5]:
        first.append((name, "I speak in the first chapter."))
    for name in list(men)[5:]:
        second.append((name, "And I in the second."))
    book = novel(men, first, second)
    got = cast(book, voices=few)
    assert len({got[m] for m in list(men)[:5]}) == 5, "five meet in one chapter, there are five voices left"
    assert len({got[m] for m in list(men)[5:]}) == 4
    assert got["narrator"] not in {got[m] for m in men}
    assert any("share the voice" in w for w in warnings(book, voices=few))
    assert not warnings(novel(men, first), voices=few)


def test_a_minor_man_shares_a_mans_voice_rather_than_taking_a_womans() -> None:
    men = {f"m{i}": {**MAN, "role": "minor"} for i in range(9)}
    got = cast(novel(men, [("narrator", "x"), *((m, "Hello.") for m in men)]))
    assert {BY_ID[got[m]].gender for m in men} == {"male"}


def test_talkative_characters_choose_first_and_lie_far_apart_in_pitch() -> None:
    people = {n: {**MAN, "role": "major"} for n in ("quiet", "loud", "middle")}
    adults = [
        voice(f"v{hz}", "male", "adult", hz, 1 if hz == 120 else None)
        for hz in (80, 83, 118, 120, 123, 178, 185)
    ]
    lines = [("narrator", "x"), ("quiet", "Yes."), ("loud", "Words " * 50), ("middle", "Words " * 20)]
    got = cast(novel(people, lines), voices=adults)
    pitch = {c: float(v[1:]) for c, v in got.items()}
    assert min(semitones(pitch[a], pitch[b]) for a, b in combinations(("narrator", "loud", "middle"), 2)) > 6


def test_the_cast_is_of_the_whole_book_whatever_order_chapters_are_given_in() -> None:
    people = {"ann": {**WOMAN, "role": "major"}, "bea": {**WOMAN, "role": "major"}}
    one, two = [("narrator", "x"), ("ann", "Hello.")], [("narrator", "y"), ("bea", "Hello, hello, hello.")]
    assert cast(novel(people, one, two)) == cast(novel(people, two, one))


def test_casting_twice_gives_the_same_bytes() -> None:
    island = load_novel(EXAMPLES / "treasure_island_ch05.json")
    made = [cast_novel(island, voices, "m", "en").model_dump_json() for voices in (VOICES, VOICES[::-1])]
    assert made[0] == made[1]


def test_kept_voices_stay_when_people_are_added_or_speak_more() -> None:
    people = {"ann": {**WOMAN, "role": "major"}, "bob": {**MAN, "role": "major"}}
    before = cast(novel(people, [("narrator", "x"), ("ann", "Hello."), ("bob", "Hi.")]))
    people |= {"eve": {**WOMAN, "role": "major"}, "tom": {**MAN, "role": "minor"}}
    lines = [("narrator", "x"), ("eve", "Words " * 99), ("ann", "Hello."), ("bob", "Hi."), ("tom", "Ho.")]
    after = cast(novel(people, lines), kept=before)
    assert {c: after[c] for c in before} == before
    assert not {after["eve"], after["tom"]} & set(before.values())


def test_edits_win_and_the_novels_own_voice_wins_over_them() -> None:
    people = {"ann": {**WOMAN, "voice_id": "nan"}, "bob": MAN}
    book = novel(people, [("narrator", "x"), ("ann", "Hello."), ("bob", "Hi.")])
    got = cast(book, kept={"bob": "boy", "ann": "heart", "narrator": "onyx"})
    assert got == {"narrator": "onyx", "ann": "nan", "bob": "boy"}


@pytest.mark.parametrize("where", ["character", "segment", "kept"])
def test_an_unknown_voice_is_an_error_with_the_nearest_ones(where: str) -> None:
    book = novel({"ann": WOMAN}, [("narrator", "x"), ("ann", "Hello.")])
    kept = {"ann": "gorge"} if where == "kept" else None
    if where == "character":
        book.characters[1].voice_id = "gorge"
    if where == "segment":
        book.chapters[0].segments[1].voice_id = "gorge"
    with pytest.raises(InputError, match=r"“gorge”.*george") as caught:
        cast(book, kept=kept)
    assert {"character": "character ann", "segment": "segment ch01-0002", "kept": "cast.json"}[where] in str(
        caught.value
    )


def test_a_language_no_voice_speaks_is_an_error() -> None:
    book = novel({}, [("narrator", "x")])
    book.language = "fr"
    with pytest.raises(InputError, match="no voice for the language fr"):
        cast(book)


def test_a_kept_voice_of_another_language_and_an_entry_for_nobody_are_warned_of() -> None:
    book = novel({"bob": MAN}, [("narrator", "x"), ("bob", "Hi.")])
    told = " ".join(warnings(book, kept={"bob": "yang", "ghost": "onyx"}))
    assert "yang speaks zh" in told
    assert "ghost" in told


@pytest.mark.parametrize(
    ("fields", "said_after", "gender"),
    [
        ({"name": "Mrs. Crane"}, "the dog barked", "female"),
        ({"name": "老婆婆"}, "the dog barked", "female"),
        ({"name": "康大叔"}, "the dog barked", "male"),
        ({"name": "Zyx", "description": "An old woman of the village"}, "the dog barked", "female"),
        ({"name": "Zyx"}, "she cried, and she ran", "female"),
        ({"name": "Zyx"}, "he cried, and he ran", "male"),
    ],
)
def test_an_unknown_gender_is_read_from_names_and_pronouns(
    fields: dict, said_after: str, gender: str
) -> None:
    lines = [
        ("narrator", "x"),
        ("z", "Hello."),
        ("narrator", said_after),
        ("z", "Oh."),
        ("narrator", said_after),
    ]
    got = cast(novel({"z": fields}, lines))
    assert BY_ID[got["z"]].gender == gender


def test_without_evidence_genders_are_mixed_but_stable() -> None:
    people = {f"q{i}": {"role": "minor"} for i in range(12)}
    book = novel(people, [("narrator", "x"), *((p, "Hm.") for p in people)])
    wide = [voice(f"v{i}", g, "adult", 90 + 7 * i, 1) for i, g in enumerate(["male", "female"] * 10)]
    got = cast(book, voices=wide)
    genders = {p: next(v.gender for v in wide if v.id == got[p]) for p in people}
    assert set(genders.values()) == {"male", "female"}
    fewer = novel(
        dict(list(people.items())[:6]), [("narrator", "x"), *((p, "Hm.") for p in list(people)[:6])]
    )
    again = cast(fewer, voices=wide)
    assert {p: next(v.gender for v in wide if v.id == again[p]) for p in list(people)[:6]} == dict(
        list(genders.items())[:6]
    )


def test_a_main_character_left_with_a_voice_that_does_not_fit_is_told() -> None:
    book = novel({"bob": {**MAN, "role": "major"}}, [("narrator", "x"), ("bob", "Hello.")])
    left = [v for v in VOICES if v.id in ("george", "girl")]
    assert cast(book, voices=left)["bob"] == "girl"
    told = ["Bob has the voice girl, which does not fit (female, child)"]
    assert warnings(book, voices=left) == told
    assert warnings(book, kept={"bob": "girl"}, voices=left) == told, "on the next run as well"


def test_one_voice_for_everybody_is_possible_and_told() -> None:
    book = novel({"ann": {**WOMAN, "role": "major"}}, [("narrator", "x"), ("ann", "Hello.")])
    assert warnings(book, voices=VOICES[:1])[-1:] == ["Narrator, Ann share the voice george"]


@pytest.mark.parametrize(
    ("example", "model"),
    [("treasure_island_ch05", "hibari"), ("treasure_island_ch05", "kokoro"), ("yao_luxun", "kokoro")],
)
def test_with_the_embedded_voices_the_six_most_speaking_are_six_different_ones(
    example: str, model: str
) -> None:
    book = load_novel(EXAMPLES / f"{example}.json")
    data = json.loads((MODEL_DATA / f"voices_{model}.json").read_text(encoding="utf-8"))
    voices = [Voice.model_validate(v) for v in (data["voices"] if isinstance(data, dict) else data)]
    made = cast_novel(book, voices, model, book.language)
    amounts = said(s for c in book.chapters for s in c.segments)
    top = [c for c, _ in amounts.most_common(6)]
    assert len({made.voice_of(c) for c in top}) == 6


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_cast_file_round_trips_and_reads_as_a_person_would_write_it(tmp_path: Path) -> None:
    book = novel({"ann": WOMAN}, [("narrator", "x"), ("ann", "Hello.")])
    path = tmp_path / "cast.json"
    write_cast_file(path, book, {"m": {"ann": "nan", "narrator": "george"}, "other": {"ann": "x"}})
    assert read_cast_file(path) == {"m": {"narrator": "george", "ann": "nan"}, "other": {"ann": "x"}}
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["models"]["m"]["ann"] == {"name": "Ann", "voice": "nan"}
    assert list(data["models"]["m"]) == ["narrator", "ann"]
    data["models"]["m"]["ann"]["voice"] = "girl"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert cast(book, kept=read_cast_file(path)["m"])["ann"] == "girl"
    assert [p.name for p in tmp_path.iterdir()] == ["cast.json"]


def test_short_and_emptied_entries_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "cast.json"
    path.write_text('{"models": {"m": {"ann": "nan", "bob": {"name": "Bob", "voice": ""}, "eve": {}}}}')
    assert read_cast_file(path) == {"m": {"ann": "nan"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"models": {"m": {"ann": {"voice": "nan",}}}}', "line 1, column 42"),
        ("", "empty"),
        ("[]", "must be an object"),
        ('{"models": []}', "models: must be an object"),
        ('{"models": {"m": "george"}}', "models.m: must be an object"),
        ('{"models": {"m": {"ann": 5}}}', "models.m.ann: must be an object"),
        ('{"models": {"m": {"ann": {"voice": 5}}}}', "models.m.ann: voice must be text, not the number 5"),
        ('{"format": "soundbound.cast/9", "models": {}}', "soundbound.cast/9"),
    ],
)
def test_a_broken_cast_file_is_told_with_its_place(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "cast.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_cast_file(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
    assert " → " in str(caught.value)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = novel({}, [("narrator", "x")])
    path = tmp_path / "cast.json"
    write_cast_file(path, book, {"m": {"narrator": "george"}})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left"):
        write_cast_file(path, book, {"m": {"narrator": "emma"}})
    assert read_cast_file(path) == {"m": {"narrator": "george"}}
    assert [p.name for p in tmp_path.iterdir()] == ["cast.json"]


def test_a_cast_survives_its_json() -> None:
    made = cast_novel(novel({}, [("narrator", "x")]), VOICES, "m", "en")
    assert Cast.model_validate_json(made.model_dump_json()) == made
