"""Which engine makes a sound: the person's own library where it has one, the chosen model otherwise."""

from __future__ import annotations

import functools

from models.base import SoundRequest
from models.catalog import ModelEntry, spec
from models.machine import Machine
from models.process import EngineSpec


def engine_for(request: SoundRequest, model: ModelEntry, machine: Machine) -> EngineSpec:
    if machine.effect_library is not None:
        library = library_spec(str(machine.effect_library))
        if _index(str(machine.effect_library), library.version).claims(request):
            return library
    return spec(model, machine)


def library_spec(folder: str) -> EngineSpec:
    """The library folder as an engine. Its version is its content's, so a changed recording is a new take."""
    from models.sound.library import fingerprint

    settings = {"folder": folder}
    return EngineSpec(
        name="library",
        kind="sound",
        engine="models.sound.library:Library",
        settings=settings,
        version=fingerprint(settings),
        device="cpu",
    )


@functools.lru_cache(maxsize=4)
def _index(folder: str, version: str):
    from models.sound.library import Library

    return Library({"folder": folder}, "cpu")
