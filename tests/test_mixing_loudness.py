"""The meter says what the norm says: EBU Tech 3341 and 3342 cases, libebur128 beside it, any block size."""

from __future__ import annotations

import numpy as np
import pyebur128
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixing.loudness import (
    EnergyMeter,
    KnownMeter,
    energies,
    integrated_lufs,
    loudness_range_lu,
    momentary_max_lufs,
    short_term_max_lufs,
    speech_lufs,
)

RATE_HZ = 48_000


def tone(level_dbfs: float, seconds: float, frequency_hz: float = 1000.0) -> np.ndarray:
    """Stereo sine whose peak is `level_dbfs`, as Tech 3341 defines its signals."""
    at = np.arange(round(seconds * RATE_HZ))
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * at / RATE_HZ)
    return np.stack([wave, wave]).astype(np.float32)


def tones(*parts: tuple[float, float]) -> np.ndarray:
    return np.concatenate([tone(level, seconds) for level, seconds in parts], axis=1)


def programme(seconds: float, seed: int = 1) -> np.ndarray:
    """Noise that swells and pauses, a little like speech."""
    rng, count = np.random.default_rng(seed), round(seconds * RATE_HZ)
    corners = np.arange(0, count + 9600, 9600)
    swell = np.interp(np.arange(count), corners, rng.exponential(0.1, len(corners)))
    return (rng.standard_normal((2, count)) * swell).astype(np.float32)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (((-23, 20),), -23.0),  # Tech 3341 case 1
        (((-33, 20),), -33.0),  # 2
        (((-36, 10), (-23, 60), (-36, 10)), -23.0),  # 3
        (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),  # 4
        (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),  # 5
    ],
)
def test_tech_3341_integrated_loudness(signal, expected):
    cells = energies(tones(*signal))
    assert integrated_lufs(cells) == pytest.approx(expected, abs=0.1)
    if len(signal) == 1:
        assert short_term_max_lufs(cells) == pytest.approx(expected, abs=0.1)
        assert momentary_max_lufs(cells) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (((-20, 20), (-30, 20)), 10.0),  # Tech 3342 case 1
        (((-20, 20), (-15, 20)), 5.0),  # 2
        (((-40, 20), (-20, 20)), 20.0),  # 3
        (((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),  # 4
    ],
)
def test_tech_3342_loudness_range(signal, expected):
    assert loudness_range_lu(energies(tones(*signal))) == pytest.approx(expected, abs=1.0)


def test_agrees_with_libebur128_on_a_programme():
    sound = programme(200)  # long: libebur128 takes a range from one window a second, we from ten
    mode = pyebur128.MeasurementMode
    other = pyebur128.R128State(2, RATE_HZ, mode.MODE_I | mode.MODE_LRA | mode.MODE_S | mode.MODE_M)
    other.add_frames(np.ascontiguousarray(sound.T.ravel()), sound.shape[1])
    cells = energies(sound)
    assert integrated_lufs(cells) == pytest.approx(pyebur128.get_loudness_global(other), abs=0.02)
    assert loudness_range_lu(cells) == pytest.approx(pyebur128.get_loudness_range(other), abs=0.3)
    last = energies(sound[:, -3 * RATE_HZ :])
    assert short_term_max_lufs(last) == pytest.approx(pyebur128.get_loudness_shortterm(other), abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=8), st.integers(0, 3))
def test_energies_are_the_same_bits_for_any_blocks(blocks, seed):
    sound = programme(1.5, seed)
    whole, parts = EnergyMeter(2), EnergyMeter(2)
    whole.add(sound)
    at = 0
    for block in [*blocks, sound.shape[1]]:
        parts.add(sound[:, at : at + block])
        at += block
    assert np.array_equal(whole.energies, parts.energies)


@settings(max_examples=25, deadline=None)
@given(st.floats(-30, 12))
def test_a_gain_moves_every_measure_by_itself_and_leaves_the_range(gain_db):
    sound = programme(8)
    before, after = energies(sound), energies(sound * np.float32(10 ** (gain_db / 20)))
    for measure in (integrated_lufs, short_term_max_lufs, momentary_max_lufs, speech_lufs):
        assert measure(after) - measure(before) == pytest.approx(gain_db, abs=0.05)
    assert loudness_range_lu(after) == pytest.approx(loudness_range_lu(before), abs=0.05)


def test_silence_and_the_very_short_have_an_answer():
    assert integrated_lufs(energies(np.zeros((2, RATE_HZ), np.float32))) == -np.inf
    assert speech_lufs(energies(np.zeros((1, 100), np.float32))) == -np.inf
    assert integrated_lufs(np.zeros(0, np.float32)) == -np.inf
    assert loudness_range_lu(np.zeros(0, np.float32)) == 0
    word = tone(-20, 0.25)  # too short for the standard, long enough for a word
    assert integrated_lufs(energies(word)) == -np.inf
    assert speech_lufs(energies(word)) == pytest.approx(-20, abs=0.7)


def test_pauses_do_not_make_a_line_quieter():
    line = programme(3)
    paused = np.concatenate([line, np.zeros((2, 5 * RATE_HZ), np.float32)], axis=1)
    assert speech_lufs(energies(paused)) == pytest.approx(speech_lufs(energies(line)), abs=0.3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(1, RATE_HZ), st.floats(-20, 12))
def test_energies_known_from_another_stream_are_those_of_the_full_meter(changed, last, gain_db):
    gain = 10 ** (gain_db / 20)
    before = programme(len(changed))[:, : RATE_HZ * (len(changed) - 1) + last].astype(np.float32)
    after = before * np.float32(gain)
    for second, other in enumerate(changed):
        if other:
            after[:, second * RATE_HZ : (second + 1) * RATE_HZ] *= np.float32(0.7)
    reference, full = EnergyMeter(2), EnergyMeter(2)
    reference.add(before)
    full.add(after)
    meter = KnownMeter(reference.energies, gain)
    for second, other in enumerate(changed):
        meter.add(after[:, second * RATE_HZ : (second + 1) * RATE_HZ], same=not other)
    assert meter.energies == pytest.approx(full.energies, rel=1e-5, abs=1e-12)
