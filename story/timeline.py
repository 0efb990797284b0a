"""The timeline: what sounds when. Planned with estimated durations, re-timed with the measured ones.

Seconds are kept on a millisecond grid, and added up as whole milliseconds. Invariants (tests/test_timeline.py):
dialogue never overlaps dialogue, order is kept, an effect keeps its anchor, environment covers its scene exactly, the
sum of parts is the total; re-timing is idempotent, O(n), and the order of updates does not matter.

Beds overlap: a scene reaches from the middle of the pause before its first line to the middle of the pause after its
last; each of its beds reaches half a cross-fade further on both sides, so that at the border the old bed is fading out
while the new one fades in. The first beds start at 0, the last end with the chapter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel

from story.errors import SoundboundError

CROSSFADE_MS = 3000  # long enough not to be noticed as a cut, short enough to be heard as a change of place
EDGE_FADE_MS = 1000  # of the first beds in, of the last ones out

WordTime = tuple[int, int, float, float]
"""A spoken word: char_start, char_end (code points into the line), start_s, end_s inside its take."""


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
    pause_before_s: float = 0.0  # of the first line: the lead-in
    pan: float = 0.0
    space: str = "none"  # acoustic preset of the scene: outdoor, small_room, hall, cave …
    distance: str = "normal"  # near, normal, far
    treatment: str = ""  # telephone, radio, behind_door, memory, thought; "" for a voice as it is

    @property
    def duration_s(self) -> float:
        return self.estimated_duration_s if self.actual_duration_s is None else self.actual_duration_s

    @property
    def end_s(self) -> float:
        return to_seconds(to_ms(self.start_s) + to_ms(self.duration_s))


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
    anchor: Literal["start", "word", "end"]  # of the line: its start, the word at anchor_char, its end
    anchor_char: int  # code point in the anchor segment's content
    anchor_at_s: float = 0.0  # time inside its line: by share of characters until measured from word timings
    anchor_measured: bool = False
    offset_s: float = 0.0
    start_s: float = 0.0
    duration_s: float = 1.0
    level_db: float = 0.0
    pan: float = 0.0
    space: str = "none"
    distance: str = "normal"
    variant: int = 0  # which of a sound's few variants, so that two doors do not sound the same


class MusicSegment(BaseModel):
    """A stretch of music; there is none unless it is asked for."""

    id: str
    kind: Literal["opening", "scene"]
    mood: str = ""
    start_s: float = 0.0
    duration_s: float = 0.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    level_db: float = 0.0  # relative to the music's reference


class Timeline(BaseModel):
    format: Literal["soundbound.timeline/1"] = "soundbound.timeline/1"
    chapter: str
    language: str = "en"
    sample_rate_hz: int = 48000
    total_duration_s: float = 0.0  # = Σ (pause_before_s + duration_s) of the lines + tail_s
    tail_s: float = 0.0  # after the last line
    least_tail_s: float = 0.0  # tail_s is longer only where the last effect needs it
    dialogue_segments: list[DialogueSegment] = []
    environment_segments: list[EnvironmentSegment] = []
    effect_segments: list[EffectSegment] = []
    music_segments: list[MusicSegment] = []

    def update_actual_duration(self, segment_id: str, seconds: float) -> None:
        """Sets a line's measured duration and re-times, in place, all that follows from it.

        Raises:
            SoundboundError: no such line, or `seconds` is negative or not finite.
        """
        _set_durations(self, {segment_id: seconds}, {})
        settle(self)


def retime(
    timeline: Timeline,
    durations: Mapping[str, float],
    words: Mapping[str, Sequence[WordTime]] | None = None,
) -> Timeline:
    """A re-timed copy, in one pass; `timeline` is left as it was.

    Args:
        durations: measured seconds by line id; lines left out keep what they have.
        words: measured word times by line id; effects at words take them.
    Raises:
        SoundboundError: an unknown line, or a duration that is negative or not finite.
    """
    copy = timeline.model_copy(deep=True)
    _set_durations(copy, durations, words or {})
    settle(copy)
    return copy


def voice_only(timeline: Timeline) -> Timeline:
    """A copy with the lines alone: no beds, no effects, no rooms, every voice in the middle."""
    copy = timeline.model_copy(deep=True, update={"environment_segments": [], "effect_segments": []})
    for line in copy.dialogue_segments:
        line.pan, line.space, line.distance, line.treatment = 0.0, "none", "normal", ""
    settle(copy)
    return copy


def to_ms(value_s: float) -> int:
    return round(value_s * 1000)


def to_seconds(value_ms: int) -> float:
    return value_ms / 1000


def _set_durations(
    timeline: Timeline, durations: Mapping[str, float], words: Mapping[str, Sequence[WordTime]]
) -> None:
    lines = {d.id: d for d in timeline.dialogue_segments}
    for line_id in (*durations, *words):
        if line_id not in lines:
            raise SoundboundError(
                f"the timeline has no line {line_id}",
                where=f"chapter {timeline.chapter}",
                remedy="plan the timeline anew from the current novel",
            )
    for line_id, value in durations.items():
        if not (math.isfinite(value) and value >= 0):
            raise SoundboundError(
                f"{value} is no duration in seconds",
                where=f"chapter {timeline.chapter}, line {line_id}",
                remedy="make the take again",
            )
    changed = set()
    for line_id, value in durations.items():
        rounded = to_seconds(to_ms(value))
        if lines[line_id].actual_duration_s != rounded:
            lines[line_id].actual_duration_s = rounded
            changed.add(line_id)
    for effect in timeline.effect_segments:
        if effect.anchor == "word" and effect.anchor_segment in words:
            at = _word_time(words[effect.anchor_segment], effect.anchor_char)
            effect.anchor_measured = at is not None
            if at is not None:
                effect.anchor_at_s = to_seconds(to_ms(at))
        elif effect.anchor_segment in changed:
            effect.anchor_measured = False


def _word_time(words: Sequence[WordTime], char: int) -> float | None:
    """When the word at `char` begins; between words, the next one; after the last, its end."""
    good = [w for w in words if math.isfinite(w[2]) and math.isfinite(w[3])]
    if not good:
        return None
    return max(0.0, next((w[2] for w in good if w[1] > char), good[-1][3]))


def settle(timeline: Timeline) -> None:
    """Computes every start, and the total, from pauses, durations and anchors. Idempotent, O(n), in place."""
    at = 0
    lines: dict[str, DialogueSegment] = {}
    for line in timeline.dialogue_segments:
        at += to_ms(line.pause_before_s)
        line.start_s = to_seconds(at)
        at += to_ms(line.duration_s)
        lines[line.id] = line
    end = at + to_ms(timeline.least_tail_s)
    for effect in timeline.effect_segments:
        end = max(end, _place_effect(effect, lines[effect.anchor_segment]))
    timeline.tail_s, timeline.total_duration_s = to_seconds(end - at), to_seconds(end)
    _place_beds(timeline, end)


def _place_effect(effect: EffectSegment, line: DialogueSegment) -> int:
    """Puts an effect at its anchor; its end in milliseconds."""
    duration = to_ms(line.duration_s)
    if effect.anchor != "word":
        effect.anchor_at_s = to_seconds(duration if effect.anchor == "end" else 0)
    elif not effect.anchor_measured:
        share = min(1.0, effect.anchor_char / max(1, len(line.content)))
        effect.anchor_at_s = to_seconds(round(share * duration))
    anchor = to_ms(line.start_s) + to_ms(effect.anchor_at_s)
    start = max(0, anchor + to_ms(effect.offset_s))
    effect.start_s = to_seconds(start)
    return start + to_ms(effect.duration_s)


def scene_spans(timeline: Timeline) -> dict[str, tuple[float, float]]:
    """Scene id → (start_s, end_s). Scenes follow one another without gap from 0 to the total."""
    return {
        s: (to_seconds(a), to_seconds(b))
        for s, (a, b) in _spans(timeline, to_ms(timeline.total_duration_s)).items()
    }


def _spans(timeline: Timeline, total: int) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}
    start, scene = 0, None
    for line in timeline.dialogue_segments:
        if scene is not None and line.scene != scene:
            border = to_ms(line.start_s) - to_ms(line.pause_before_s) // 2
            spans[scene] = (start, border)
            start = border
        scene = line.scene
    if scene is not None:
        spans[scene] = (start, total)
    return spans


def _place_beds(timeline: Timeline, total: int) -> None:
    spans = _spans(timeline, total)
    beds: dict[str, list[EnvironmentSegment]] = {scene: [] for scene in spans}
    for bed in timeline.environment_segments:
        beds[bed.scene].append(bed)
    order = list(spans)
    length = {scene: b - a for scene, (a, b) in spans.items()}
    half: dict[tuple[str, str], int] = {}  # half the cross-fade between neighbours: no scene is all fade
    for a, b in pairwise(order):
        half[a, b] = min(CROSSFADE_MS, length[a], length[b]) // 2
    for i, scene in enumerate(order):
        before = half[order[i - 1], scene] if i else 0
        after = half[scene, order[i + 1]] if i + 1 < len(order) else 0
        start, end = spans[scene][0] - before, spans[scene][1] + after
        fade_in = 2 * before if i else min(EDGE_FADE_MS, max(0, end - start - 2 * after) // 2)
        fade_out = 2 * after if i + 1 < len(order) else min(EDGE_FADE_MS, max(0, end - start - fade_in) // 2)
        for bed in beds[scene]:
            bed.start_s, bed.duration_s = to_seconds(start), to_seconds(end - start)
            bed.fade_in_s, bed.fade_out_s = to_seconds(fade_in), to_seconds(fade_out)
