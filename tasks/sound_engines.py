"""Which engine makes a sound: the person's own library where it has one, the chosen model otherwise."""

from __future__ import annotations

from models.base import CannotMake, SoundRequest, SpeechRequest
from models.catalog import ModelEntry, spec
from models.machine import Machine
from models.process import EngineSpec
from models.sound.library import Library


class SoundEngines:
    """Built once a render. The library's version is its content's, so a changed recording is a new take."""

    def __init__(self, model: ModelEntry, machine: Machine) -> None:
        self._model = spec(model, machine)
        self._library: Library | None = None
        if machine.effect_library is not None:
            settings = {"folder": str(machine.effect_library)}
            self._library = Library(settings, "cpu")
            self._library_spec = EngineSpec(
                name="library",
                kind="sound",
                engine="models.sound.library:Library",
                settings=settings,
                version=self._library.version,
            )

    def engine_for(self, request: SoundRequest) -> EngineSpec:
        return self._library_spec if self._recording(request) is not None else self._model

    def credit_for(self, request: SoundRequest | SpeechRequest) -> str:
        """The attribution a library recording asks for, or ""."""
        return (self._recording(request) or "") if isinstance(request, SoundRequest) else ""

    def _recording(self, request: SoundRequest) -> str | None:
        """The matching recording's credit ("" if it asks for none), or None when the library has no such sound."""
        if self._library is None:
            return None
        try:
            return self._library.credit_of(request)
        except CannotMake:
            return None
