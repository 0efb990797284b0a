"""The timeline: what sounds when. Planned with estimated durations, re-timed with the measured ones.

Seconds are kept on a millisecond grid. Invariants (tests/test_timeline.py): dialogue never overlaps dialogue, order
is kept, an effect keeps its anchor, environment covers its scene exactly, the sum of parts is the total; re-timing
is idempotent and O(n).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class DialogueSegment(BaseModel):
    id: str  # the novel's segment id
    type: str  # the novel's segment type
    scene: str
    speaker: str
    voice_id: str
    emotion: str
    emotion_intensity: float = 0.5
    style: str = ""
    content: str
    estimated_duration_s: float
    actual_duration_s: float | None = None  # None until measured; stays None for a missing take
    start_s: float = 0.0
    pause_before_s: float = 0.0
    pan: float = 0.0
    space: str = "none"  # acoustic preset of the scene: outdoor, small_room, hall, cave …

    @property
    def duration_s(self) -> float:
        return self.estimated_duration_s if self.actual_duration_s is None else self.actual_duration_s


class EnvironmentSegment(BaseModel):
    """One bed under one scene. Several may cover the same scene (layers)."""

    id: str
    scene: str
    scene_type: str
    sound: str
    ucs: str
    prompt: str
    style: str = ""
    start_s: float = 0.0
    duration_s: float = 0.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    level_db: float = 0.0  # relative to the bed bus's reference


class EffectSegment(BaseModel):
    id: str
    type: Literal["generated", "library"] = "generated"
    sound: str
    ucs: str
    prompt: str
    library_id: str | None = None
    anchor_segment: str
    anchor: Literal["start", "word", "end"]
    anchor_char: int  # code point in the anchor segment's content
    anchor_at_s: float = 0.0  # the anchor's time inside its line: estimated by characters, measured from word timings
    offset_s: float = 0.0
    start_s: float = 0.0
    duration_s: float = 1.0
    level_db: float = 0.0
    pan: float = 0.0
    variant: int = 0  # which of a sound's few variants, so that two doors do not sound the same


class Timeline(BaseModel):
    format: Literal["soundbound.timeline/1"] = "soundbound.timeline/1"
    chapter: str
    sample_rate_hz: int = 48000
    total_duration_s: float = 0.0
    dialogue_segments: list[DialogueSegment] = []
    environment_segments: list[EnvironmentSegment] = []
    effect_segments: list[EffectSegment] = []
