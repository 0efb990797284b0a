"""Names → models: what each is, what it needs, whether it is installed, and how to run it."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from models import measured, terms
from models.machine import EngineSettings, Machine
from models.process import EngineSpec
from models.speech.reference_voices import reference_voices
from models.worker import file_version
from story.cast import Voice
from story.errors import InputError
from story.novel import is_chinese

DATA = Path(__file__).resolve().parent / "data"


class ModelEntry(BaseModel):
    """One engine as models/data/catalog.json declares it, or one of the user's own from `[engines.<name>]`.

    The engine's class is built in the model process as `Class(settings, device)`: models/base.py. Its module is also
    imported here, in our interpreter, for `fingerprint(settings) -> str` (version of engine and weights, "" if the
    weights are not there), so it must import its heavy packages inside the class only.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: Literal["speech", "sound"]
    engine: str  # 'module:Class' or '/path/file.py:Class'
    title: str = ""
    languages: list[str] = []  # speech: primary language tags
    quality: int = 0  # `auto` takes the highest that is ready
    licence: str = "yours"
    commercial: bool = True  # its licence lets a person sell what it makes
    terms: str = ""  # a notice that a person has to accept before it is used
    runs_on: list[Literal["cpu", "cuda"]] = ["cpu"]
    own_interpreter: bool = False  # a venv in <home>/engines/<name>, since its packages exclude ours
    packages: list[str] = []  # import names its interpreter needs beside ours
    needs_options: list[str] = []  # options that only the user can set
    needs_weights: bool = False  # a folder, <home>/models/<name> unless set
    install: str = ""  # the command that brings what is lacking
    memory_mb: float = 0.0  # declared; what was measured here counts more
    options: dict[str, Any] = {}  # settings it is built with, under the user's own
    env: dict[str, str] = {}
    voices: Path | None = None
    voice_files: list[str] = []  # suffixes of a voice's clips, for engines that learn it from recordings


class ModelState(BaseModel):
    """What `soundbound models` shows of one model."""

    name: str
    kind: str
    title: str
    languages: list[str]
    installed: bool  # nothing is lacking
    lacking: list[str]  # sentences: what it cannot run without
    licence: str
    commercial: bool
    voices: int
    runs_on: list[str]
    device: str  # where it would run on this machine
    python: str  # the interpreter, "" for ours
    weights: str  # the folder, "" if it needs none
    memory_mb: float
    memory_measured: bool
    speed: float  # last measured, seconds of audio per second; 0 if not yet
    batch: int  # largest that went well; 0 if not yet measured
    note: str = ""


def entries(machine: Machine) -> dict[str, ModelEntry]:
    """The built-in models and the user's own, by name. The user may give a built-in one voices and languages."""
    recordings = machine.home / "voices"
    built_in = {
        e.name: e.model_copy(update={"voices": recordings}) if e.voice_files else e for e in _built_in()
    }
    for name, s in machine.engines.items():
        if name in built_in and not s.engine:
            given = {"voices": s.voices, "languages": s.languages}
            built_in[name] = built_in[name].model_copy(update={k: v for k, v in given.items() if v})
    own = {
        name: ModelEntry(
            name=name,
            kind=s.kind or "speech",
            engine=s.engine,
            title="your own engine",
            languages=s.languages or [],
            runs_on=["cpu", "cuda"],
            memory_mb=s.memory_mb or 0.0,
            voices=s.voices,
        )
        for name, s in machine.engines.items()
        if s.engine
    }
    return {**built_in, **own}


def entry(name: str, kind: str, machine: Machine) -> ModelEntry:
    """The model by name; raises InputError with the nearest names."""
    known = {n: e for n, e in entries(machine).items() if e.kind == kind}
    if name not in known:
        near = difflib.get_close_matches(name, known, 3) or sorted(known)
        raise InputError(
            f"there is no {kind} model {name!r}",
            where=f"--{kind}",
            remedy=f"choose {', '.join(near)} or auto",
        )
    return known[name]


