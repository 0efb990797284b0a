"""Who speaks when, which bed lies where, when an effect sounds: the timeline as a picture needs it."""

from __future__ import annotations

from collections.abc import Mapping

from story.timeline import Timeline, scene_spans
from tasks.results import Lane, SceneSpan


def lanes_of(timeline: Timeline, names: Mapping[str, str]) -> list[Lane]:
    """Everything that sounds, lines first, in time. `names`: speaker id → name; ids stand for themselves."""
    lines = [
        Lane(
            kind="line",
            id=line.id,
            lane=line.speaker,
            label=names.get(line.speaker, line.speaker),
            text=line.content,
            start_s=line.start_s,
            duration_s=line.duration_s,
        )
        for line in timeline.dialogue_segments
    ]
    beds = [
        Lane(
            kind="bed",
            id=bed.id,
            lane=bed.sound,
            label=bed.sound.replace("_", " "),
            text=bed.prompt,
            start_s=bed.start_s,
            duration_s=bed.duration_s,
        )
        for bed in timeline.environment_segments
    ]
    effects = [
        Lane(
            kind="effect",
            id=effect.id,
            lane=effect.sound,
            label=effect.sound.replace("_", " "),
            text=effect.prompt,
            start_s=effect.start_s,
            duration_s=effect.duration_s,
        )
        for effect in timeline.effect_segments
    ]
    return [*lines, *beds, *effects]


def scenes_of(timeline: Timeline) -> list[SceneSpan]:
    return [
        SceneSpan(id=scene, start_s=start_s, end_s=end_s)
        for scene, (start_s, end_s) in scene_spans(timeline).items()
    ]
