"""What the conformance suite needs of an engine: a machine on which it can run, requests it makes, one it cannot.

Every engine of the catalog is in the suite by itself. One whose real weights are too large to be here adds a line to
PREPARED, which makes tiny ones in a folder and returns the settings that use them.
"""

from __future__ import annotations

import json
import shutil
import venv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from models import catalog, terms
from models.base import SoundRequest, SpeechRequest
from models.batching import Request
from models.catalog import ModelEntry
from models.machine import EngineSettings, Machine
from models.process import EngineSpec
from tests import engines, speech_server, tiny_models

STAND_INS = Path(__file__).resolve().parent / "stand_ins"
SENTENCES = {
    "en": ["The rain fell all night.", "Nobody came to the door.", "He waited."],
    "zh": ["雨下了一整夜。", "没有人来敲门。", "他在等船。"],
}


def _tangoflux(folder: Path) -> EngineSettings:
    options = {"dtype": "fp32", "steps": 2}
    return EngineSettings(weights=tiny_models.tangoflux_folder(folder / "tangoflux"), options=options)


def _stable_audio_3(folder: Path) -> EngineSettings:
    return EngineSettings(
        weights=tiny_models.stable_audio_folder(folder / "stable-audio-3"), options={"dtype": "fp32"}
    )


def _openai(_: Path) -> EngineSettings:
    options = {"url": speech_server.shared().url, "tries": 2}
    voices = engines.VOICES.with_name("voices_server.json")
    return EngineSettings(options=options, voices=voices, languages=["en"])


def _standing_in(package: str, kind: str = "") -> Callable[[Path], EngineSettings]:
    """An engine with an interpreter of its own: a real venv, the package's stand-in in it, files where weights go."""

    def prepare(folder: Path) -> EngineSettings:
        python = stand_in_venv(folder / "venv", package)
        weights = folder / "weights"
        weights.mkdir()
        (weights / "config.yaml").write_text("stand: in\n")
        (weights / "config.json").write_text(json.dumps({"tts_model_type": kind}))
        reference_voice(folder / "voices" / "ahab")
        return EngineSettings(weights=weights, python=python)

    return prepare


def stand_in_venv(folder: Path, package: str) -> Path:
    """A venv that has the stand-in and, through a .pth file, what our own has (numpy, torch, soundfile)."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    shutil.copytree(STAND_INS / package, site / package)
    shutil.copy(STAND_INS / "tone.py", site)
    (site / "ours.pth").write_text(f"{Path(soundfile.__file__).parent}\n")
    return folder / "bin" / "python"


def reference_voice(folder: Path, emotions: tuple[str, ...] = ("neutral", "angry")) -> None:
    """A voice of tones: a clip, a latent and a transcript for each emotion."""
    folder.mkdir(parents=True)
    about = {"gender": "male", "age": "old", "languages": ["en", "zh"]}
    (folder / "voice.json").write_text(json.dumps(about))
    for i, emotion in enumerate(emotions):
        wave = 0.1 * np.sin(np.arange(24_000) * (0.03 + 0.01 * i))
        soundfile.write(folder / f"{emotion}.wav", wave, 24_000)
        np.save(folder / f"{emotion}.npy", np.zeros((1, 25, 32), np.float32))
        (folder / f"{emotion}.txt").write_text("From hell's heart I stab at thee.")


# name of a catalog engine → (folder) → settings under which it runs with tiny weights
PREPARED: dict[str, Callable[[Path], EngineSettings]] = {
    "openai": _openai,
    "tangoflux": _tangoflux,
    "stable-audio-3": _stable_audio_3,
    "megatts3": _standing_in("megatts3"),
    "qwen3-tts": _standing_in("qwen_tts", "custom_voice"),
    "qwen3-tts-clone": _standing_in("qwen_tts", "base"),
    "indextts-2.5": _standing_in("indextts25"),
}

# engines of tests/engines.py that behave, as a person would declare their own
OWN = {
    "tone": EngineSettings(
        kind="speech", engine=f"{engines.HERE}:Tone", languages=["en"], voices=engines.VOICES
    ),
    "batched": EngineSettings(
        kind="speech", engine=f"{engines.HERE}:Batched", languages=["en"], voices=engines.VOICES
    ),
}


@dataclass(frozen=True)
class Case:
    entry: ModelEntry
    spec: EngineSpec
    requests: list[Request]  # three that it makes, alike enough to go in one batch
    impossible: Request  # one that it must refuse with CannotMake


def names() -> list[str]:
    # The voice designer speaks with no voice of its own: tests/test_cloning.py.
    return [name for name in [*catalog.entries(Machine()), *OWN] if name != "qwen3-tts-design"]


def machine_for(name: str, home: Machine, folder: Path) -> Machine:
    if name in PREPARED:
        prepared = home.model_copy(update={"home": folder, "engines": {name: PREPARED[name](folder)}})
        terms.accept(prepared, name, catalog.entries(prepared)[name].terms)
        return prepared
    if name in OWN:
        return home.model_copy(update={"engines": {name: OWN[name]}})
    return home


def case(name: str, machine: Machine) -> Case:
    entry = catalog.entries(machine)[name]
    spec = catalog.spec(entry, machine)
    if entry.kind == "sound":
        made: list[Request] = [
            SoundRequest(f"b{i}", "bed", s["id"], s["ucs"], s["prompt"], 2.0, seed=i)
            for i, s in enumerate(_sounds()["beds"][2:5])
        ]
        return Case(entry, spec, made, replace(made[0], sound="no_such_sound", ucs="", prompt=""))
    language = entry.languages[0] if entry.languages else "en"
    voice = next(v for v in catalog.voices(entry) if any(language in tag for tag in v.languages))
    spoken: list[Request] = [
        SpeechRequest(f"s{i}", text, voice.parameters, language, seed=i)
        for i, text in enumerate(SENTENCES[language])
    ]
    return Case(entry, spec, spoken, replace(spoken[0], text="", language="tlh"))


@cache
def _sounds() -> dict:
    path = Path(catalog.__file__).resolve().parent.parent / "story" / "data" / "sounds.json"
    return json.loads(path.read_text(encoding="utf-8"))
