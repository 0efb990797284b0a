"""Names → models: what each is, what it needs, whether it is installed, and how to run it."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, TypeAdapter

from models.machine import EngineSettings, Machine
from models.process import EngineSpec
from story.cast import Voice
from story.errors import InputError
from story.novel import is_chinese

DATA = Path(__file__).resolve().parent / "data"


class ModelEntry(BaseModel):
    """One line of models/data/catalog.json, or an engine of the user's own from `[engines.<name>]`."""

    name: str
    kind: Literal["speech", "sound"]
    engine: str
    title: str = ""
    languages: list[str] = []  # speech: primary language tags
    quality: int = 0  # `auto` takes the highest that is installed
    licence: str = "yours"
    needs_weights: bool = False
    install: str = ""  # the command that brings the weights
    memory_mb: float = 0.0
    voices: Path | None = None


class ModelState(BaseModel):
    """What `soundbound models` shows of one model."""

    name: str
    kind: str
    title: str
    languages: list[str]
    installed: bool
    licence: str
    voices: int
    note: str = ""


def entries(machine: Machine) -> dict[str, ModelEntry]:
    """The built-in models and the user's own, by name."""
    built_in = {e.name: e for e in _built_in()}
    own = {
        name: ModelEntry(
            name=name,
            kind=s.kind or "speech",
            engine=s.engine,
            title="your own engine",
            languages=s.languages or [],
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


def is_installed(model: ModelEntry, machine: Machine) -> bool:
    if not model.needs_weights:
        return True
    return bool(_module(model.engine).fingerprint({"weights": str(weights_dir(model, machine))}))


def resolve(name: str, kind: str, machine: Machine, language: str | None = None) -> ModelEntry:
    """`auto` → the best installed model (for the language); a name → that model, installed and fit, or InputError."""
    if name != "auto":
        model = entry(name, kind, machine)
        if not is_installed(model, machine):
            raise InputError(
                f"{name} is not installed", where=f"--{kind} {name}", remedy=f"run: {model.install}"
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
        could = max(fit, key=lambda e: e.quality, default=None)
        remedy = (
            f"run: {could.install}"
            if could
            else "name a speech server or engine of your own in soundbound.toml"
        )
        raise InputError(f"no installed model speaks {language!r}", where="--speech auto", remedy=remedy)
    return max(ready, key=lambda e: e.quality)


def speaks(model: ModelEntry, language: str) -> bool:
    primary = "zh" if is_chinese(language) else language.lower().split("-")[0]
    return primary in model.languages


def spec(model: ModelEntry, machine: Machine) -> EngineSpec:
    """How to run it: engine, settings and the version that goes into every take's key."""
    own = _settings(model.name, machine)
    settings = {**own.options}
    if model.needs_weights or own.weights:
        settings["weights"] = str(weights_dir(model, machine))
    return EngineSpec(
        name=model.name,
        kind=model.kind,
        engine=model.engine,
        settings=settings,
        version=_version(model, settings),
        device=machine.device,
        memory_mb=own.memory_mb or model.memory_mb,
        python=own.python,
        env=own.env,
    )


def voices(model: ModelEntry) -> list[Voice]:
    """The voices a speech model offers, from its data file."""
    path = model.voices or DATA / f"voices_{model.name}.json"
    if not path.exists():
        raise InputError(
            "has no voices file", where=f"model {model.name}", remedy='set voices = "…json" for it'
        )
    data = json.loads(path.read_text(encoding="utf-8"))
    found = TypeAdapter(list[Voice]).validate_python(data["voices"] if isinstance(data, dict) else data)
    return [v.model_copy(update={"model": model.name}) for v in found]


def states(machine: Machine) -> list[ModelState]:
    return [
        ModelState(
            name=e.name,
            kind=e.kind,
            title=e.title,
            languages=e.languages,
            installed=is_installed(e, machine),
            licence=e.licence,
            voices=len(voices(e)) if e.kind == "speech" else 0,
            note="" if is_installed(e, machine) else f"install with: {e.install}",
        )
        for e in entries(machine).values()
    ]


@functools.cache
def _built_in() -> tuple[ModelEntry, ...]:
    data = json.loads((DATA / "catalog.json").read_text(encoding="utf-8"))
    return tuple(TypeAdapter(list[ModelEntry]).validate_python(data["models"]))


def _settings(name: str, machine: Machine) -> EngineSettings:
    return machine.engines.get(name, EngineSettings())  # pyright: ignore[reportCallIssue]


def _module(engine: str):
    return importlib.import_module(engine.rpartition(":")[0])


def _version(model: ModelEntry, settings: dict) -> str:
    """Known without loading anything: the module's `fingerprint(settings)`, or the class's own `version`.

    An engine of the user's own, in a file, is that file's hash.
    """
    where, _, name = model.engine.rpartition(":")
    if not where.endswith(".py"):
        module = _module(model.engine)
        tell = getattr(module, "fingerprint", None)
        return tell(settings) if tell else getattr(module, name).version
    try:
        return hashlib.sha256(Path(where).read_bytes()).hexdigest()[:16]
    except OSError as e:
        raise InputError(
            f"{where} cannot be read: {e.strerror}", where=f"[engines.{model.name}] engine"
        ) from e
