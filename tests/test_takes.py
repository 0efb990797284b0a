"""The take store: found again by content, never trusted when damaged."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from models.base import SpeechRequest, Word
from models.quality import check_speech
from models.takes import Take, TakeStore, take_key
from tests.engines import tone

REQUEST = SpeechRequest(id="ch01-0001", text="The rain fell on the roof.", voice={"f0": 120.0}, language="en")


def put(store: TakeStore, request: SpeechRequest = REQUEST) -> Take:
    made = tone(request)
    checks = check_speech(made.samples, made.sample_rate_hz, request.text, request.language, request.speed)
    return store.put(
        take_key("tone", "1", request),
        made.samples,
        made.sample_rate_hz,
        request=request,
        model="tone",
        version="1",
        attempts=1,
        checks=checks,
        words=[Word(0, 3, 0.0, 0.5)],
    )


def test_a_stored_take_is_found_again_whole(tmp_path: Path) -> None:
    store = TakeStore(tmp_path)
    take = put(store)
    found = TakeStore(tmp_path).get(take.key)
    assert found == take
    samples, rate = sf.read(store.path(take), dtype="float32")
    assert rate == 24000
    assert np.abs(samples - tone(REQUEST).samples[0]).max() < 2**-22


def test_the_key_ignores_where_the_take_is_used() -> None:
    assert take_key("m", "1", REQUEST) == take_key("m", "1", replace(REQUEST, id="ch09-0077", attempt=2))


CHANGES = {
    "text": "The rain fell on the floor.",
    "voice": {"f0": 121.0},
    "language": "zh",
    "speed": 1.1,
    "energy_db": 1.0,
    "pitch_st": 1.0,
    "pitch_range": 1.2,
    "pause_scale": 1.2,
    "emotion": "angry",
    "intensity": 0.9,
    "style": "whisper",
    "instruct": "softly",
    "emo_vector": (0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2),
    "pronunciation": {"rain": "ɹˈAn"},
    "seed": 7,
}


def test_every_field_that_can_change_the_sound_changes_the_key() -> None:
    assert set(CHANGES) == {f.name for f in fields(SpeechRequest)} - {"id", "attempt"}
    keys = {take_key("m", "1", replace(REQUEST, **{name: value})) for name, value in CHANGES.items()}
    keys |= {take_key("m", "2", REQUEST), take_key("n", "1", REQUEST), take_key("m", "1", REQUEST)}
    assert len(keys) == len(CHANGES) + 3


@pytest.mark.parametrize(
    "damage", ["truncate", "flip", "delete audio", "delete json", "garble json", "empty json"]
)
def test_a_damaged_take_is_not_trusted(tmp_path: Path, damage: str) -> None:
    store = TakeStore(tmp_path)
    take = put(store)
    audio, record = store.path(take), store.path(take).with_suffix(".json")
    content = audio.read_bytes()
    if damage == "truncate":
        audio.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        audio.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
    elif damage == "delete audio":
        audio.unlink()
    elif damage == "delete json":
        record.unlink()
    elif damage == "garble json":
        record.write_text('{"key": 3}')
    else:
        record.write_text("")
    assert store.get(take.key) is None
    assert put(store) == take, "and it can be made again in the same place"
    assert store.get(take.key) == take


@given(st.floats(0.01, 50), st.integers(1, 2))
def test_a_take_over_full_scale_is_scaled_not_clipped(
    tmp_path_factory: pytest.TempPathFactory, gain: float, channels: int
) -> None:
    store = TakeStore(tmp_path_factory.mktemp("takes"))
    wave = np.sin(np.linspace(0, 200, 4800)).astype(np.float32)[None].repeat(channels, 0) * np.float32(gain)
    checks = check_speech(wave, 24000, "sound", "en", 1.0)
    take = store.put(
        "a" * 32, wave, 24000, request=REQUEST, model="m", version="1", attempts=1, checks=checks
    )
    samples = sf.read(store.path(take), dtype="float32", always_2d=True)[0].T
    assert samples.shape == wave.shape
    assert np.abs(samples).max() <= 1.0
    expected = wave * min(1.0, 0.999 / max(np.abs(wave).max(), 1e-9))
    assert np.allclose(samples, expected, atol=1e-6)
