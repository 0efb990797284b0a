"""From a chapter, its scenes and its cast to a timeline: pauses, seats, spaces, beds and effects.

Everything about a line is derived from the line itself and its direct neighbours, so that inserting a line elsewhere
moves the others in time and changes nothing else about them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from story.acoustics import acoustics_of, effect_distance, is_dry, space_of
from story.cast import Cast
from story.durations import estimate_duration_s
from story.errors import SoundboundError
from story.novel import Chapter, Segment
from story.pauses import pause_between, pause_table
from story.scene_models import Cue, Scene, SceneAnalysis
from story.timeline import (
    DialogueSegment,
    EffectSegment,
    EnvironmentSegment,
    Timeline,
    settle,
    to_ms,
    to_seconds,
)
from story.timeline import retime as retime

VARIANTS = 3
SEATS = (
    -0.4,
    -0.3,
    -0.2,
    -0.1,
    0.1,
    0.2,
    0.3,
    0.4,
)  # dialogue pan stays within ±0.4 (AUDIO.md, scene acoustics)
_NEIGHBOURHOOD = 12  # characters on each side of a cue's word that make it this cue and no other

Delivery = Callable[[Segment], tuple[float, float]]
"""A line's (speed, pause scale), from its emotion and style."""


def plan_timeline(
    chapter: Chapter,
    analysis: SceneAnalysis,
    cast: Cast,
    language: str,
    *,
    lead_in_s: float | None = None,
    tail_s: float | None = None,
    delivery: Delivery | None = None,
) -> Timeline:
    """The chapter's timeline with estimated durations.

    Lines with nothing to pronounce ("……", breaks, effects) become pauses. Effects come from asserted cues only.

    Args:
        lead_in_s: before the first line; tail_s: least time after the last. Defaults in data/pauses.json.
        delivery: how fast a line is spoken; normal pace where left out.
    Raises:
        SoundboundError: a speaker without a voice, or scenes of another text.
    """
    pauses = pause_table()
    voices = {a.character: a for a in cast.assignments}
    places = seats(cast)
    scenes = _scenes_by_segment(chapter, analysis)
    lines: list[DialogueSegment] = []
    previous: Segment | None = None
    between: list[Segment] = []  # unvoiced segments since the last line
    for segment in chapter.segments:
        if not segment.voiced:
            between.append(segment)
            continue
        if segment.speaker not in voices:
            raise SoundboundError(
                f"the cast has no voice for {segment.speaker}",
                where=f"chapter {chapter.number}, segment {segment.id}",
                remedy="cast the novel again",
            )
        person, scene = voices[segment.speaker], scenes[segment.id]
        if previous is None:
            pause_s = pauses["lead_in_s"] if lead_in_s is None else lead_in_s
        else:
            changed = scenes[previous.id].id != scene.id
            pause_s = pause_between(previous, segment, between, language, scene_changes=changed)
        speed, pause_scale = delivery(segment) if delivery else (1.0, 1.0)
        narrator = person.role == "narrator"
        acoustics = acoustics_of(segment, scene, narrator=narrator)
        lines.append(
            DialogueSegment(
                id=segment.id,
                type=segment.type,
                scene=scene.id,
                speaker=segment.speaker,
                voice_id=segment.voice_id or person.voice_id,
                emotion=segment.emotion,
                emotion_intensity=segment.emotion_intensity,
                style=segment.style,
                content=segment.content,
                estimated_duration_s=_grid(
                    estimate_duration_s(segment.content, language, speed, pause_scale, model=cast.model)
                ),
                pause_before_s=_grid(pause_s),
                pan=0.0 if is_dry(segment, narrator=narrator) else places[segment.speaker],
                space=acoustics.space,
                distance=acoustics.distance,
                treatment=acoustics.treatment,
            )
        )
        previous, between = segment, []
    timeline = Timeline(
        chapter=chapter.id,
        language=language,
        least_tail_s=_grid(pauses["tail_s"] if tail_s is None else tail_s),
        dialogue_segments=lines,
        environment_segments=_beds(analysis, {line.scene for line in lines}),
        effect_segments=_effects(chapter, analysis, {line.id for line in lines}),
    )
    settle(timeline)
    return timeline


def seats(cast: Cast) -> dict[str, float]:
    """Every character's place between the loudspeakers, −0.4..0.4; narrators sit in the middle.

    The seat a character's id points to, or the next free one: eight people in a row of the cast never share. Whoever
    is added to the end of a character list leaves the others where they were.
    """
    found: dict[str, float] = {}
    taken: set[int] = set()
    for person in cast.assignments:
        if person.role == "narrator":
            found[person.character] = 0.0
            continue
        if len(taken) == len(SEATS):
            taken.clear()
        at = _digest("seat", person.character) % len(SEATS)
        while at in taken:
            at = (at + 3) % len(SEATS)  # 3 and 8 have no common divisor: every seat is tried, neighbours last
        taken.add(at)
        found[person.character] = SEATS[at]
    return found


