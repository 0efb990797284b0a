"""Music for openings and scene changes: a file of the user's, or a quiet bed composed here; faded, and ducked by 10 LU.

It sounds in the effects stem (the "M&E" of a film mix), after the effects' own ducking. The composed bed is a slow
progression of held chords in a large room with a few bell tones above, seeded by the chapter: simple, but never the
same twice and free of anybody's rights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mixing.acoustics import table
from mixing.buses import Placed
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import CELL_FRAMES, energies, integrated_lufs, speech_lufs
from mixing.profiles import MusicLaw
from mixing.reading import amplitude, decibels, edges, read_take, to_stereo
from mixing.rooms import answer
from mixing.scratch import Scratch
from story.timeline import MusicSegment

_MAJOR = frozenset({"calm", "joyful", "happy", "warm", "peaceful", "hopeful", "romantic", "cheerful"})
# chords as semitones over the root: i VI III VII and I V vi IV, each with its ninth
_MINOR_CHORDS = ((0, 7, 15, 14), (-4, 3, 8, 12), (-9, 3, 7, 14), (-2, 5, 10, 14))
_MAJOR_CHORDS = ((0, 7, 16, 14), (-5, 7, 11, 14), (-3, 4, 9, 16), (-7, 5, 9, 12))
_CHORD_S = 4.0
_OVERLAP_S = 1.5


@dataclass(frozen=True)
class PlacedMusic:
    segment: MusicSegment
    placed: Placed
    power: np.ndarray  # K-weighted 10 ms energies as mixed, before ducking
    first_cell: int


def place_music(
    segments: list[MusicSegment],
    source: Path | Literal["generated"],
    chapter: str,
    law: MusicLaw,
    anchor_lufs: float,
    total: int,
    scratch: Scratch,
) -> list[PlacedMusic]:
    """Every segment's music at its level, faded. Raises MixError for a file that can't be used."""
    placed = []
    for segment in segments:
        start = max(0, round(segment.start_s * SAMPLE_RATE_HZ))
        frames = min(round(segment.duration_s * SAMPLE_RATE_HZ), total - start)
        if frames <= 0:
            continue
        if source == "generated":
            sound = compose(f"{chapter}/{segment.id}", segment.mood, frames)
        else:
            sound = to_stereo(read_take(source, frames / SAMPLE_RATE_HZ))[:, :frames]
        peak = float(np.abs(sound).max(initial=0.0))
        if peak <= 1e-5:
            continue
        cells = energies(sound)
        loudness = integrated_lufs(cells)
        if not np.isfinite(loudness):
            loudness = speech_lufs(cells)
        level_db = min(
            anchor_lufs - law.below_dialogue_lu + segment.level_db - loudness,
            law.peak_max_dbfs - decibels(peak),
        )
        sound = edges(sound, segment.fade_in_s, segment.fade_out_s) * amplitude(level_db)
        clip = scratch.add(sound)
        one = np.float32(1.0)
        placed.append(
            PlacedMusic(
                segment, Placed(start, clip.frames, clip, one, one), energies(sound), start // CELL_FRAMES
            )
        )
    return placed


def music_energies(music: list[PlacedMusic], cells: int) -> np.ndarray:
    """K-weighted 10 ms energies of all music before ducking, float32 `(cells,)`."""
    out = np.zeros(cells, np.float32)
    for piece in music:
        count = min(len(piece.power), cells - piece.first_cell)
        if count > 0:
            out[piece.first_cell : piece.first_cell + count] += piece.power[:count]
    return out


def compose(seed: str, mood: str, frames: int) -> np.ndarray:
    """float32 `(2, frames)`. The same seed and mood give the same bits."""
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big"))
    chords = _MAJOR_CHORDS if mood.casefold() in _MAJOR else _MINOR_CHORDS
    root_hz = 110.0 * 2 ** (int(rng.integers(-4, 4)) / 12)
    at_s = np.arange(round((_CHORD_S + _OVERLAP_S) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    rise, fall = np.clip(at_s / _OVERLAP_S, 0, 1), np.clip((at_s[-1] - at_s) / _OVERLAP_S, 0, 1)
    swell = (np.sin(np.pi / 2 * rise) * np.sin(np.pi / 2 * fall)).astype(np.float32)
    out = np.zeros((2, frames + len(at_s)), np.float32)
    first = int(rng.integers(len(chords)))
    for number in range(int(np.ceil(frames / SAMPLE_RATE_HZ / _CHORD_S))):
        start = round(number * _CHORD_S * SAMPLE_RATE_HZ)
        chord = chords[(first + number) % len(chords)]
        for voice, semitones in enumerate(chord):
            note_hz = root_hz * 2 ** (semitones / 12)
            pan = (voice / (len(chord) - 1) - 0.5) * float(rng.choice([-1, 1]))
            for detune in (-0.0015, 0.0017):
                tone = _tone(note_hz * (1 + detune), at_s, rng) * swell
                side = np.clip(pan + 60 * detune, -1, 1)
                out[0, start : start + len(tone)] += tone * np.float32(np.sqrt((1 - side) / 2))
                out[1, start : start + len(tone)] += tone * np.float32(np.sqrt((1 + side) / 2))
        bell_at = start + round(float(rng.uniform(0.4, 2.5)) * SAMPLE_RATE_HZ)
        bell_hz = root_hz * 4 * 2 ** (int(rng.choice(chord)) / 12)
        bell = 0.25 * np.sin(2 * np.pi * bell_hz * at_s) * np.exp(-at_s * 2.2) * np.clip(at_s / 0.01, 0, 1)
        stop = min(bell_at + len(bell), out.shape[1])
        out[:, bell_at:stop] += bell[: stop - bell_at].astype(np.float32)
    dry = out[:, :frames]
    hall = table().spaces["hall"]
    if hall is None:
        return dry
    wet = answer(dry.mean(axis=0, dtype=np.float32), hall)[:, :frames]
    return 0.7 * dry + wet * np.float32(0.7 * np.sqrt((dry**2).sum() / max(float((wet**2).sum()), 1e-12)))


def _tone(note_hz: float, at_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A soft string-like tone that breathes: partials that fall off, as powers of one turning pointer; `(frames,)`."""
    turn = np.exp(2j * np.pi * note_hz * at_s).astype(np.complex64)
    pointer, out = np.ones_like(turn), np.zeros(len(at_s), np.float32)
    for partial in range(1, 6):
        pointer *= turn
        out += (pointer * np.complex64(np.exp(1j * rng.uniform(0, 2 * np.pi)) / partial**1.8)).imag
    breath = 1 + 0.25 * np.sin(2 * np.pi * rng.uniform(0.08, 0.3) * at_s + rng.uniform(0, 2 * np.pi))
    return out * breath.astype(np.float32)
