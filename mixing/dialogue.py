"""Dialogue: every line through the same gentle chain, every speaker at the same level, the acting left alive.

Level is set per speaker. Within a speaker, a line's deviation from the speaker's own mean is the acting or the
engine's whim: most of it is taken away, by at most 3 dB, and at most 3 dB of it may remain. A whisper and a shout
have their own offset, since an engine's "whisper" may be as loud as its plain voice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mixing.acoustics import resolve
from mixing.buses import Placed, constant_power, placed_until
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.linecache import LineCache
from mixing.lines import Manner, line_key, process_line
from mixing.profiles import DialogueLaw
from mixing.reading import amplitude, decibels
from mixing.scratch import Clip, Scratch
from story.timeline import DialogueSegment


@dataclass(frozen=True)
class LineTake:
    """A processed line in the scratch file. Takes shared by several lines are processed once per manner."""

    clip: Clip  # mono
    wet: Clip | None  # its room's answer, stereo
    take_lufs: float  # speech-gated, as the take came
    lufs: float  # the same after the chain, at gain 1, without the room
    peak: float
    duration_s: float


@dataclass(frozen=True)
class PlacedLine:
    segment: DialogueSegment
    placed: Placed
    wet: Placed | None
    end_s: float
    take_lufs: float
    lufs: float  # speech-gated level inside the mix
    correction_db: float
    intent_db: float


def intent(style: str, law: DialogueLaw) -> str:
    """The name of the intent a style speaks of ("angry whisper", "低声地"), or "" for plain speech."""
    return _intent(style.casefold(), tuple((name, tuple(how.words)) for name, how in law.intents.items()))


@lru_cache(maxsize=1024)
def _intent(style: str, intents: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    if style:
        for name, words in intents:
            if any(re.search(rf"\b{re.escape(w)}\b" if w.isascii() else w, style) for w in words):
                return name
    return ""


def manner(segment: DialogueSegment, law: DialogueLaw) -> Manner:
    """How a line is treated. Raises MixError for an acoustic preset that does not exist."""
    name = intent(segment.style, law)
    wet_db = law.intents[name].wet_db if name else 0.0
    return Manner(name, resolve(segment.space, segment.distance, segment.treatment, wet_db))


def prepare_line(
    path: Path, how: Manner, law: DialogueLaw, scratch: Scratch, cache: LineCache | None = None
) -> LineTake | None:
    """A take through its chain, from the cache where it was made before. None if empty or silent."""
    line = key = None
    if cache is not None and path.is_file():
        key = line_key(path, how, law)
        line = cache.get(key)
    if line is None:
        line = process_line(path, how, law)
        if line is not None and cache is not None and key is not None:
            cache.put(key, line)
    if line is None:
        return None
    return LineTake(
        scratch.add(line.dry),
        None if line.wet is None else scratch.add(line.wet),
        line.take_lufs,
        line.lufs,
        line.peak,
        line.dry.shape[1] / SAMPLE_RATE_HZ,
    )


def place_lines(
    segments: list[DialogueSegment], takes: dict[str, LineTake], law: DialogueLaw
) -> list[PlacedLine]:
    """Levels and places of the lines that have a take, in the timeline's order."""
    spoken = [s for s in segments if s.id in takes]
    means = speaker_means(spoken, takes, law)
    placed = []
    for segment in spoken:
        take = takes[segment.id]
        how = manner(segment, law)
        style, acoustic = how.intent, how.acoustic
        intent_db = (law.intents[style].level_db if style else 0.0) + acoustic.level_db
        deviation_db = take.take_lufs - means[segment.speaker]
        if style:  # the offset alone says how loud it is
            rest_db = 0.0
        else:
            most = law.line_correction_max_db
            rest_db = deviation_db - float(np.clip(law.line_correction * deviation_db, -most, most))
            rest_db = float(np.clip(rest_db, -law.line_residual_max_db, law.line_residual_max_db))
        level = law.anchor_lufs + intent_db + rest_db
        level = min(level, law.peak_max_dbfs - decibels(take.peak) + take.lufs)
        gain = amplitude(level - take.lufs + 10 * np.log10(acoustic.dry_share))
        left, right = constant_power(0.0 if acoustic.treatment.centred else segment.pan)
        start = max(0, round(segment.start_s * SAMPLE_RATE_HZ))
        clip = Placed(start, take.clip.frames, take.clip, np.float32(gain * left), np.float32(gain * right))
        wet = None if take.wet is None else Placed(start, take.wet.frames, take.wet, gain, gain)
        placed.append(
            PlacedLine(
                segment,
                clip,
                wet,
                start / SAMPLE_RATE_HZ + take.duration_s,
                take.take_lufs,
                level,
                rest_db - deviation_db,
                intent_db,
            )
        )
    return placed


def fit_tails(lines: list[PlacedLine], frames: int, fade_s: float) -> list[PlacedLine]:
    """Rooms that would ring on after the chapter's last frame fade out before it."""
    return [
        line
        if (wet := line.wet) is None
        else replace(line, wet=placed_until(frames, wet.start, wet.clip, wet.left, wet.right, fade_s))
        for line in lines
    ]


def speaker_means(
    segments: list[DialogueSegment], takes: dict[str, LineTake], law: DialogueLaw
) -> dict[str, float]:
    """Each speaker's level as the takes came: energy mean over their lines by duration, whispers and shouts aside."""
    plain: dict[str, list[LineTake]] = defaultdict(list)
    every: dict[str, list[LineTake]] = defaultdict(list)
    for segment in segments:
        every[segment.speaker].append(takes[segment.id])
        if not intent(segment.style, law):
            plain[segment.speaker].append(takes[segment.id])
    return {speaker: mean_lufs(plain.get(speaker) or lines) for speaker, lines in every.items()}


def mean_lufs(lines: list[LineTake]) -> float:
    weights = np.array([line.duration_s for line in lines])
    power = np.array([10 ** (line.take_lufs / 10) for line in lines])
    return 10 * float(np.log10((weights * power).sum() / weights.sum()))
