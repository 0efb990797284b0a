"""Who speaks with which voice: one cast a book, stable over chapters and runs, editable by hand."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from story.novel import Age, Gender


class Voice(BaseModel):
    """A voice a speech model offers (the model's voices data file lists them)."""

    id: str
    model: str  # name in the catalog, e.g. "kokoro"
    languages: list[str]  # BCP 47 primary tags: ["en"]
    gender: Gender
    age: Age
    pitch_hz: float  # median f0 on neutral text
    narrator_rank: int | None = None  # 1 = most pleasant to hear for long; None = not for narration
    accent: str = ""
    description: str = ""
    parameters: dict[str, Any] = {}  # what the engine needs: preset name, blend weights, warp factors


class Assignment(BaseModel):
    character: str
    name: str
    voice_id: str
    why: str  # e.g. "narrator", "edited by hand", "male, old"


class Cast(BaseModel):
    """A book's voices for one speech model."""

    format: Literal["soundbound.cast/1"] = "soundbound.cast/1"
    model: str
    assignments: list[Assignment]
    warnings: list[str] = []