def variant_of(cue: Cue, content: str) -> int:
    """0..VARIANTS−1 from the words around the cue, never from its place in the chapter."""
    around = content[max(0, cue.char_start - _NEIGHBOURHOOD) : cue.char_end + _NEIGHBOURHOOD]
    return _digest(cue.sound, around) % VARIANTS


def _beds(analysis: SceneAnalysis, sounding: set[str]) -> list[EnvironmentSegment]:
    beds = []
    for scene in analysis.scenes:
        if scene.id not in sounding:  # nothing is said in it, so it takes no time
            continue
        for i, layer in enumerate(scene.ambience):
            beds.append(
                EnvironmentSegment(
                    id=f"{scene.id}-bed{i + 1}",
                    scene=scene.id,
                    scene_type=scene.scene_type,
                    sound=layer.sound,
                    ucs=layer.ucs,
                    prompt=layer.prompt,
                    style="" if scene.mood == "unknown" else scene.mood,
                    level_db=layer.level_db,
                )
            )
    return beds


def _effects(chapter: Chapter, analysis: SceneAnalysis, lines: set[str]) -> list[EffectSegment]:
    """Asserted cues in reading order; a cue in a segment that is not spoken sounds where that segment stands."""
    position = {s.id: i for i, s in enumerate(chapter.segments)}
    contents = {s.id: s.content for s in chapter.segments}
    effects: list[EffectSegment] = []
    used: dict[tuple[str, str], set[int]] = {}  # (segment, sound) → variants
    cues = [c for scene in analysis.scenes for c in scene.cues if c.polarity == "asserted"]
    spaces = {c.id: space_of(scene) for scene in analysis.scenes for c in scene.cues}
    for cue in cues:
        if cue.segment not in position:
            raise _other_text(chapter, cue.segment)
    for cue in sorted(cues, key=lambda c: (position[c.segment], c.char_start)):
        anchor = _anchor(chapter, position[cue.segment], lines, cue)
        if anchor is None:
            continue
        taken = used.setdefault((cue.segment, cue.sound), set())
        variant = variant_of(cue, contents[cue.segment])
        if len(taken) < VARIANTS:  # two of a kind in one line differ for certain
            while variant in taken:
                variant = (variant + 1) % VARIANTS
        taken.add(variant)
        effects.append(
            EffectSegment(
                id=cue.id,
                sound=cue.sound,
                ucs=cue.ucs,
                prompt=cue.prompt,
                anchor_segment=anchor[0],
                anchor=anchor[1],
                anchor_char=cue.char_start,
                offset_s=_grid(cue.offset_s),
                duration_s=_grid(cue.duration_s),
                level_db=cue.level_db,
                pan=cue.pan,
                space=spaces[cue.id],
                distance=effect_distance(cue.sound),
                variant=variant,
            )
        )
    return effects


def _anchor(chapter: Chapter, at: int, lines: set[str], cue: Cue) -> tuple[str, Any] | None:
    if cue.segment in lines:
        return cue.segment, cue.anchor
    before = next((s.id for s in reversed(chapter.segments[:at]) if s.id in lines), None)
    if before:
        return before, "end"
    after = next((s.id for s in chapter.segments[at:] if s.id in lines), None)
    return (after, "start") if after else None


def _scenes_by_segment(chapter: Chapter, analysis: SceneAnalysis) -> dict[str, Scene]:
    """Every segment's scene: the last one that began at or before it; the first scene reaches to the front."""
    starts = {scene.first_segment: scene for scene in analysis.scenes}
    known = {s.id for s in chapter.segments}
    for first in starts:
        if first not in known:
            raise _other_text(chapter, first)
    scene = analysis.scenes[0] if analysis.scenes else _nowhere(chapter)
    found = {}
    for segment in chapter.segments:
        scene = starts.get(segment.id, scene)
        found[segment.id] = scene
    return found


def _nowhere(chapter: Chapter) -> Scene:
    first, last = chapter.segments[0].id, chapter.segments[-1].id
    return Scene(
        id=f"{chapter.id}-s1",
        chapter=chapter.id,
        first_segment=first,
        last_segment=last,
        scene_type="unknown",
    )


def _other_text(chapter: Chapter, segment: str) -> SoundboundError:
    return SoundboundError(
        f"the scene analysis names the segment {segment}, which the chapter has not",
        where=f"chapter {chapter.number}",
        remedy="analyze the scenes again",
    )


def _digest(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")


def _grid(value_s: float) -> float:
    return to_seconds(to_ms(value_s))