def weights_dir(model: ModelEntry, machine: Machine) -> Path:
    return _settings(model.name, machine).weights or machine.models_dir / model.name


def engine_dir(name: str, machine: Machine) -> Path:
    """The venv of an engine that has an interpreter of its own."""
    return machine.home / "engines" / name


def interpreter(model: ModelEntry, machine: Machine) -> Path | None:
    """The engine's own interpreter: as set, or in its venv; None for ours."""
    if own := _settings(model.name, machine).python:
        return own
    return engine_dir(model.name, machine) / "bin" / "python" if model.own_interpreter else None


def device_of(model: ModelEntry, machine: Machine) -> str:
    """Where it runs: the machine's device, or the CPU if it can do no other."""
    kind = machine.device.partition(":")[0]
    return machine.device if kind in model.runs_on else "cpu"


def lacking(model: ModelEntry, machine: Machine) -> list[str]:
    """What it cannot run without, one sentence each; nothing is loaded to find out."""
    found = []
    python = interpreter(model, machine)
    if python and not python.exists():
        found.append(f"its interpreter {python} is not there")
    elif gone := [name for name in model.packages if not _has_package(python, name)]:
        found.append(f"its packages are not installed: {', '.join(gone)}")
    if unset := [name for name in model.needs_options if not settings_of(model, machine).get(name)]:
        found.append(f"not set: {', '.join(unset)} in [engines.{model.name}.options]")
    if model.needs_weights and not _module(model.engine).fingerprint(settings_of(model, machine)):
        found.append(f"its weights are not in {weights_dir(model, machine)}")
    if model.terms and not terms.accepted(machine, model.name, model.terms):
        found.append("its terms have not been accepted")
    if model.runs_on == ["cuda"] and machine.device == "cpu":
        found.append('it needs a GPU (set device = "cuda:0")')
    return found


def is_installed(model: ModelEntry, machine: Machine) -> bool:
    return not lacking(model, machine)


def resolve(name: str, kind: str, machine: Machine, language: str | None = None) -> ModelEntry:
    """`auto` → the best installed model (for the language); a name → that model, installed and fit, or InputError."""
    if name != "auto":
        model = entry(name, kind, machine)
        if why := lacking(model, machine):
            raise InputError(
                f"{name} cannot be used: {'; '.join(why)}", where=f"--{kind} {name}", remedy=_remedy(model)
            )
        if language and kind == "speech" and model.languages and not speaks(model, language):
            raise InputError(
                f"{name} does not speak {language!r} (it speaks {', '.join(model.languages)})",
                where=f"--speech {name}",
                remedy="use --speech auto, or see: soundbound models",
            )
        return model
    fit = [
        e
        for e in entries(machine).values()
        if e.kind == kind and (not language or kind == "sound" or speaks(e, language))
    ]
    ready = [e for e in fit if is_installed(e, machine)]
    if not ready:
        # the one that is easiest to bring first: no venv of its own, then the best
        could = max(fit, key=lambda e: (not e.own_interpreter, e.quality), default=None)
        remedy = _remedy(could) if could else "name a speech server or engine of your own in soundbound.toml"
        raise InputError(f"no installed model speaks {language!r}", where="--speech auto", remedy=remedy)
    return max(ready, key=lambda e: e.quality)


def speaks(model: ModelEntry, language: str) -> bool:
    primary = "zh" if is_chinese(language) else language.lower().split("-")[0]
    return primary in model.languages


def settings_of(model: ModelEntry, machine: Machine) -> dict[str, Any]:
    """What the engine's class is built with."""
    own = _settings(model.name, machine)
    settings = {**model.options, **own.options}
    if model.needs_weights or own.weights:
        settings["weights"] = str(weights_dir(model, machine))
    if model.voice_files:
        settings["voices"] = str(model.voices)
    return settings


