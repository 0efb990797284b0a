"""Engines that learn a voice from a recording: which clip a line gets, what the engine is told, what makes a new take.

The engines' packages are stood in for (tests/stand_ins/README.md); interpreter, process and protocol are real.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from app.cli import run
from models import catalog, recipes, terms, voice_design
from models.base import SpeechRequest
from models.emotion import delivery
from models.machine import EngineSettings, Machine
from models.process import Done, Failed, ModelProcess
from models.speech.indextts import emotion_vector
from models.speech.megatts3 import P_W, T_W, guidance
from models.takes import take_key
from story.errors import InputError
from story.novel import Character
from tests.conformance import PREPARED, reference_voice, stand_in_venv
from tests.tiny_models import tangoflux_folder


def prepared(name: str, folder: Path) -> Machine:
    return Machine(home=folder, engines={name: PREPARED[name](folder)})


def told(name: str, machine: Machine, folder: Path, **line: object) -> tuple[list[dict], list[object]]:
    """What the package was told (stand-ins print it) and what came back for one line."""
    model = catalog.entries(machine)[name]
    voice = catalog.voices(model)[0]
    request = SpeechRequest("l", "They come at midnight.", voice.parameters, "en")
    heard: list[str] = []
    with ModelProcess(catalog.spec(model, machine), folder, heard.append, 120.0) as process:
        process.submit({0: replace(request, **line)})  # pyright: ignore[reportArgumentType]
        answers = [process.answer(60.0) for _ in range(3)]
    return [json.loads(x) for x in heard if x.startswith("{")], [
        a for a in answers if isinstance(a, Done | Failed)
    ]


def test_megatts3_is_told_language_and_guidance_by_intensity(tmp_path: Path) -> None:
    machine = prepared("megatts3", tmp_path)
    calm, _ = told("megatts3", machine, tmp_path)
    assert calm[0] == {"p_w": P_W[0], "t_w": T_W[0], "language": "en", "steps": 32}
    furious, answers = told("megatts3", machine, tmp_path, emotion="irate", intensity=1.0)
    assert (furious[0]["p_w"], furious[0]["t_w"]) == (P_W[1], T_W[1]), "an alias of angry, which has a clip"
    assert isinstance(answers[0], Done)
    chinese, _ = told("megatts3", machine, tmp_path, language="zh-Hans", text="他们半夜来。")
    assert chinese[0]["language"] == "zh-cn"


def test_megatts3_says_a_line_too_short_for_its_loudness_meter(tmp_path: Path) -> None:
    _, answers = told("megatts3", prepared("megatts3", tmp_path), tmp_path, text="Oh")
    assert isinstance(answers[0], Done), "0.2 s; the package's own meter refuses less than 0.4 s"


def test_megatts3_makes_the_same_line_before_and_after_its_prompt_is_known(tmp_path: Path) -> None:
    machine = prepared("megatts3", tmp_path)
    model = catalog.entries(machine)["megatts3"]
    request = SpeechRequest("l", "They come at midnight.", catalog.voices(model)[0].parameters, "en", seed=7)
    with ModelProcess(catalog.spec(model, machine), tmp_path, lambda _: None, 120.0) as process:
        waves = []
        for number in range(2):
            process.submit({number: request})
            while not isinstance(answer := process.answer(60.0), Done):
                pass
            waves.append(sf.read(answer.wav)[0])
    assert np.array_equal(*waves)


def test_guidance_leans_on_the_prompt_only_if_it_has_the_feeling() -> None:
    assert guidance(1.0, own_prompt=False) == (P_W[0], T_W[0])
    assert guidance(0.5, own_prompt=True) == (pytest.approx(1.5), pytest.approx(3.0))


def test_qwen_reads_the_direction(tmp_path: Path) -> None:
    how = delivery("sad", 0.9, "whisper")
    said, _ = told("qwen3-tts", prepared("qwen3-tts", tmp_path), tmp_path, instruct=how.instruct)
    assert said[0] == {"speaker": ["Ryan"], "instruct": [how.instruct], "language": ["English"]}
    assert "whisper" in how.instruct.lower()


def test_indextts_gets_the_numbers_of_the_table(tmp_path: Path) -> None:
    how = delivery("angry", 1.0)
    machine = prepared("indextts-2.5", tmp_path)
    said, _ = told("indextts-2.5", machine, tmp_path, emotion="angry", emo_vector=how.emo_vector)
    vector = said[0]["emo_vector"]
    assert vector.index(max(vector)) == 1, "angry is the second of the eight"
    assert sum(vector) <= 0.8001
    neutral = SpeechRequest("l", "Yes.", {}, "en", emo_vector=delivery("neutral").emo_vector)
    assert emotion_vector(neutral) is None


def test_another_recording_is_another_take_and_another_home_is_not(tmp_path: Path) -> None:
    def key(home: Path) -> str:
        voice = catalog.voices(catalog.entries(Machine(home=home))["megatts3"])[0]
        return take_key("megatts3", "1", SpeechRequest("l", "Yes.", voice.parameters, "en"))

    for home in ("a", "b"):
        reference_voice(tmp_path / home / "voices" / "ahab")
    assert key(tmp_path / "a") == key(tmp_path / "b")
    (tmp_path / "b" / "voices" / "ahab" / "neutral.npy").write_bytes(b"another latent")
    assert key(tmp_path / "a") != key(tmp_path / "b")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("voice.json", "{}", "languages"),
        ("voice.json", '{"languages": ["en"], "gender": "pirate"}', "gender"),
        ("voice.json", "not json", "JSON"),
        ("humpty.wav", "", "no known emotion"),
    ],
)
def test_a_faulty_voice_folder_is_named(tmp_path: Path, file: str, text: str, says: str) -> None:
    reference_voice(tmp_path / "voices" / "ahab")
    (tmp_path / "voices" / "ahab" / file).write_text(text)
    with pytest.raises(InputError, match=says) as e:
        catalog.voices(catalog.entries(Machine(home=tmp_path))["megatts3"])
    assert file in str(e.value)


def test_a_voice_without_a_latent_is_none_of_megatts3s(tmp_path: Path) -> None:
    reference_voice(tmp_path / "voices" / "ahab")
    (tmp_path / "voices" / "ahab" / "neutral.npy").unlink()
    known = catalog.entries(Machine(home=tmp_path))
    assert catalog.voices(known["megatts3"]) == []
    assert [v.id for v in catalog.voices(known["indextts-2.5"])] == ["ahab"]


def test_a_voice_is_designed_once_and_then_cloned(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text(json.dumps({"tts_model_type": "voice_design"}))
    python = stand_in_venv(tmp_path / "venv", "qwen_tts")
    machine = Machine(
        home=tmp_path, engines={voice_design.DESIGNER: EngineSettings(weights=weights, python=python)}
    )
    people = [
        Character(
            id="silver", name="Silver", gender="male", age="old", description="A sea cook, hearty and sly."
        ),
        Character(id="jim", name="Jim", gender="male", age="child"),
    ]
    made = voice_design.design(people, "en", machine, lambda _: None)
    assert set(made) == {"silver", "jim"}
    assert "hearty and sly" in voice_design.described(people[0])
    voices = {v.id: v for v in catalog.voices(catalog.entries(machine)["qwen3-tts-clone"])}
    assert voices["silver"].age == "old"
    assert voices["jim"].pitch_hz > 200
    assert voices["silver"].parameters["clips"] != voices["jim"].parameters["clips"]
    assert voice_design.design(people, "en", machine, lambda _: None) == {}, "they are kept"


def test_every_recipe_belongs_to_an_engine_and_every_engine_has_one() -> None:
    known = catalog.entries(Machine())
    needing = {n for n, e in known.items() if e.needs_weights and n != "kokoro"}
    assert set(recipes.recipes()) == needing
    for name, recipe in recipes.recipes().items():
        assert bool(recipe.packages) == known[name].own_interpreter


def test_weights_of_a_folder_are_linked_once_the_terms_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOUNDBOUND_HOME", str(tmp_path / "home"))
    source = tangoflux_folder(tmp_path / "downloaded")
    machine = Machine(home=tmp_path / "home")
    model = catalog.entries(machine)["tangoflux"]
    command = ["models", "install", "tangoflux", "--from", str(source)]
    assert run(command) == 2, "nobody is there to be asked"
    assert "--accept-terms" in capsys.readouterr().err
    assert not terms.accepted(machine, "tangoflux", model.terms)
    assert run([*command, "--accept-terms"]) == 0
    assert "non-commercial" in capsys.readouterr().err
    assert catalog.is_installed(model, machine)
    assert run(command) == 0, "asked once"


def test_an_unreachable_hub_is_said_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOUNDBOUND_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert run(["models", "install", "stable-audio-3", "--accept-terms", "--from", "nobody/nothing"]) == 1
    said = capsys.readouterr().err
    assert "nobody/nothing" in said
    assert "--from" in said
    assert "Traceback" not in said
