"""The emotion table: every name people write is found, and no delivery leaves the bounds a voice bears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import emotion as module
from models.emotion import delivery, emotions, nearest_emotions, styles
from models.emotion_names import names, table

ASKED = "neutral happy excited angry annoyed furious sad despairing fearful terrified surprised disgusted contemptuous calm tender tired nervous desperate proud ironic serious pleading"
FIGURES = ("speed", "energy_db", "pitch_st", "pitch_range", "pause_scale")
PLAIN = (1.0, 0.0, 0.0, 1.0, 1.0)


def figures(*how) -> tuple[float, ...]:
    return tuple(getattr(delivery(*how), name) for name in FIGURES)


def test_the_table_is_complete() -> None:
    assert set(ASKED.split()) <= set(emotions())
    assert {"whisper", "shout", "murmur", "sing-song", "thought"} <= set(styles())
    for row in [*table()["emotions"], *table()["styles"]]:
        assert any("\u4e00" <= c <= "\u9fff" for alias in row["aliases"] for c in alias), row["name"]
        assert row["instruct"].endswith(".")
    # one name, one meaning: across emotions and styles too
    every = [n for row in [*table()["emotions"], *table()["styles"]] for n in [row["name"], *row["aliases"]]]
    assert len(every) == len(set(every))


@given(
    st.sampled_from([*names("emotions"), *names("styles"), "unheard of"]),
    st.floats(0, 1),
    st.sampled_from(["", "unheard of", *names("styles")]),
)
def test_every_delivery_stays_within_the_bounds(emotion: str, intensity: float, style: str) -> None:
    d = delivery(emotion, intensity, style)
    for value, (low, high) in (
        (d.speed, module.SPEED),
        (d.energy_db, module.ENERGY_DB),
        (d.pitch_st, module.PITCH_ST),
        (d.pitch_range, module.PITCH_RANGE),
        (d.pause_scale, module.PAUSE_SCALE),
    ):
        assert low <= value <= high
    assert 0.85 <= d.speed <= 1.15
    assert -2.5 <= d.pitch_st <= 2.5
    assert len(d.emo_vector) == 8
    assert all(0 <= v <= 1 for v in d.emo_vector)
    assert d.known == ("unheard of" not in (emotion, style))


@given(st.sampled_from(emotions()), st.floats(0, 1))
def test_intensity_leads_straight_from_neutral_to_the_row(emotion: str, intensity: float) -> None:
    full = figures(emotion, 1.0)
    for value, plain, goal in zip(figures(emotion, intensity), PLAIN, full, strict=True):
        assert value == pytest.approx(plain + intensity * (goal - plain), abs=1e-3)


@pytest.mark.parametrize("emotion", ["", "neutral", "angry", "furious", "平静"])
def test_no_intensity_is_neutral(emotion: str) -> None:
    assert figures(emotion, 0.0) == PLAIN
    assert delivery(emotion, 0.0).instruct == ""


def test_directions_follow_the_acoustics_of_emotion() -> None:
    """Juslin & Laukka 2003: anger loud and fast, fear high and fast, sadness slow, soft and low."""
    angry, terrified, sad = delivery("angry", 1.0), delivery("terrified", 1.0), delivery("sad", 1.0)
    assert angry.energy_db > 0 > sad.energy_db
    assert terrified.pitch_st > 0 > sad.pitch_st
    assert sad.speed < 1 < terrified.speed
    assert sad.pause_scale > 1 > terrified.pause_scale
    assert angry.emo_vector.index(max(angry.emo_vector)) == 1
    assert sad.emo_vector.index(max(sad.emo_vector)) == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Angrily", "angry"), ("very sad", "sad"), ("愤怒地", "angry"), ("sad and weary", "sad"), ("sadness", "sad"),
     ("HAPPY", "happy"), ("悲伤", "sad"), ("柔和", "tender"), ("in quiet despair", "despairing"), ("十分害怕", "fearful")],
)  # fmt: skip
def test_names_as_people_write_them(written: str, meant: str) -> None:
    assert delivery(written, 1.0) == delivery(meant, 1.0)
    assert delivery(written, 1.0).known


def test_a_style_may_stand_in_the_emotion_s_place_and_the_other_way_round() -> None:
    assert delivery("whispering", 0.5) == delivery("neutral", 0.5, "whisper")
    assert delivery("neutral", 0.7, "furious") == delivery("furious", 0.7)


def test_a_style_comes_on_top() -> None:
    plain, quiet = delivery("angry", 0.5), delivery("angry", 0.5, "whisper")
    assert quiet.energy_db == pytest.approx(plain.energy_db - 6.0)
    assert "Whisper." in quiet.instruct
    assert "angrily" in quiet.instruct


def test_the_unknown_is_neutral_and_says_so() -> None:
    d = delivery("blorpish", 1.0)
    assert not d.known
    assert figures("blorpish", 1.0) == PLAIN
    assert nearest_emotions("hapy")[0] == "happy"
    assert nearest_emotions("angri")[0] == "angry"
    assert nearest_emotions("qqqq")
