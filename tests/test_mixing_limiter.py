"""Nothing leaves above the ceiling, measured by another meter, and what is below it leaves untouched."""

from __future__ import annotations

import numpy as np
import pyebur128
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixing.limiter import Limiter
from mixing.truepeak import CELL, CONTEXT, TruePeakMeter, above, cell_peaks, cell_tops

RATE_HZ = 48_000


def libebur128_dbtp(sound: np.ndarray) -> float:
    state = pyebur128.R128State(len(sound), RATE_HZ, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(sound.T.ravel()), sound.shape[1])
    return 20 * np.log10(max(pyebur128.get_true_peak(state, c) for c in range(len(sound))))


def true_peak_dbtp(sound: np.ndarray, block: int = 10**9) -> float:
    meter = TruePeakMeter(len(sound))
    for at in range(0, sound.shape[1], block):
        meter.add(sound[:, at : at + block])
    return meter.finish()


def limited(sound: np.ndarray, ceiling_dbtp: float, blocks: list[int] | None = None) -> np.ndarray:
    limiter, at, out = Limiter(len(sound), ceiling_dbtp), 0, []
    for block in [*(blocks or []), sound.shape[1]]:
        out.append(limiter.add(sound[:, at : at + block]))
        at += block
    return np.concatenate([*out, limiter.finish()], axis=1)


def noise_with_bangs(seconds: float, loud: float, seed: int) -> np.ndarray:
    rng, count = np.random.default_rng(seed), int(seconds * RATE_HZ)
    sound = rng.standard_normal((2, count)) * 0.05
    for at in rng.integers(0, count - 3000, 6):
        sound[:, at : at + 2000] += rng.standard_normal((2, 2000)) * loud * np.exp(-np.arange(2000) / 400)
    return sound.astype(np.float32)


def sine(divider: float, degrees: float, amplitude: float) -> np.ndarray:
    at = np.arange(RATE_HZ)
    wave = amplitude * np.sin(2 * np.pi * at / divider + np.radians(degrees))
    wave[:480] *= np.linspace(0, 1, 480)  # the tones of Tech 3341 begin and end with a fade
    wave[-480:] *= np.linspace(1, 0, 480)
    return np.stack([wave, wave]).astype(np.float32)


@pytest.mark.parametrize(
    ("divider", "degrees", "amplitude", "expected"),
    [(4, 0, 0.5, -6.0), (4, 45, 0.5, -6.0), (6, 60, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45, 1.41, 3.0)],
)
def test_tech_3341_true_peak_cases_15_to_19(divider, degrees, amplitude, expected):
    assert expected - 0.4 <= true_peak_dbtp(sine(divider, degrees, amplitude)) <= expected + 0.2


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(50, 50_000))
def test_true_peak_agrees_with_libebur128_for_any_blocks(seed, block):
    sound = noise_with_bangs(0.5, 0.8, seed)
    assert true_peak_dbtp(sound, block) == pytest.approx(libebur128_dbtp(sound), abs=0.01)
    assert true_peak_dbtp(sound, block) == true_peak_dbtp(sound)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.floats(0.2, 3.0), st.floats(-6, -0.5))
def test_the_ceiling_holds(seed, loud, ceiling_dbtp):
    sound = noise_with_bangs(2.3, loud, seed)
    out = limited(sound, ceiling_dbtp)
    assert out.shape == sound.shape
    assert libebur128_dbtp(out) <= ceiling_dbtp + 0.05


@pytest.mark.parametrize("signal", ["steady", "first sample", "last sample", "between samples"])
def test_the_ceiling_holds_at_the_edges_too(signal):
    sound = np.zeros((2, 2 * RATE_HZ + 777), np.float32)
    if signal == "steady":
        sound += np.float32(1.9)
    elif signal == "first sample":
        sound[:, :40] = 1.5
    elif signal == "last sample":
        sound[:, -40:] = -1.5
    else:
        sound = np.tile(sine(4, 45, 1.3), 2)
    assert libebur128_dbtp(limited(sound, -1.6)) <= -1.5


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 90_000), max_size=5), st.integers(0, 9))
def test_same_bits_for_any_blocks(blocks, seed):
    sound = noise_with_bangs(2.7, 1.5, seed)
    assert np.array_equal(limited(sound, -1.6, blocks), limited(sound, -1.6))


def test_what_is_below_the_ceiling_is_left_alone_bit_by_bit():
    sound = noise_with_bangs(3.0, 0.3, 4)
    sound *= np.float32(0.7 / np.abs(sound).max())
    assert np.array_equal(limited(sound, -1.0), sound)


def test_the_gain_comes_back_after_a_bang():
    sound = np.full((2, 3 * RATE_HZ), 0.1, np.float32)
    sound[:, RATE_HZ : RATE_HZ + 100] = 2.0
    gain = limited(sound, -1.6)[0] / sound[0]
    assert gain[: RATE_HZ - 200] == pytest.approx(1.0)
    assert gain[RATE_HZ + 50] < 0.45
    assert gain[RATE_HZ + RATE_HZ // 2 :] == pytest.approx(1.0)  # 60 dB/s: 7.7 dB are back in 0.13 s
    assert np.abs(np.diff(gain)).max() < 0.02  # and without a jump


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.floats(0.01, 1.0), st.sampled_from([0.0, 0.5, 0.95, 0.999]))
def test_no_cell_that_passes_the_level_is_ruled_out(seed, level, dullness):
    rng, cells = np.random.default_rng(seed), 20
    sound = rng.uniform(-1, 1, (2, cells * CELL + 2 * CONTEXT)) * rng.uniform(0, 1, (2, 1))
    for k in range(1, sound.shape[1]):  # from white to nearly a straight line
        sound[:, k] += dullness * (sound[:, k - 1] - sound[:, k])
    sound = sound.astype(np.float32)
    tops = cell_tops(sound, cells)
    kept = set(above(sound, tops, np.arange(cells), level).tolist())
    true = cell_peaks(sound, np.arange(cells)).max(axis=1)
    assert set(np.flatnonzero(true > level).tolist()) <= kept
