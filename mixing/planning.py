"""The plan of a mix: every take prepared once, every level, loop and duck decided from measured energies.

Nothing here renders audio: a plan is a list of what to add where and how loud.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from mixing.beds import Bed, BedTake, plan_beds, prepare_bed
from mixing.buses import Placed
from mixing.contracts import SAMPLE_RATE_HZ, MixInputs
from mixing.dialogue import LineTake, PlacedLine, fit_tails, manner, place_lines, prepare_line
from mixing.ducking import Duck, cells_of, depth_db
from mixing.effects import EffectTake, PlacedEffect, acoustic_of, bus_energies, place_effects, prepare_effect
from mixing.linecache import LineCache
from mixing.loudness import CELL_FRAMES
from mixing.music import PlacedMusic, music_energies, place_music
from mixing.profiles import Laws
from mixing.scratch import Scratch
from story.timeline import DialogueSegment, EffectSegment, EnvironmentSegment

Progress = Callable[[float], None]
_Segment = TypeVar("_Segment", DialogueSegment, EnvironmentSegment, EffectSegment)
_Take = TypeVar("_Take", LineTake, BedTake, EffectTake)


@dataclass
class Plan:
    frames: int  # the chapter's length
    lines: list[PlacedLine]
    beds: list[Bed]
    effects: list[PlacedEffect]
    bed_ducks: list[Duck]  # one a line, in the order of `lines`
    effect_ducks: list[Duck]
    music: list[PlacedMusic]
    music_ducks: list[Duck]
    warnings: list[str]


def plan_mix(
    inputs: MixInputs, laws: Laws, clips: Scratch, progress: Progress, cache: LineCache | None = None
) -> Plan:
    """Prepare all takes into `clips` and decide. `progress` gets the share done, 0..1.

    Args:
        cache: processed lines of earlier mixes; a line that is in it is not processed again.

    Raises MixError for a damaged take; a missing or silent one is a warning.
    """
    timeline, anchor = inputs.timeline, laws.dialogue.anchor_lufs
    warnings: list[str] = []
    wanted_s: dict[Path, float] = {}
    for segment in timeline.effect_segments:
        if path := inputs.effects.get(segment.id):
            wanted_s[path] = max(wanted_s.get(path, 0.0), segment.duration_s)

    def line(path: Path, segment: DialogueSegment) -> LineTake | None:
        return prepare_line(path, manner(segment, laws.dialogue), laws.dialogue, clips, cache)

    def bed(path: Path, segment: EnvironmentSegment) -> BedTake | None:
        return prepare_bed(path, laws.bed, clips)

    def effect(path: Path, segment: EffectSegment) -> EffectTake | None:
        return prepare_effect(path, wanted_s[path], acoustic_of(segment), laws.effect, clips)

    spoken = place_lines(
        timeline.dialogue_segments,
        _prepare(
            timeline.dialogue_segments,
            inputs.dialogue,
            line,
            "line",
            warnings,
            lambda share: progress(0.8 * share),
            lambda s: manner(s, laws.dialogue),
        ),
        laws.dialogue,
    )
    frames = _length(timeline.total_duration_s, spoken, warnings)
    spoken = fit_tails(spoken, frames, laws.effect.end_fade_s)
    bed_takes = _prepare(timeline.environment_segments, inputs.beds, bed, "bed", warnings)
    beds = plan_beds(timeline.environment_segments, bed_takes, laws.bed, anchor, frames, clips)
    _warn_of_bare_places(beds, frames, warnings)
    progress(0.9)
    effect_takes = _prepare(
        timeline.effect_segments, inputs.effects, effect, "effect", warnings, variant=acoustic_of
    )
    effects = place_effects(timeline.effect_segments, effect_takes, laws.effect, anchor, frames)
    cells = -(-frames // CELL_FRAMES)
    bed_power = np.zeros(cells, np.float32)
    for each in beds:
        each.add_energies(bed_power)
    effect_power = bus_energies(effects, cells)
    music = place_music(
        timeline.music_segments, inputs.music, timeline.chapter, laws.music, anchor, frames, clips
    )
    music_power = music_energies(music, cells)
    bed_ducks, effect_ducks, music_ducks = [], [], []
    for each in spoken:
        start_s = each.placed.start / SAMPLE_RATE_HZ
        span = cells_of(start_s, each.end_s)
        for law, power, ducks in (
            (laws.bed_ducking, bed_power, bed_ducks),
            (laws.effect_ducking, effect_power, effect_ducks),
            (laws.music_ducking, music_power, music_ducks),
        ):
            ducks.append(Duck(start_s, each.end_s, depth_db(law, each.lufs, power[span])))
    return Plan(frames, spoken, beds, effects, bed_ducks, effect_ducks, music, music_ducks, warnings)


def with_rooms(sounds: Sequence[PlacedLine] | Sequence[PlacedEffect]) -> list[Placed]:
    """All clips of a bus: the sounds themselves, then their rooms' answers."""
    return [sound.placed for sound in sounds] + [sound.wet for sound in sounds if sound.wet is not None]


def _prepare(
    segments: list[_Segment],
    paths: dict[str, Path],
    make: Callable[[Path, _Segment], _Take | None],
    kind: str,
    warnings: list[str],
    progress: Progress = lambda share: None,
    variant: Callable[[_Segment], Hashable] = lambda segment: None,
) -> dict[str, _Take]:
    """Takes by segment id; a file used by several segments is prepared once (per variant of the treatment)."""
    made: dict[tuple[Path, Hashable], _Take | None] = {}
    takes: dict[str, _Take] = {}
    for number, segment in enumerate(segments):
        name = segment.speaker if isinstance(segment, DialogueSegment) else segment.sound
        path = paths.get(segment.id)
        if path is None:
            warnings.append(f"{kind} {segment.id} ({name}) has no take: nothing sounds there")
            continue
        key = path, variant(segment)
        if key not in made:
            made[key] = make(path, segment)
        take = made[key]
        if take is None:
            warnings.append(
                f"{kind} {segment.id} ({name}): the take is empty or silent, nothing sounds there"
            )
        else:
            takes[segment.id] = take
        progress((number + 1) / len(segments))
    return takes


def _length(total_duration_s: float, spoken: list[PlacedLine], warnings: list[str]) -> int:
    """Frames of the chapter: the timeline's, unless a word would be cut."""
    frames = round(total_duration_s * SAMPLE_RATE_HZ)
    last = max((line.placed.start + line.placed.frames for line in spoken), default=0)
    over_s = (last - frames) / SAMPLE_RATE_HZ
    if over_s > 0.001:
        warnings.append(f"the last line ends {over_s:.2f} s after the timeline: the chapter is made longer")
    return max(frames, last, 1)


def _warn_of_bare_places(beds: list[Bed], frames: int, warnings: list[str]) -> None:
    """Say how much lies under no bed though there are beds: it sounds like a hole in the world."""
    at, bare = 0, 0
    for bed in sorted(beds, key=lambda b: b.start):
        bare += max(0, bed.start - at)
        at = max(at, bed.start + bed.frames)
    bare += max(0, frames - at)
    if beds and bare > SAMPLE_RATE_HZ // 20:
        warnings.append(f"{bare / SAMPLE_RATE_HZ:.1f} s of the chapter lie under no bed")
