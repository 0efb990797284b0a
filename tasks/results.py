"""What a chapter's run hands back, and what its report.json holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from mixing.contracts import MixReport
from mixing.tags import Tags

Kind = Literal["line", "bed", "effect"]
Status = Literal["completed", "degraded", "failed"]


class MissingSound(BaseModel):
    """Something the chapter should have and has not."""

    kind: Kind
    id: str
    what: str  # the line's text or the sound's prompt
    reason: str
    start_s: float
    duration_s: float


class Voiced(BaseModel):
    """One character in this chapter, with how much of it is theirs."""

    character: str
    name: str
    voice_id: str
    lines: int
    seconds: float


class Loudness(BaseModel):
    integrated_lufs: float | None  # None: nothing loud enough to measure
    true_peak_dbtp: float
    lra_lu: float


class Lane(BaseModel):
    """One thing that sounds: a line, a bed or an effect."""

    kind: Kind
    id: str
    lane: str  # the speaker's id, or the sound
    label: str  # for people
    text: str  # the line, or the sound's prompt
    start_s: float
    duration_s: float


class SceneSpan(BaseModel):
    id: str
    start_s: float
    end_s: float


class ChapterResult(BaseModel):
    """The typed result of the flow render_chapter; also report.json."""

    format: Literal["soundbound.report/1"] = "soundbound.report/1"
    status: Status
    novel: str
    chapter: str
    number: int
    title: str
    language: str
    speech_model: str
    sound_model: str
    profile: str
    music: str = "off"  # generated, or the hash of the file that plays
    seed: int
    duration_s: float
    loudness: Loudness
    takes_generated: int
    takes_cached: int
    cast: list[Voiced]
    missing: list[MissingSound] = []
    warnings: list[str] = []
    credits: list[str] = []  # attributions that library recordings ask for
    outputs: dict[str, Path]
    mix: MixReport | None = None  # what the mix measured: per-speaker loudness, speech over bed per line
    stage_seconds: dict[str, float] = {}
    lanes: list[Lane] = []  # the timeline as the report draws it
    scenes: list[SceneSpan] = []
    tags: Tags = Tags()  # what the chapter's file says about itself
    flow_run_id: str | None = None
    fingerprint: str = ""  # of what decides the chapter's sound: flows/fingerprint.py
