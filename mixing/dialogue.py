"""Dialogue: every line through the same gentle chain, every speaker at the same level, the acting left alive.

Level is set per speaker. Within a speaker, a line's deviation from the speaker's own mean is the acting or the
engine's whim: most of it is taken away, by at most 3 dB, and at most 3 dB of it may remain. A whisper and a shout
have their own offset, since an engine's "whisper" may be as loud as its plain voice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pedalboard import Compressor

from mixing.buses import Placed, constant_power
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import energies, speech_lufs
from mixing.profiles import CompressorLaw, DialogueLaw
from mixing.reading import amplitude, decibels, edges, high_pass, read_take, to_mono
from mixing.scratch import Clip, Scratch
from story.timeline import DialogueSegment


@dataclass(frozen=True)
class LineTake:
    """A processed line: mono, 48 kHz. Takes shared by several lines are processed once per intent."""

    clip: Clip
    take_lufs: float  # speech-gated, as the take came
    lufs: float  # the same after the chain, at gain 1
    peak: float
    duration_s: float


@dataclass(frozen=True)
class PlacedLine:
    segment: DialogueSegment
    placed: Placed
    end_s: float
    take_lufs: float
    lufs: float  # speech-gated level inside the mix
    correction_db: float
    intent_db: float


def intent(segment: DialogueSegment, law: DialogueLaw) -> str:
    """The name of the line's intent by its style ("angry whisper", "低声地"), or "" for plain speech."""
    style = segment.style.casefold()
    for name, manner in law.intents.items():
        if any(re.search(rf"\b{re.escape(w)}\b" if w.isascii() else w, style) for w in manner.words):
            return name
    return ""


def prepare_line(path: Path, style: str, law: DialogueLaw, scratch: Scratch) -> LineTake | None:
    """Read a take and run the chain: high-pass, compressor at a standard level, edges. None if empty or silent."""
    samples = to_mono(read_take(path))
    if not len(samples) or not np.abs(samples).max() > 1e-5:
        return None
    samples = high_pass(samples, law.intents[style].high_pass_hz if style else law.high_pass_hz)
    take_lufs = speech_lufs(energies(samples[None]))
    if not np.isfinite(take_lufs):
        return None
    samples = _compress(samples * amplitude(law.compressor.at_lufs - take_lufs), law.compressor)
    samples = edges(samples, law.edge_s, law.edge_s)
    level = speech_lufs(energies(samples[None]))
    if not np.isfinite(level):
        return None
    clip = scratch.add(samples[None])
    return LineTake(clip, take_lufs, level, float(np.abs(samples).max()), clip.frames / SAMPLE_RATE_HZ)


def _compress(samples: np.ndarray, law: CompressorLaw) -> np.ndarray:
    """One clip, whole, with a fresh compressor: no state is carried from line to line."""
    compressor = Compressor(
        threshold_db=law.threshold_db, ratio=law.ratio, attack_ms=law.attack_ms, release_ms=law.release_ms
    )
    return compressor(samples.astype(np.float32), SAMPLE_RATE_HZ)


def place_lines(
    segments: list[DialogueSegment], takes: dict[str, LineTake], law: DialogueLaw
) -> list[PlacedLine]:
    """Levels and places of the lines that have a take, in the timeline's order."""
    spoken = [s for s in segments if s.id in takes]
    means = speaker_means(spoken, takes, law)
    placed = []
    for segment in spoken:
        take = takes[segment.id]
        style = intent(segment, law)
        intent_db = law.intents[style].level_db if style else 0.0
        deviation_db = take.take_lufs - means[segment.speaker]
        if style:  # the offset alone says how loud it is
            rest_db = 0.0
        else:
            most = law.line_correction_max_db
            rest_db = deviation_db - float(np.clip(law.line_correction * deviation_db, -most, most))
            rest_db = float(np.clip(rest_db, -law.line_residual_max_db, law.line_residual_max_db))
        level = law.anchor_lufs + intent_db + rest_db
        level = min(level, law.peak_max_dbfs - decibels(take.peak) + take.lufs)
        gain = amplitude(level - take.lufs)
        left, right = constant_power(segment.pan)
        start = max(0, round(segment.start_s * SAMPLE_RATE_HZ))
        clip = Placed(start, take.clip.frames, take.clip, np.float32(gain * left), np.float32(gain * right))
        placed.append(
            PlacedLine(
                segment,
                clip,
                start / SAMPLE_RATE_HZ + take.duration_s,
                take.take_lufs,
                level,
                rest_db - deviation_db,
                intent_db,
            )
        )
    return placed


def speaker_means(
    segments: list[DialogueSegment], takes: dict[str, LineTake], law: DialogueLaw
) -> dict[str, float]:
    """Each speaker's level as the takes came: energy mean over their lines by duration, whispers and shouts aside."""
    plain: dict[str, list[LineTake]] = defaultdict(list)
    every: dict[str, list[LineTake]] = defaultdict(list)
    for segment in segments:
        every[segment.speaker].append(takes[segment.id])
        if not intent(segment, law):
            plain[segment.speaker].append(takes[segment.id])
    return {speaker: mean_lufs(plain.get(speaker) or lines) for speaker, lines in every.items()}


def mean_lufs(lines: list[LineTake]) -> float:
    weights = np.array([line.duration_s for line in lines])
    power = np.array([10 ** (line.take_lufs / 10) for line in lines])
    return 10 * float(np.log10((weights * power).sum() / weights.sum()))
