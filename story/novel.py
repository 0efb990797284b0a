"""The input: a novel as chapters of segments, each spoken by a character.

Format `soundbound.novel/1` (DESIGN: Novel). Only a chapter's segments with `content` and `speaker` are required;
everything else has a default. Reading and friendly errors live in story/loading.py.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from story.lexicon import load_data

Gender = Literal["female", "male", "neutral", "unknown"]
Age = Literal["child", "young", "adult", "old", "unknown"]
Role = Literal["narrator", "major", "minor", "crowd"]
SegmentType = Literal["narration", "dialogue", "thought", "heading", "letter", "verse", "break", "effect"]
Hour = Literal["dawn", "morning", "day", "evening", "night"]
SPOKEN: frozenset[str] = frozenset({"narration", "dialogue", "thought", "heading", "letter", "verse"})


class Character(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    aliases: list[str] = []
    gender: Gender = "unknown"
    age: Age = "unknown"
    role: Role = "minor"
    voice_id: str | None = None
    description: str | None = None


class Segment(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    type: SegmentType = "narration"
    content: str = Field(validation_alias=AliasChoices("content", "text"))
    speaker: str  # a character's id once loaded
    emotion: str = "neutral"
    emotion_intensity: float = Field(default=0.5, ge=0, le=1)
    style: str = ""  # whisper | shout | …
    voice_id: str | None = None
    space: str | None = None  # acoustic presets (data/spaces.json); None: chosen from scene, style and type
    distance: str | None = None
    treatment: str | None = None
    paragraph: int | None = None
    char_start: int | None = None  # code points into the source
    char_end: int | None = None
    speaker_confidence: float | None = None
    speaker_rule: str | None = None
    separator: str | None = None  # of the source, between the segment before and this one

    @property
    def spoken(self) -> bool:
        return self.type in SPOKEN

    @property
    def voiced(self) -> bool:
        """Whether there is anything to pronounce: a line of "……" or "—" is a silence, not a take."""
        return self.spoken and any(c.isalnum() for c in self.content)


class SceneNote(BaseModel):
    """What is known of the scene that begins at a segment, beside what its words tell.

    A person's note wins over the words; a language model's only fills what they leave open.
    """

    model_config = ConfigDict(extra="allow")

    first_segment: str
    place: str | None = None  # a class of data/ambience.json: house, forest, ship …
    time: Hour | None = None
    weather: list[str] = []
    source: Literal["person", "llm"] = "person"

    @field_validator("place")
    @classmethod
    def _place(cls, place: str | None) -> str | None:
        if place is not None and place not in (known := load_data("ambience")["places"]):
            raise ValueError(f"{place!r} is none of {', '.join(known)}")
        return place

    @field_validator("weather")
    @classmethod
    def _weather(cls, weather: list[str]) -> list[str]:
        known = load_data("scenes_en")["weather"]
        for kind in weather:
            if kind not in known:
                raise ValueError(f"{kind!r} is none of {', '.join(known)}")
        return weather


class Chapter(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    number: int = Field(ge=0)
    title: str = ""
    segments: list[Segment]
    scenes: list[SceneNote] = []
    tail: str = ""  # what the source has after the last segment


class Novel(BaseModel):
    model_config = ConfigDict(extra="allow")

    format: Literal["soundbound.novel/1"] = "soundbound.novel/1"
    title: str = "Untitled"
    author: str = ""
    language: str = "en"  # BCP 47
    characters: list[Character] = []
    pronunciation: dict[str, str] = {}  # word → phonemes in the speech model's alphabet
    chapters: list[Chapter]

    def character(self, character_id: str) -> Character:
        return next(c for c in self.characters if c.id == character_id)


def is_chinese(language: str) -> bool:
    """True for any Chinese language tag (zh, zh-Hans, cmn, yue…)."""
    return language.lower().split("-")[0] in {"zh", "cmn", "yue", "lzh"}
