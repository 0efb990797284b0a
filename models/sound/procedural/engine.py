"""The engine: a request's sound id (or, failing that, its UCS CatID) picks a maker; its seed fixes every detail."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

from models.base import CannotMake, Rendered, SoundRequest
from models.sound.procedural import (  # noqa: F401  (importing a module registers its sounds)
    animals,
    birds,
    blows,
    boats,
    brittle,
    fire,
    metal,
    people,
    places,
    soft,
    steps,
    vehicles,
    water,
    weather,
    wood,
)
from models.sound.procedural.canvas import finish_bed, finish_effect
from models.sound.procedural.noise import SAMPLE_RATE_HZ, samples
from models.sound.procedural.registry import BEDS, EFFECTS, OVERHANG_S

DURATION_MAX_S = 120.0  # a bed is looped by the mixer; nobody needs more than two minutes of one
BED_MIN_S, EFFECT_MIN_S = 2.0, 1.0  # shorter ones are cut from these
_UCS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("ucs.json").read_text(encoding="utf-8"))


def maker_id(request: SoundRequest) -> str:
    """The id of the maker for a request: its own sound, else the default of its UCS CatID.

    Raises:
        CannotMake: the engine knows neither. Never a similar sound instead.
    """
    known = BEDS if request.kind == "bed" else EFFECTS
    if request.sound in known:
        return request.sound
    if request.kind == "effect" and request.sound in BEDS:
        return (
            request.sound
        )  # a bed makes a fine effect when it is faded in and out; the reverse would loop an event
    default = _UCS[request.kind + "s"].get(request.ucs)
    if default is not None:
        return default
    raise CannotMake(
        f"the procedural engine has no {request.kind} {request.sound or request.ucs or '(unnamed)'!r}"
    )


def source_hash() -> str:
    """A hash of this package's own files."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.*")):
        if path.suffix in (".py", ".json"):
            total.update(path.read_bytes())
    return total.hexdigest()[:12]


def fast_length(n: int) -> int:
    """The next length whose spectrum is quick to compute (factors 2, 3 and 5 only)."""
    found = scipy.fft.next_fast_len(n, real=True)
    return n if found is None else int(found)


class Procedural:
    """Synthesises every sound of story/data/sounds.json; no weights, no licence questions (SoundModel)."""

    version = "procedural/1-" + source_hash()  # a take made by other code is another take
    lanes = 2  # every render has its own Generator; numpy and pocketfft release the GIL

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        del settings, device  # nothing to choose: numpy on the CPU

    def render(self, request: SoundRequest) -> Rendered:
        """48 kHz stereo float32 `(2, n)`, peak ≤ 0.9, the same bits for the same request.

        A bed is a seamless circle at least as long as asked (at most 1 % longer: lengths with small prime
        factors transform fast), −26 LUFS. An effect starts at once and ends in silence.

        Raises:
            CannotMake: unknown sound, or a duration that is not a positive number up to 120 s.
        """
        sound = maker_id(request)
        if not 0 < request.duration_s <= DURATION_MAX_S:
            raise CannotMake(
                f"{sound}: a duration of {request.duration_s} s is outside 0–{DURATION_MAX_S:g} s"
            )
        rng = np.random.default_rng(
            [zlib.crc32(sound.encode()), request.seed & 0xFFFFFFFFFFFF, request.attempt]
        )
        if sound in BEDS and (request.kind == "bed" or sound not in EFFECTS):
            n = fast_length(samples(max(request.duration_s, BED_MIN_S)))
            out = finish_bed(BEDS[sound](rng, n))
            if request.kind == "effect":
                out = finish_effect(out, request.duration_s)
        else:
            duration_s = max(request.duration_s, EFFECT_MIN_S)
            out = finish_effect(EFFECTS[sound](rng, duration_s), request.duration_s, OVERHANG_S[sound])
        return Rendered(np.ascontiguousarray(out, dtype=np.float32), SAMPLE_RATE_HZ)
