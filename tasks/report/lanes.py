"""Who speaks when, which bed lies where, when an effect sounds: the timeline as a picture needs it."""

from __future__ import annotations

from collections.abc import Mapping

from story.timeline import DialogueSegment, EffectSegment, EnvironmentSegment, Timeline, scene_spans
from tasks.results import Kind, Lane, SceneSpan

Segment = DialogueSegment | EnvironmentSegment | EffectSegment


def lanes_of(timeline: Timeline, names: Mapping[str, str]) -> list[Lane]:
    """Everything that sounds, lines first, in time. `names`: speaker id → name; ids stand for themselves."""
    lines = [
        _lane("line", line, line.speaker, names.get(line.speaker, line.speaker), line.content)
        for line in timeline.dialogue_segments
    ]
    beds = [_sound("bed", bed) for bed in timeline.environment_segments]
    effects = [_sound("effect", effect) for effect in timeline.effect_segments]
    return [*lines, *beds, *effects]


def _sound(kind: Kind, segment: EnvironmentSegment | EffectSegment) -> Lane:
    return _lane(kind, segment, segment.sound, segment.sound.replace("_", " "), segment.prompt)


def _lane(kind: Kind, segment: Segment, lane: str, label: str, text: str) -> Lane:
    return Lane(
        kind=kind,
        id=segment.id,
        lane=lane,
        label=label,
        text=text,
        start_s=segment.start_s,
        duration_s=segment.duration_s,
    )


def scenes_of(timeline: Timeline) -> list[SceneSpan]:
    return [
        SceneSpan(id=scene, start_s=start_s, end_s=end_s)
        for scene, (start_s, end_s) in scene_spans(timeline).items()
    ]
