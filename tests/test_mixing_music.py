"""Music: only where asked for, at openings and scene changes, faded, well below speech, the same on every run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.mixing.chapters import chapter
from mixing import MixError, MixInputs, load_profile, mix_chapter
from mixing.loudness import energies, lufs, speech_lufs
from mixing.music import compose
from story.music import place_music
from story.timeline import MusicSegment, to_ms

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> MixInputs:
    made = chapter(tmp_path_factory.mktemp("takes"), minutes=0.5, sentences=3, bed_s=6.0)
    made.timeline.effect_segments, made.effects = [], {}
    made.timeline.music_segments = [
        MusicSegment(id="music1", kind="opening", duration_s=10.0, fade_in_s=0.8, fade_out_s=5.0),
        MusicSegment(id="music2", kind="scene", start_s=16.0, duration_s=8.0, fade_in_s=2.0, fade_out_s=4.0),
    ]
    return made


def effects_stem(inputs: MixInputs, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    mixed = mix_chapter(inputs, folder, load_profile(), "wav")
    dialogue, music = (soundfile.read(mixed.stems[name])[0].T for name in ("dialogue", "effects"))
    return dialogue, music


def test_it_plays_where_the_timeline_says_and_stays_ten_units_below_speech(inputs, tmp_path):
    dialogue, music = effects_stem(inputs, tmp_path)
    silent = ~np.abs(music).max(axis=0).astype(bool)
    assert silent[round(10.1 * RATE_HZ) : round(15.9 * RATE_HZ)].all()
    assert not silent[round(0.1 * RATE_HZ) : round(9.5 * RATE_HZ)].all()
    said, played = energies(dialogue), energies(music)
    heard = 0
    for line in inputs.timeline.dialogue_segments:
        span = slice(int(line.start_s * 100), int(line.end_s * 100))
        if played[span].mean() > 1e-9:
            heard += 1
            assert speech_lufs(said[span]) - lufs(played[span]) >= 10
    assert heard >= 2
    edge = music[:, round(9.98 * RATE_HZ) : 10 * RATE_HZ]
    assert np.abs(edge).max() < 1e-3


def test_the_same_bits_again_and_a_file_of_the_users(inputs, tmp_path):
    _, first = effects_stem(inputs, tmp_path / "a")
    _, again = effects_stem(inputs, tmp_path / "b")
    assert np.array_equal(first, again)
    path = tmp_path / "tune.flac"
    soundfile.write(path, 0.2 * np.sin(np.arange(4 * 44_100) / 20), 44_100)
    _, own = effects_stem(inputs.model_copy(update={"music": path}), tmp_path / "c")
    assert own[:, RATE_HZ // 2 : 2 * RATE_HZ].any()
    assert not own[:, round(4.1 * RATE_HZ) : 16 * RATE_HZ].any()  # no longer than the tune
    missing = inputs.model_copy(update={"music": tmp_path / "none.wav"})
    with pytest.raises(MixError, match=r"none\.wav"):
        mix_chapter(missing, tmp_path / "d", load_profile(), "wav")


def test_what_is_composed_differs_by_seed_and_mood_and_never_clips():
    calm, tense, other = (
        compose(s, m, 6 * RATE_HZ) for s, m in (("a", "calm"), ("a", "tense"), ("b", "calm"))
    )
    assert calm.shape == (2, 6 * RATE_HZ)
    assert not np.array_equal(calm, tense)
    assert not np.array_equal(calm, other)
    assert np.array_equal(calm, compose("a", "calm", 6 * RATE_HZ))
    assert np.isfinite(calm).all()
    assert np.corrcoef(calm)[0, 1] > 0  # survives in mono


def test_places_are_the_opening_and_scene_changes_that_lie_apart(inputs):
    timeline = inputs.timeline.model_copy(deep=True)
    for number, line in enumerate(timeline.dialogue_segments):  # a long chapter of many scenes
        line.scene, line.start_s = f"scene{number // 2}", 40.0 * number
    timeline.total_duration_s = 40.0 * len(timeline.dialogue_segments)
    placed = place_music(timeline)
    assert placed.music_segments[0].start_s == 0
    starts = [segment.start_s for segment in placed.music_segments]
    assert len(starts) >= 2
    assert all(b - a >= 90 for a, b in pairwise(starts))
    for segment in placed.music_segments:
        assert to_ms(segment.start_s) + to_ms(segment.duration_s) <= to_ms(timeline.total_duration_s)
    assert place_music(placed) == placed
    assert timeline.music_segments == inputs.timeline.music_segments  # the original is left as it was
