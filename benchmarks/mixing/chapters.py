"""Chapters of any length to mix: real speech (hibari), noise, tones and bangs, on a plausible timeline. Seeded.

Used by the benchmark and by the tests, so both mix the same kind of thing. Every line has a file of its own (hard
links to a few takes), so that nothing is saved by sharing.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
from hibari import Hibari
from scipy.signal import butter, sosfilt

from mixing import MixInputs
from story.timeline import DialogueSegment, EffectSegment, EnvironmentSegment, Timeline

RATE_HZ = 24_000
SPEAKERS = {"narrator": 0.0, "jim": -0.25, "pew": 0.3, "mother": 0.15}
SENTENCES = [
    "My curiosity, in a sense, was stronger than my fear.",
    "I could not remain where I was, but crept back to the bank again.",
    "Down with the door!",
    "In, in, in! he shouted, and cursed them for their delay.",
    "The window of the captain's room was thrown open with a slam and a jingle of broken glass.",
    "They've been before us. Someone has turned the chest out, low and high.",
    "Is it there?",
    "This quarrel was the saving of us, for while it was still raging, another sound came from the hill.",
    "The old man heard the tramp of horses galloping, and turned with a scream.",
    "Scatter and look for them, and find them before the boat is gone!",
    "It was the sound of the sea upon the shore that we heard, and nothing else for a long while.",
    "You will not leave old Pew, mates, not old Pew!",
]
_XFADE_S, _HEAD_S, _TAIL_S = 3.0, 1.0, 3.0


def speech_takes(folder: Path, sentences: int = len(SENTENCES)) -> list[Path]:
    """One file a sentence, levels scattered by some dB as engines do."""
    voice, rng = Hibari(), np.random.default_rng(3)
    paths = []
    for number, text in enumerate(SENTENCES[:sentences]):
        path = folder / f"speech{number}.wav"
        samples = voice(text) * 10 ** (rng.uniform(-3, 3) / 20)
        soundfile.write(path, np.clip(samples, -1, 1), RATE_HZ, subtype="PCM_16")
        paths.append(path)
    return paths


def bed_takes(folder: Path, seconds: float = 30.0) -> dict[str, Path]:
    """Rain (steady), sea (swelling), hum (a tone in noise), fire (sparse cracks)."""
    rng, count = np.random.default_rng(5), int(seconds * RATE_HZ)
    at_s = np.arange(count) / RATE_HZ

    def noise(low_hz: float, high_hz: float) -> np.ndarray:
        sos = butter(1, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos")
        return np.asarray(sosfilt(sos, rng.standard_normal(count)))

    cracks = (rng.random(count) < 12 / RATE_HZ) * rng.exponential(4.0, count)
    sounds = {
        "rain": noise(800, 9000),
        "sea": noise(100, 2000) * (0.35 + 0.65 * np.sin(np.pi * at_s / 7) ** 2),
        "hum": 0.3 * np.sin(2 * np.pi * 120 * at_s) + 0.3 * noise(80, 600),
        "fire": 0.1 * noise(60, 800) + np.convolve(cracks, np.exp(-np.arange(200) / 25), "same"),
    }
    return {name: _write(folder / f"{name}.flac", x) for name, x in sounds.items()}


def effect_takes(folder: Path) -> dict[str, Path]:
    rng = np.random.default_rng(9)

    def burst(seconds: float, decay_s: float, cutoff_hz: float) -> np.ndarray:
        at_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        sos = butter(2, cutoff_hz, fs=RATE_HZ, output="sos")
        return np.asarray(sosfilt(sos, rng.standard_normal(len(at_s)) * np.exp(-at_s / decay_s)))

    hoof = burst(0.25, 0.03, 900)
    gallop = np.zeros(int(4.2 * RATE_HZ))
    for k in range(16):
        start = int((0.25 * k + 0.06 * (k % 3)) * RATE_HZ)
        gallop[start : start + len(hoof)] += hoof[: len(gallop) - start]
    sounds = {"shot": burst(1.8, 0.12, 6000), "door": burst(0.9, 0.08, 500), "gallop": gallop}
    return {name: _write(folder / f"{name}.flac", x) for name, x in sounds.items()}


def _write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, 0.5 * samples / np.abs(samples).max(), RATE_HZ, subtype="PCM_16")
    return path


def chapter(folder: Path, minutes: float, sentences: int = len(SENTENCES), bed_s: float = 30.0) -> MixInputs:
    """A chapter of about that length: 10 lines and 1.3 effects a minute, a scene every five minutes or less."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    speech, beds, effects = speech_takes(folder, sentences), bed_takes(folder, bed_s), effect_takes(folder)
    length_s = [soundfile.info(path).duration for path in speech]
    inputs = MixInputs(timeline=Timeline(chapter="1"))
    timeline, at_s, names = inputs.timeline, _HEAD_S, list(SPEAKERS)
    scene_s = min(300.0, minutes * 30)
    scene_starts = [0.0]
    while at_s < minutes * 60 - _TAIL_S:
        number = len(timeline.dialogue_segments)
        take = int(rng.integers(len(speech)))
        path = folder / f"line{number}.wav"
        path.unlink(missing_ok=True)
        os.link(speech[take], path)
        speaker = names[0] if rng.random() < 0.5 else names[int(rng.integers(1, len(names)))]
        style = {0: "whisper", 1: "shout"}.get(int(rng.integers(12)), "")
        if at_s - scene_starts[-1] > scene_s:
            scene_starts.append(round(at_s - 1.0, 3))
        line = DialogueSegment(
            id=f"s{number}",
            type="narration" if speaker == "narrator" else "dialogue",
            scene=f"scene{len(scene_starts)}",
            speaker=speaker,
            voice_id=speaker,
            emotion="neutral",
            style=style,
            content=SENTENCES[take],
            estimated_duration_s=length_s[take],
            actual_duration_s=round(length_s[take], 3),
            start_s=round(at_s, 3),
            pan=SPEAKERS[speaker],
        )
        timeline.dialogue_segments.append(line)
        inputs.dialogue[line.id] = path
        if rng.random() < 0.13:
            sound = list(effects)[int(rng.integers(len(effects)))]
            cue = EffectSegment(
                id=f"{line.id}-c0",
                sound=sound,
                ucs="",
                prompt="",
                anchor_segment=line.id,
                anchor="word",
                anchor_char=0,
                start_s=round(at_s + rng.uniform(0, 1) * length_s[take], 3),
                duration_s=1.0,
                pan=round(rng.uniform(-0.5, 0.5), 2),
            )
            timeline.effect_segments.append(cue)
            inputs.effects[cue.id] = effects[sound]
        at_s += length_s[take] + rng.choice([0.25, 0.5, 0.9, 1.6])
    timeline.total_duration_s = round(at_s + _TAIL_S, 3)
    ends = [*scene_starts[1:], timeline.total_duration_s]
    for number, (start_s, end_s) in enumerate(zip(scene_starts, ends, strict=True)):
        last = end_s == timeline.total_duration_s
        stop_s = end_s if last else min(end_s + _XFADE_S, timeline.total_duration_s)
        layers: list[str] = [list(beds)[number % 4]] + (["fire"] if number % 3 == 1 else [])
        for layer, sound in enumerate(layers):
            bed = EnvironmentSegment(
                id=f"scene{number + 1}-b{layer}",
                scene=f"scene{number + 1}",
                scene_type="",
                sound=sound,
                ucs="",
                prompt="",
                start_s=round(start_s, 3),
                duration_s=round(stop_s - start_s, 3),
                fade_in_s=_XFADE_S if number else 1.0,
                fade_out_s=2.0 if last else _XFADE_S,
            )
            timeline.environment_segments.append(bed)
            inputs.beds[bed.id] = beds[sound]
    return inputs
