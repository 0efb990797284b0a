"""What scene analysis finds, as plain data (DESIGN: Scene).

Kept apart from the analysis so that its parts (cues, places, bounds, ambience) can share the forms without a
circle. Import them from story.scenes.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel

from story.novel import Hour

Polarity = Literal["asserted", "negated", "hypothetical", "figurative"]
HOURS: tuple[Hour, ...] = get_args(Hour)
Setting = Literal["interior", "exterior", "vehicle", "unknown"]
SETTINGS: tuple[Setting, ...] = get_args(Setting)


class Evidence(BaseModel):
    """Words in a segment's content; offsets are code points, end exclusive."""

    segment: str
    char_start: int
    char_end: int
    word: str


class Ambience(BaseModel):
    """One bed under a scene. `sound` is a class of data/sounds.json; level_db is relative to the bed bus's reference."""

    sound: str
    ucs: str
    prompt: str
    level_db: float = 0.0


class Cue(BaseModel):
    """A sound effect at a word. Only asserted cues sound; the others are kept so a person can see why not."""

    id: str  # "<segment>-c<n>"
    segment: str
    char_start: int
    char_end: int
    word: str
    sound: str
    ucs: str
    prompt: str
    anchor: Literal["start", "word", "end"] = "word"
    offset_s: float = 0.0
    duration_s: float = 1.0
    level_db: float = 0.0
    pan: float = 0.0  # -1..1
    polarity: Polarity = "asserted"


class Scene(BaseModel):
    id: str
    chapter: str
    first_segment: str
    last_segment: str
    scene_type: str  # one readable phrase, e.g. "night road by the sea", "unknown"
    setting: Setting = "unknown"
    place: str = ""  # the words of the text
    place_class: str = "unknown"
    time_of_day: Hour | Literal["unknown"] = "unknown"
    weather: list[str] = []
    mood: str = "unknown"
    evidence: list[Evidence] = []
    confidence: float = 0.0
    inherited_from: str | None = None
    ambience: list[Ambience] = []
    cues: list[Cue] = []


class SceneAnalysis(BaseModel):
    format: Literal["soundbound.scenes/1"] = "soundbound.scenes/1"
    chapter: str
    scenes: list[Scene]
