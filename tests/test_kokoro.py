"""Kokoro speaks: understandable, exactly timed, bit-identical, each voice its own. Heard by Whisper and resemblyzer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.base import CannotMake, Rendered, SpeechRequest
from models.speech import kokoro as engine
from models.speech.kokoro import Kokoro
from models.speech.onnx_graph import add_factor, add_output, read_graph
from story.cast import Voice
from story.errors import SoundboundError
from tests.ears import embed, heard, kokoro_dir, word_error  # noqa: F401

VOICES = json.loads(
    (Path(engine.__file__).parents[1] / "data/voices_kokoro.json").read_text(encoding="utf-8")
)
ENGLISH = [
    "MY curiosity was stronger than my fear, for I could not remain where I was.",
    "Dirk was a fool from the first--you wouldn't mind him. Look for them, dogs!",
    "At half past 7 the coach arrived, and 3 passengers asked for supper.",
]
MANDARIN = [
    "秋天的后半夜，月亮下去了，太阳还没有出，只剩下一片乌蓝的天。",
    "里边的小屋子里，也发出一阵咳嗽。老栓一面听，一面应，一面扣上衣服。",
    "我们还是回去罢。2024年3月5日，他走了3.5公里。",
]
CASTS = {"en": (ENGLISH, ["bm_george", "af_heart"]), "zh": (MANDARIN, ["zm_yunyang", "zf_xiaoxiao"])}


@pytest.fixture(scope="module")
def kokoro(kokoro_dir: Path) -> Kokoro:  # noqa: F811
    return Kokoro({"weights": str(kokoro_dir)}, "cpu")


def parameters(voice: str) -> dict[str, Any]:
    return next(v["parameters"] for v in VOICES if v["id"] == voice)


def request(text: str, voice: str = "bm_george", language: str = "en", **more: Any) -> SpeechRequest:
    return SpeechRequest("line", text, parameters(voice), language, **more)


@pytest.fixture(scope="module")
def spoken(kokoro: Kokoro) -> dict[tuple[str, str], list[Rendered]]:
    """Every sentence by two voices a language, made in as many lanes as the engine asks for."""
    jobs = [
        (lang, voice, text) for lang, (texts, voices) in CASTS.items() for voice in voices for text in texts
    ]
    with ThreadPoolExecutor(kokoro.lanes) as pool:
        made = pool.map(lambda job: kokoro.render(request(job[2], job[1], job[0])), jobs)
        out: dict[tuple[str, str], list[Rendered]] = {}
        for (language, voice, _), take in zip(jobs, made, strict=True):
            out.setdefault((language, voice), []).append(take)
    return out


@pytest.mark.parametrize(("language", "most"), [("en", 0.10), ("zh", 0.15)])
def test_it_is_understood(spoken: dict, language: str, most: float) -> None:
    texts, voices = CASTS[language]
    said = [
        heard(take.samples, take.sample_rate_hz, language) for v in voices for take in spoken[language, v]
    ]
    read_out = [t.replace("7", "seven").replace("3", "three") if language == "en" else t for t in texts]
    said = [s.replace("7", "seven").replace("3", "three") if language == "en" else s for s in said]
    assert word_error(read_out * len(voices), said, language) <= most, said


def test_takes_are_float_mono_in_range_with_quiet_ends(spoken: dict) -> None:
    for take in (t for takes in spoken.values() for t in takes):
        assert take.samples.dtype == np.float32
        assert take.samples.shape[0] == 1
        assert take.sample_rate_hz == 24_000
        assert np.isfinite(take.samples).all()
        assert 0.1 < np.abs(take.samples).max() <= 1.0
        assert max(np.abs(take.samples[0, :48]).max(), np.abs(take.samples[0, -48:]).max()) < 0.01


def test_word_times_are_exact_in_order_and_inside(spoken: dict) -> None:
    for (language, voice), takes in spoken.items():
        for text, take in zip(CASTS[language][0], takes, strict=True):
            assert take.words_exact
            assert take.words
            duration_s = take.samples.shape[1] / take.sample_rate_hz
            times = [t for w in take.words for t in (w.start_s, w.end_s)]
            assert times == sorted(times), (voice, text)
            assert times[0] >= 0.0
            assert duration_s - 0.4 < times[-1] <= duration_s + 1e-6
            places = [p for w in take.words for p in (w.char_start, w.char_end)]
            assert places == sorted(places)
            covered = "".join(text[w.char_start : w.char_end] for w in take.words)
            assert sum(c.isalnum() for c in covered) == sum(c.isalnum() for c in text), (voice, text)


def test_a_word_is_heard_when_its_time_says(spoken: dict) -> None:
    text, take = ENGLISH[0], spoken["en", "bm_george"][0]
    fear = next(w for w in take.words if text[w.char_start : w.char_end] == "fear")
    where = next(w for w in take.words if text[w.char_start : w.char_end] == "where")
    part = take.samples[:, int((fear.end_s - 0.05) * 24_000) : int((where.end_s + 0.05) * 24_000)]
    assert word_error(["for I could not remain where"], [heard(part, 24_000, "en")], "en") <= 0.34


def test_voices_are_their_own(spoken: dict) -> None:
    pooled = {key: [t.samples[0] for t in takes] for key, takes in spoken.items()}
    whole = {key: embed(np.concatenate(parts), 24_000) for key, parts in pooled.items()}
    keys = list(whole)
    cosines = {(a, b): float(whole[a] @ whole[b]) for i, a in enumerate(keys) for b in keys[:i]}
    assert max(cosines.values()) < 0.90, cosines


def test_the_same_request_gives_the_same_bits_in_any_lane(kokoro: Kokoro) -> None:
    jobs = [request("Is it there?"), request("Down with the door!", "bf_emma")]
    one_by_one = [kokoro.render(j).samples for j in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda j: kokoro.render(j).samples, jobs[::-1]))[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(one_by_one, together, strict=True))


def test_another_attempt_is_another_sound(kokoro: Kokoro) -> None:
    first, second = (kokoro.render(request("Is it there?", attempt=n)).samples for n in (0, 1))
    assert not np.array_equal(first, second)


def test_direction_is_followed(kokoro: Kokoro) -> None:
    line = request("Horses, and then, far away, a shot.")
    plain = kokoro.render(line).samples
    assert kokoro.render(replace(line, speed=1.25)).samples.shape[1] < 0.9 * plain.shape[1]
    assert kokoro.render(replace(line, pause_scale=3.0)).samples.shape[1] > 1.05 * plain.shape[1]
    raised = kokoro.render(replace(line, energy_db=3.0, pitch_st=3.0)).samples
    assert 1.5 < 10 * np.log10((raised**2).mean() / (plain**2).mean()) < 5.5
    assert pitch_hz(raised[0]) == pytest.approx(pitch_hz(plain[0]) * 2 ** (3 / 12), rel=0.06)


def pitch_hz(mono: np.ndarray) -> float:
    """Median f0 by autocorrelation of loud 50 ms frames."""
    frames = mono[: len(mono) // 1200 * 1200].reshape(-1, 1200)
    frames = frames[np.sqrt((frames**2).mean(1)) > 0.3 * np.sqrt((frames**2).mean(1)).max()]
    found = []
    for frame in frames * np.hanning(1200):
        r = np.fft.irfft(np.abs(np.fft.rfft(frame, 4096)) ** 2)[60:400]
        found.append(24_000 / (60 + int(r.argmax())))
    return float(np.median(found))


def test_long_lines_are_read_to_the_end(kokoro: Kokoro) -> None:
    text = "The rain fell on the road and on the sea, " * 4 + "and that was the very last word."
    take = kokoro.render(request(text, speed=1.5))
    assert take.words
    assert text[take.words[-1].char_start : take.words[-1].char_end] == "word"
    tail = take.samples[:, -int(2.5 * 24_000) :]
    assert "last word" in heard(tail, 24_000, "en").lower()


def test_the_request_pronounces_names(kokoro: Kokoro) -> None:
    plain = kokoro.render(request("Pew,"))
    other = kokoro.render(request("Pew,", pronunciation={"Pew": "bənˈɑːnə"}))
    assert "banana" in heard(other.samples, 24_000, "en").lower()
    assert not np.array_equal(plain.samples, other.samples)


@pytest.mark.parametrize(
    ("text", "language", "voice", "more"),
    [
        ("…", "en", {"preset": "af_heart"}, {}),
        ("——", "zh", {"preset": "zf_xiaoxiao"}, {}),
        ("Bonjour.", "fr", {"preset": "af_heart"}, {}),
        ("Hello.", "en", {"preset": "nobody"}, {}),
        ("Hello.", "en", {}, {}),
        ("Hello.", "en", {"preset": "af_heart"}, {"pronunciation": {"hello": "☃"}}),
    ],
)
def test_what_it_cannot_make_it_says(
    kokoro: Kokoro, text: str, language: str, voice: dict[str, Any], more: dict[str, Any]
) -> None:
    with pytest.raises(CannotMake, match=r"\w{3}"):
        kokoro.render(SpeechRequest("x", text, voice, language, **more))


def test_odd_texts_are_spoken_somehow(kokoro: Kokoro) -> None:
    for text, voice, language in (("Ａ☃ B----, “No”—", "bf_emma", "en"), ("古□亭口☃", "zm_yunjian", "zh")):
        assert kokoro.render(request(text, voice, language)).samples.shape[1] > 4_800


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    assert engine.fingerprint({"weights": str(tmp_path)}) == ""
    with pytest.raises(SoundboundError, match="soundbound models install kokoro"):
        Kokoro({"weights": str(tmp_path)}, "cpu")


def test_the_version_tells_engine_and_weights(kokoro: Kokoro, kokoro_dir: Path) -> None:  # noqa: F811
    assert kokoro.version == engine.fingerprint({"weights": str(kokoro_dir)})
    assert kokoro.version.startswith(f"kokoro-82m/{engine.ENGINE}/6e742170")


def test_listed_voices_are_complete_and_their_presets_installed(kokoro_dir: Path) -> None:  # noqa: F811
    voices = [Voice.model_validate(v) for v in VOICES]
    assert len({v.id for v in voices}) == len(voices)
    for language in ("en", "zh"):
        of = [v for v in voices if v.languages == [language]]
        for gender in ("male", "female"):
            ages = [v.age for v in of if v.gender == gender]
            assert {"child", "adult", "old"} <= set(ages), (language, gender)
            assert sum(a in ("adult", "young") for a in ages) >= 4, (language, gender)
        assert sum(v.narrator_rank is not None for v in of) >= 3
    for voice in voices:
        parts = voice.parameters.get("blend") or [[voice.parameters["preset"], 1.0]]
        for preset, weight in parts:
            assert weight > 0
            assert (kokoro_dir / "voices" / f"{preset}.bin").is_file()


def test_graph_edits_refuse_what_they_do_not_find(kokoro_dir: Path) -> None:  # noqa: F811
    model = (kokoro_dir / "kokoro.onnx").read_bytes()
    with pytest.raises(ValueError, match="no tensor /nowhere"):
        add_output(model, "/nowhere")
    with pytest.raises(ValueError, match="no tensor /nowhere"):
        add_factor(model, "/nowhere", "factor", (1,))
    for damaged in (b"", b"not a model", model[:1000]):
        with pytest.raises(ValueError, match="not an ONNX"):
            read_graph(damaged)