def spec(model: ModelEntry, machine: Machine) -> EngineSpec:
    """How to run it: engine, interpreter, settings, device, and the version that goes into every take's key."""
    own, settings = _settings(model.name, machine), settings_of(model, machine)
    version, device = _version(model, settings), device_of(model, machine)
    known = measured.read(machine, model.name, version, device)
    return EngineSpec(
        name=model.name,
        kind=model.kind,
        engine=model.engine,
        settings=settings,
        version=version,
        device=device,
        memory_mb=own.memory_mb or known.need_mb or model.memory_mb,
        python=interpreter(model, machine),
        env={**model.env, **own.env},
    )


def voices(model: ModelEntry) -> list[Voice]:
    """The voices a speech model offers, from its data file."""
    if model.voice_files and model.voices:
        return reference_voices(model.voices, model.name, tuple(model.voice_files))
    path = model.voices or DATA / f"voices_{model.name}.json"
    if not path.exists():
        raise InputError(
            "has no voices file", where=f"model {model.name}", remedy='set voices = "…json" for it'
        )
    data = json.loads(path.read_text(encoding="utf-8"))
    found = TypeAdapter(list[Voice]).validate_python(data["voices"] if isinstance(data, dict) else data)
    return [v.model_copy(update={"model": model.name}) for v in found]


def states(machine: Machine) -> list[ModelState]:
    return [state(e, machine) for e in entries(machine).values()]


def state(model: ModelEntry, machine: Machine) -> ModelState:
    why, device = lacking(model, machine), device_of(model, machine)
    known = measured.latest(machine, model.name, device)
    declared_mb = _settings(model.name, machine).memory_mb or model.memory_mb
    return ModelState(
        name=model.name,
        kind=model.kind,
        title=model.title,
        languages=model.languages,
        installed=not why,
        lacking=why,
        licence=model.licence,
        commercial=model.commercial,
        voices=len(voices(model)) if model.kind == "speech" else 0,
        runs_on=list(model.runs_on),
        device=device,
        python=str(interpreter(model, machine) or ""),
        weights=str(weights_dir(model, machine)) if model.needs_weights else "",
        memory_mb=round(known.peak_mb or declared_mb),
        memory_measured=known.peak_mb > 0,
        speed=round(known.speed, 2),
        batch=known.batch,
        note=_remedy(model) if why else "",
    )


def _remedy(model: ModelEntry) -> str:
    return f"run: {model.install}" if model.install else f"see [engines.{model.name}] in docs/models.md"


@functools.cache
def _built_in() -> tuple[ModelEntry, ...]:
    data = json.loads((DATA / "catalog.json").read_text(encoding="utf-8"))
    return tuple(TypeAdapter(list[ModelEntry]).validate_python(data["models"]))


def _settings(name: str, machine: Machine) -> EngineSettings:
    return machine.engines.get(name, EngineSettings())  # pyright: ignore[reportCallIssue]


def _module(engine: str):
    return importlib.import_module(engine.rpartition(":")[0])


def _has_package(python: Path | None, name: str) -> bool:
    """Whether an interpreter has a package, without running it: for a venv by its folders."""
    if python is None:
        return importlib.util.find_spec(name) is not None
    places = python.parent.parent.glob("lib*/python*/site-packages")
    return any((place / name).exists() or (place / f"{name}.py").exists() for place in places)


def _version(model: ModelEntry, settings: dict) -> str:
    """Known without loading anything: the module's `fingerprint(settings)`, or the class's own `version`.

    An engine of the user's own, in a file, is the hash of that file and its settings.
    """
    where, _, name = model.engine.rpartition(":")
    if not where.endswith(".py"):
        module = _module(model.engine)
        tell = getattr(module, "fingerprint", None)
        return tell(settings) if tell else getattr(module, name).version
    try:
        return file_version(Path(where), settings)
    except OSError as e:
        raise InputError(
            f"{where} cannot be read: {e.strerror}", where=f"[engines.{model.name}] engine"
        ) from e
