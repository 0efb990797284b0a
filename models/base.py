"""What every model is, whatever it makes: a request goes in, one piece of audio comes out.

This module and the engines are all that a model process loads, perhaps under an interpreter of its own that has
little more than numpy and the engine. So: standard library and numpy only here, and plain frozen dataclasses
instead of pydantic (the parent validates what crosses the pipe).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np


@dataclass(frozen=True)
class SpeechRequest:
    """One line to be spoken. Every field but `id` can change the sound and is part of the take's key."""

    id: str  # where the take is used (segment id); never part of the key
    text: str
    voice: dict[str, Any]  # the voice's parameters as its engine understands them (from its voices data)
    language: str  # BCP 47, e.g. "en" or "zh-Hans"
    speed: float = 1.0  # 1 = the voice's own pace
    energy_db: float = 0.0
    pitch_st: float = 0.0  # semitones
    pitch_range: float = 1.0  # factor on the range of the melody
    pause_scale: float = 1.0  # of pauses inside the line
    emotion: str = "neutral"
    intensity: float = 0.5  # 0..1
    style: str = ""  # whisper | shout | …
    instruct: str = ""  # natural-language direction, for engines that read it
    # happy, angry, sad, afraid, disgusted, melancholic, surprised, calm (0..1), for engines that take numbers
    emo_vector: tuple[float, ...] = ()
    pronunciation: dict[str, str] = field(default_factory=dict)  # word → phonemes in the engine's alphabet
    seed: int = 0
    attempt: int = 0  # > 0: made again after a failed check; a deterministic engine varies a little by it


@dataclass(frozen=True)
class SoundRequest:
    """One bed or one effect. `sound` is a class of story/data/sounds.json, finer than its UCS CatID."""

    id: str
    kind: Literal["bed", "effect"]
    sound: str
    ucs: str
    prompt: str
    duration_s: float
    seed: int = 0
    attempt: int = 0


@dataclass(frozen=True)
class Word:
    """A spoken word: `char_start`/`char_end` are code points into the request's text, times are seconds."""

    char_start: int
    char_end: int
    start_s: float
    end_s: float


@dataclass
class Rendered:
    """What an engine returns: float32 `(channels, samples)`, nominally −1..1."""

    samples: np.ndarray
    sample_rate_hz: int
    words: list[Word] | None = None
    words_exact: bool = False  # from the model's own durations, not estimated


class CannotMake(Exception):
    """The engine has no way to make this request (unknown sound or voice). Final: it is not tried again."""


class OutOfMemory(Exception):
    """The device's memory did not suffice. torch's own out-of-memory errors and MemoryError are recognised too, so an
    engine on torch need not raise it. The batch comes again, halved."""


class SpeechModel(Protocol):
    """A speech engine as the model process sees it. Built once a stage by `Engine(settings, device)`.

    `settings` holds what the catalog and `[engines.<name>] options` say, and `weights` (a folder) if it has any;
    `device` is "cpu" or "cuda:<index>".

    An engine that can make several requests in one go is a `Batching` one instead of having `render`.

    An engine in a file of the user's own leaves `version` out: it is the hash of that file and its settings.

    Optional: `memory_mb() -> float`, its peak device memory since the last call, where neither torch nor the
    process's own size tells it.
    """

    version: str  # of engine and weights: part of every take's key
    lanes: int  # requests it likes to have under way at once (threads), 1 if it is not thread-safe

    def render(self, request: SpeechRequest) -> Rendered: ...


class SoundModel(Protocol):
    """A sound engine: beds and effects."""

    version: str
    lanes: int

    def render(self, request: SoundRequest) -> Rendered: ...


class Batching(Protocol):
    """A speech or sound engine that makes up to `batch` requests in one go; how many come is found by measured memory.

    Only requests that are alike in the fields named by `batch_by` come together. One result per request, in order; a
    request that fails alone has its exception (CannotMake or any other) as its result. A take must not depend on its
    batch: each item equals its single run (tests/test_conformance.py; 1e-5 of full scale).
    """

    version: str
    lanes: int
    batch: int
    batch_by: tuple[str, ...]  # e.g. ("duration_s",) or ("voice", "language"); () = any go together

    def render_batch(
        self, requests: Sequence[SpeechRequest] | Sequence[SoundRequest]
    ) -> list[Rendered | Exception]: ...
