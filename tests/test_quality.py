"""The quality gate lets good takes through and stops broken ones, each with its reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.base import SpeechRequest
from models.quality import Checks, check_sound, check_speech, trim
from models.speech.hibari import Hibari

RATE = 24_000
TEXT = "There was a pause, then a cry of surprise, and then a voice shouting from the house."


@pytest.fixture(scope="module")
def engine() -> Hibari:
    return Hibari({}, "cpu")


@pytest.fixture(scope="module")
def speech(engine: Hibari) -> np.ndarray:
    return say(engine, TEXT)


def say(engine: Hibari, text: str, **how) -> np.ndarray:
    return engine.render(SpeechRequest(id="x", text=text, voice={}, language="en", **how)).samples


def silence(seconds: float) -> np.ndarray:
    return np.zeros((1, round(seconds * RATE)), np.float32)


def judge(samples: np.ndarray, text: str = TEXT) -> Checks:
    return check_speech(samples, RATE, text, "en", 1.0)


@pytest.mark.parametrize(
    "text",
    ["No!", "Pew,", "Oh, Johnny, Johnny, don't leave old Pew!", TEXT, "Well… I don't know… I really don't."],
)
@pytest.mark.parametrize(
    "how", [{}, {"style": "whisper", "energy_db": -8.0}, {"style": "shout", "energy_db": 8.0}]
)
def test_good_speech_passes(engine: Hibari, text: str, how: dict) -> None:
    found = judge(trim(say(engine, text, **how), RATE)[0], text)
    assert found.passed, found.problems
    assert found.problems == []


def broken(speech: np.ndarray, kind: str) -> np.ndarray:
    third = speech.shape[1] // 3
    rng = np.random.default_rng(0)
    match kind:
        case "silent":
            return np.zeros_like(speech)
        case "finite":
            bad = speech.copy()
            bad[0, third] = np.nan
            return bad
        case "empty":
            return speech[:, :0]
        case "clipped":
            return np.clip(speech * 12, -1, 1)
        case "flat tops":  # clipped, then turned down
            return np.clip(speech * 12, -1, 1) * np.float32(0.5)
        case "offset":
            return speech + np.float32(0.1)
        case "too short":
            return speech[:, : third // 3]
        case "too long":
            return np.concatenate([speech] * 4, axis=1)
        case "inside the line":
            return np.concatenate([speech[:, :third], silence(2.5), speech[:, third:]], axis=1)
        case "after the last word":
            return np.concatenate([speech, silence(2.5)], axis=1)
        case "hiss":
            hiss = rng.standard_normal((1, round(2.0 * RATE))).astype(np.float32) * 0.05
            return np.concatenate([speech, hiss], axis=1)
        case "drone":
            tone = 0.1 * np.sin(2 * np.pi * 180 * np.arange(round(2.0 * RATE)) / RATE, dtype=np.float32)
            return np.concatenate([speech, tone[None]], axis=1)
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "says"),
    [("silent", "silent"), ("finite", "not finite"), ("empty", "empty"), ("clipped", "clipped"), ("flat tops", "clipped"),
     ("offset", "offset"), ("too short", "too short"), ("too long", "too long"), ("inside the line", "inside the line"),
     ("after the last word", "after the last word"), ("hiss", "runs on"), ("drone", "runs on")],
)  # fmt: skip
def test_a_broken_take_is_stopped_with_its_reason(speech: np.ndarray, kind: str, says: str) -> None:
    found = judge(broken(speech, kind))
    assert not found.passed
    assert any(says in problem for problem in found.problems), found.problems
    assert found.score < judge(speech).score - 0.9


def test_the_score_prefers_the_lesser_evil(speech: np.ndarray) -> None:
    order = ["empty", "silent", "too long", "offset"]
    scores = [judge(broken(speech, kind)).score for kind in order]
    assert scores == sorted(scores)


def test_chinese_takes_are_measured_by_their_characters(speech: np.ndarray) -> None:
    ten_seconds = np.concatenate([speech] * 2, axis=1)[:, : 10 * RATE]
    fits = "秋天的后半夜，月亮下去了，太阳还没有出，只剩下一片乌蓝的天；除了夜游的东西，什么都睡着。"
    assert check_speech(ten_seconds, RATE, fits, "zh", 1.0).passed
    assert "too long" in str(check_speech(ten_seconds, RATE, "好。", "zh", 1.0).problems)


def test_beds_and_effects() -> None:
    rng = np.random.default_rng(0)
    rain = (rng.standard_normal((2, 10 * 48_000)) * 0.05).astype(np.float32)
    assert check_sound(rain, 48_000, 10.0, "bed").passed
    assert "too short" in str(check_sound(rain[:, : 5 * 48_000], 48_000, 10.0, "bed").problems)
    hole = rain.copy()
    hole[:, 3 * 48_000 : 6 * 48_000] = 0
    assert "hole" in str(check_sound(hole, 48_000, 10.0, "bed").problems)
    shot = rain[:, :48_000] * np.exp(-np.arange(48_000) / 4800, dtype=np.float32)
    assert check_sound(shot, 48_000, 1.5, "effect").passed
    assert not check_sound(np.clip(rain * 40, -1, 1), 48_000, 10.0, "bed").passed
    assert not check_sound(rain * 0, 48_000, 10.0, "bed").passed
    assert "too long" in str(check_sound(rain, 48_000, 1.0, "effect").problems)
    thunder = 0.9 * np.sin(2 * np.pi * 40 * np.arange(96_000) / 48_000, dtype=np.float32)[None]
    assert check_sound(thunder, 48_000, 2.0, "effect").passed  # a slow wave's own top is no clipping


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 2), st.integers(0, 3000)), elements=st.floats(width=32)))
def test_any_audio_gets_a_verdict_and_trim_never_grows_it(samples: np.ndarray) -> None:
    found = judge(samples)
    assert found.passed == (not found.problems)
    assert np.isfinite(found.score)
    out, cut_s = trim(samples, RATE)
    assert out.shape[1] <= samples.shape[1]
    assert 0 <= cut_s * RATE <= samples.shape[1]
    assert isinstance(check_sound(samples, RATE, 1.0, "effect"), Checks)


@pytest.mark.parametrize("noise_db", [None, -80.0, -60.0])
@pytest.mark.parametrize("how", [{}, {"style": "whisper", "energy_db": -6.0}])
@pytest.mark.parametrize(
    "text", ["Fifth, the fish is fresh, if", "Half of his staff laugh.", "He has heard enough", "Hush."]
)
def test_trim_cuts_silence_and_no_consonant(
    engine: Hibari, text: str, how: dict, noise_db: float | None
) -> None:
    """Words begin and end in soft fricatives; their times are the model's own."""
    made = engine.render(SpeechRequest(id="x", text=text, voice={}, language="en", **how))
    assert made.words
    padded = np.concatenate([silence(0.5), made.samples, silence(0.8)], axis=1)
    energy = np.cumsum(padded[0].astype(np.float64) ** 2)
    if noise_db is not None:
        noise = np.random.default_rng(1).standard_normal(padded.shape).astype(np.float32)
        padded = padded + noise * np.float32(10 ** (noise_db / 20))
    out, cut_s = trim(padded, RATE)
    first_s, last_s = 0.5 + made.words[0].start_s, 0.5 + made.words[-1].end_s
    assert cut_s <= first_s + 0.03  # a word's nominal start holds a moment of closure
    kept = (
        energy[min(len(energy), round(cut_s * RATE) + out.shape[1]) - 1]
        - energy[max(0, round(cut_s * RATE) - 1)]
    )
    assert kept / energy[-1] > (0.999 if noise_db is None else 0.995)
    assert out.shape[1] / RATE < last_s - first_s + 0.4
    assert cut_s > 0.3


def test_trim_leaves_what_it_promises(speech: np.ndarray) -> None:
    burst = speech[:, 12_000:24_000]
    out, cut_s = trim(np.concatenate([silence(1), burst, silence(1)], axis=1), RATE, head_s=0.05, tail_s=0.1)
    assert cut_s == pytest.approx(0.95, abs=0.03)
    assert out.shape[1] / RATE == pytest.approx(0.5 + 0.15, abs=0.06)
    same, cut_s = trim(silence(1), RATE)
    assert same.shape[1] == RATE
    assert cut_s == 0
