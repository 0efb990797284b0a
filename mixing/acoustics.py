"""Scene acoustics as data: spaces, distances and treatments by name (acoustics.json), resolved for a line.

The timeline carries names; what they sound like is decided here, so that a preset can be changed, or one added,
without touching code.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from mixing.contracts import MixError

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Space:
    """A room by its size and how it decays."""

    size_m: tuple[float, float, float]
    rt60_s: tuple[float, float, float]  # at 125 Hz, 1 kHz and 8 kHz
    reflection: Annotated[float, Field(gt=0, lt=1)]  # pressure left after one wall
    direct_to_wet_db: float
    low_pass_hz: float  # of the room's answer


@dataclass(frozen=True, config=_STRICT)
class Distance:
    wet_db: float
    level_db: float
    low_pass_hz: float | None  # air and turned heads: of the voice itself


@dataclass(frozen=True, config=_STRICT)
class Treatment:
    """What lies between a voice and us."""

    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    order: int = 2  # of both filters
    drive_db: float = 0.0  # into a soft clipper: a carbon microphone, a small loudspeaker
    level_db: float = 0.0
    wet_db: float = 0.0
    dry: bool = False  # no room round it
    centred: bool = False  # inside a head
    space: str | None = None  # instead of the scene's


@dataclass(frozen=True, config=_STRICT)
class AcousticTable:
    format: Literal["soundbound.acoustics/1"]
    about: str
    spaces: dict[str, Space | None]
    distances: dict[str, Distance]
    treatments: dict[str, Treatment]


@dataclass(frozen=True)
class Acoustic:
    """A line's presets, resolved."""

    space: Space | None
    wet_db: float  # energy of the room against the direct voice
    level_db: float
    low_pass_hz: float | None
    treatment: Treatment

    @property
    def dry_share(self) -> float:
        """Power of the direct voice when both together have the power 1."""
        return 1.0 if self.space is None else 1 / (1 + 10 ** (self.wet_db / 10))


@cache
def table() -> AcousticTable:
    return TypeAdapter(AcousticTable).validate_json(
        resources.files("mixing").joinpath("acoustics.json").read_text(encoding="utf-8")
    )


@cache
def resolve(space: str, distance: str = "normal", treatment: str = "", wet_db: float = 0.0) -> Acoustic:
    """Presets by name. `wet_db`: more or less room, for a whisper or a shout.

    Raises MixError for a name that acoustics.json does not have.
    """
    presets = table()
    for name, known in (
        (space, presets.spaces),
        (distance, presets.distances),
        (treatment or None, presets.treatments),
    ):
        if name is not None and name not in known:
            raise MixError(
                f"no acoustic preset {name!r}", where="timeline", remedy=f"one of {', '.join(known)}"
            )
    how = presets.treatments[treatment] if treatment else Treatment()
    room = None if how.dry else presets.spaces[how.space or space]
    far = presets.distances[distance]
    return Acoustic(
        space=room,
        wet_db=-room.direct_to_wet_db + far.wet_db + how.wet_db + wet_db if room else float("-inf"),
        level_db=far.level_db + how.level_db,
        low_pass_hz=far.low_pass_hz,
        treatment=how,
    )
