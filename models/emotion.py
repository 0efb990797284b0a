"""How a feeling is spoken: one table for every engine (data/emotions.json), read by name and intensity.

An engine uses what it can: speed, loudness, pitch and pauses work everywhere, `instruct` where a model reads
natural language, `emo_vector` for IndexTTS. What nobody knows is neutral and says so; the caller warns.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from models.emotion_names import Part, key, names, resolve, table

# What a voice bears and stays itself: at ±2.5 semitones hibari's voices keep a speaker cosine of 0.956 and more to
# their neutral selves, at ±4 it falls to 0.91; at ±15 % of speed it is 0.986 (four voices, 15 s each).
SPEED = (0.85, 1.15)
PITCH_ST = (-2.5, 2.5)
PITCH_RANGE = (0.7, 1.4)
PAUSE_SCALE = (0.7, 1.6)
ENERGY_DB = (-8.0, 8.0)

Level = Annotated[float, Field(ge=0, le=1)]


class Larynx(BaseModel):
    """For engines with a vocoder of their own; added to the voice's values."""

    model_config = ConfigDict(extra="forbid")

    breath: Level = 0.0
    whisper: Level = 0.0
    rough: Level = 0.0
    tremor_st: float = Field(default=0.0, ge=0, le=0.5)
    tilt_db_oct: float = Field(default=0.0, ge=-1.5, le=1.5)


class Manner(BaseModel):
    """A row of the table: the change at full intensity."""

    model_config = ConfigDict(extra="forbid")

    name: str
    aliases: list[str]
    speed: float = Field(ge=SPEED[0], le=SPEED[1])
    energy_db: float = Field(ge=ENERGY_DB[0], le=ENERGY_DB[1])
    pitch_st: float = Field(ge=PITCH_ST[0], le=PITCH_ST[1])
    pitch_range: float = Field(ge=PITCH_RANGE[0], le=PITCH_RANGE[1])
    pause_scale: float = Field(ge=PAUSE_SCALE[0], le=PAUSE_SCALE[1])
    instruct: str
    emo_vector: tuple[Level, Level, Level, Level, Level, Level, Level, Level]
    larynx: Larynx


@dataclass(frozen=True)
class Delivery:
    """How one line is to be spoken, against the voice's own way.

    Attributes:
        speed, pause_scale, pitch_range: factors. energy_db: decibels. pitch_st: semitones.
        instruct: one or two English sentences, "" for a neutral line.
        emo_vector: happy, angry, sad, afraid, disgusted, melancholic, surprised, calm; each 0..1.
        known: False if the emotion or the style is in no table (its part is neutral then).
    """

    speed: float
    energy_db: float
    pitch_st: float
    pitch_range: float
    pause_scale: float
    instruct: str
    emo_vector: tuple[float, ...]
    known: bool


@cache
def _rows(part: Part) -> dict[str, Manner]:
    rows = TypeAdapter(list[Manner]).validate_python(table()[part])
    return {row.name: row for row in rows}


def emotions() -> list[str]:
    """The canonical emotions, in the table's order."""
    return list(_rows("emotions"))


def styles() -> list[str]:
    """The canonical styles."""
    return list(_rows("styles"))


@cache
def delivery(emotion: str, intensity: float = 0.5, style: str = "") -> Delivery:
    """The delivery of a line, linear between neutral (intensity 0) and the table's row (1); a style comes in full.

    A style written as emotion ("whispering") and an emotion written as style work as well.
    """
    feeling = resolve(emotion, "emotions")
    manner = resolve(style, "styles") if style.strip() else None
    known = True
    if feeling is None:
        swapped = resolve(emotion, "styles")
        known = swapped is not None
        feeling, manner = "neutral", manner or swapped
    if style.strip() and resolve(style, "styles") is None:
        swapped = resolve(style, "emotions")
        known = known and swapped is not None
        feeling = swapped if swapped and feeling == "neutral" else feeling

    neutral, full = _rows("emotions")["neutral"], _rows("emotions")[feeling]
    extra = _rows("styles")[manner] if manner else neutral
    share = min(max(intensity, 0.0), 1.0)

    def factor(name: str, bounds: tuple[float, float]) -> float:
        return _within((1 + share * (getattr(full, name) - 1)) * getattr(extra, name), bounds)

    def amount(name: str, bounds: tuple[float, float]) -> float:
        return _within(share * getattr(full, name) + getattr(extra, name), bounds)

    vector = [n + share * (f - n) for n, f in zip(neutral.emo_vector, full.emo_vector, strict=True)]
    if manner:
        vector = [max(v, e) for v, e in zip(vector, extra.emo_vector, strict=True)]
    says = [_degree(full.instruct, share)] if feeling != "neutral" and share > 0 else []
    return Delivery(
        speed=factor("speed", SPEED),
        energy_db=amount("energy_db", ENERGY_DB),
        pitch_st=amount("pitch_st", PITCH_ST),
        pitch_range=factor("pitch_range", PITCH_RANGE),
        pause_scale=factor("pause_scale", PAUSE_SCALE),
        instruct=" ".join([*says, *([extra.instruct] if manner else [])]),
        emo_vector=tuple(round(v, 4) for v in vector),
        known=known,
    )


def nearest_emotions(name: str, count: int = 3) -> list[str]:
    """Canonical emotions whose names or aliases look most like `name`; never empty."""
    close = difflib.get_close_matches(key(name), names("emotions"), 3 * count, cutoff=0.55)
    found = list(dict.fromkeys(names("emotions")[c] for c in close))[:count]
    return found or ["neutral"]


def _degree(instruct: str, share: float) -> str:
    """A model that reads knows no numbers: the outer thirds of intensity become words."""
    if share < 0.34:
        return f"{instruct} Only a touch of it."
    return instruct if share < 0.67 else f"{instruct} The feeling is strong."


def _within(value: float, bounds: tuple[float, float]) -> float:
    return round(min(max(value, bounds[0]), bounds[1]), 4)
