"""Effects: each at its cue, brought to one loudness whatever its take's, never piled up, its tail never cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixing.acoustics import Acoustic, resolve
from mixing.buses import Placed, constant_power, placed_until
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import CELL_FRAMES, energies, momentary_max_lufs
from mixing.profiles import EffectLaw
from mixing.reading import amplitude, decibels, edges, filtered, read_take, section, to_mono, to_stereo
from mixing.rooms import room_sound
from mixing.scratch import Clip, Scratch
from story.timeline import EffectSegment

_LEAD_DB = -60  # silence before the sound, to its peak: cut, so that the sound is at its cue


@dataclass(frozen=True)
class EffectTake:
    """A prepared take: mono or stereo, 48 kHz, starting with its sound."""

    clip: Clip
    wet: Clip | None  # its room's answer, stereo
    energies: np.ndarray  # K-weighted, 10 ms
    momentary_lufs: float
    peak: float


@dataclass(frozen=True)
class PlacedEffect:
    segment: EffectSegment
    placed: Placed
    wet: Placed | None
    power: np.ndarray  # its K-weighted 10 ms energies as mixed, before ducking
    first_cell: int


def acoustic_of(segment: EffectSegment) -> Acoustic:
    """Raises MixError for an acoustic preset that does not exist."""
    return resolve(segment.space, segment.distance)


def prepare_effect(
    path: Path, longest_s: float, acoustic: Acoustic, law: EffectLaw, scratch: Scratch
) -> EffectTake | None:
    """Read and condition an effect's take; None if it is empty or silent.

    Args:
        longest_s: the longest a cue wants of it; a take that goes on for much longer is faded out.
    """
    most_s = longest_s + law.longest_tail_s
    samples = read_take(path, most_s + 1.0)
    peak = float(np.abs(samples).max()) if samples.shape[1] else 0.0
    if peak <= 1e-5:
        return None
    loud = np.flatnonzero(np.abs(samples).max(axis=0) > peak * 10 ** (_LEAD_DB / 20))
    samples = samples[:, max(0, int(loud[0]) - 1) :]
    fade_out_s = law.fade_out_s
    if samples.shape[1] > most_s * SAMPLE_RATE_HZ:
        samples, fade_out_s = samples[:, : round(most_s * SAMPLE_RATE_HZ)], law.longest_tail_s / 2
    if len(samples) > 1:
        samples = to_stereo(samples)
    filters = [section("highpass", law.high_pass_hz, 2)]
    if acoustic.low_pass_hz:
        filters.append(section("lowpass", acoustic.low_pass_hz, 1))
    samples = edges(filtered(samples, filters), law.fade_in_s, fade_out_s)
    cells = energies(samples)
    wet = room_sound(to_mono(samples), acoustic, float(np.vdot(samples, samples)))
    return EffectTake(
        scratch.add(samples),
        None if wet is None else scratch.add(wet),
        cells,
        momentary_max_lufs(cells),
        float(np.abs(samples).max()),
    )


def place_effects(
    segments: list[EffectSegment],
    takes: dict[str, EffectTake],
    law: EffectLaw,
    anchor_lufs: float,
    total: int,
) -> list[PlacedEffect]:
    """Gains and places, in the timeline's order. What still rings at the chapter's end is faded there."""
    found = []
    for segment in segments:
        take = takes.get(segment.id)
        start = max(0, round(segment.start_s * SAMPLE_RATE_HZ))
        if take is None or start >= total:
            continue
        level_db = anchor_lufs - law.below_dialogue_lu + segment.level_db - take.momentary_lufs
        level_db += acoustic_of(segment).level_db
        level_db = min(level_db, law.peak_max_dbfs - decibels(take.peak))
        found.append((segment, take, start, level_db))
    calmed = _unpile(
        [(start, take.energies * 10 ** (db / 10)) for _, take, start, db in found], law.pile_max_db
    )
    placed = []
    for (segment, take, start, level_db), calm_db in zip(found, calmed, strict=True):
        gain_db = level_db - calm_db
        left, right = constant_power(segment.pan)
        if take.clip.channels == 2:  # a stereo take keeps its image: the same law as a balance
            left, right = left * np.sqrt(2), right * np.sqrt(2)
        gain, fade_s = amplitude(gain_db + decibels(np.sqrt(acoustic_of(segment).dry_share))), law.end_fade_s
        clip = placed_until(total, start, take.clip, gain * left, gain * right, fade_s)
        wet = None if take.wet is None else placed_until(total, start, take.wet, gain, gain, fade_s)
        power = take.energies * np.float32(10 ** (gain_db / 10))
        placed.append(PlacedEffect(segment, clip, wet, power, start // CELL_FRAMES))
    return placed


def _unpile(clips: list[tuple[int, np.ndarray]], most_db: float) -> list[float]:
    """How many dB each clip is lowered so that clips sounding together stay near the loudest of them.

    Args:
        clips: start frame and 10 ms energies as mixed.
    """
    starts = [start // CELL_FRAMES for start, _ in clips]
    ends = [first + len(power) for first, (_, power) in zip(starts, clips, strict=True)]
    tops = [momentary_max_lufs(power) for _, power in clips]
    order = sorted(range(len(clips)), key=lambda i: starts[i])
    calm = [0.0] * len(clips)
    for place, i in enumerate(order):
        near = [
            j for j in order[max(0, place - 32) : place + 32] if starts[j] < ends[i] and starts[i] < ends[j]
        ]
        if len(near) < 2:
            continue
        together = np.zeros(ends[i] - starts[i])
        for j in near:
            a, b = max(starts[i], starts[j]), min(ends[i], ends[j])
            together[a - starts[i] : b - starts[i]] += clips[j][1][a - starts[j] : b - starts[j]]
        excess = momentary_max_lufs(together) - max(tops[j] for j in near) - most_db
        calm[i] = max(0.0, excess)
    return calm


def bus_energies(effects: list[PlacedEffect], cells: int) -> np.ndarray:
    """K-weighted 10 ms energies of the effects bus before ducking, float32 `(cells,)`."""
    out = np.zeros(cells, np.float32)
    for effect in effects:
        count = min(len(effect.power), cells - effect.first_cell)
        if count > 0:
            out[effect.first_cell : effect.first_cell + count] += effect.power[:count]
    return out
