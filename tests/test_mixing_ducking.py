"""Ducking: down before a word sounds, deep enough and never deeper, calm between close lines, the same in any block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixing import load_profile
from mixing.ducking import Duck, DuckCurve, depth_db

RATE_HZ = 48_000
LAW = load_profile().laws.bed_ducking

lines = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0, 4), st.floats(0, LAW.max_depth_db)).map(
        lambda t: Duck(round(t[0], 3), round(t[0] + t[1], 3), t[2])
    ),
    min_size=1,
    max_size=8,
)


def gain_db(ducks: list[Duck], start_s: float, stop_s: float) -> np.ndarray:
    start, stop = round(start_s * RATE_HZ), round(stop_s * RATE_HZ)
    gain = DuckCurve(ducks, LAW).gain(start, stop)
    return 20 * np.log10(np.ones(stop - start) if gain is None else gain)


@settings(max_examples=60, deadline=None)
@given(lines)
def test_never_up_never_deeper_than_the_deepest_and_down_while_a_line_sounds(ducks):
    curve = gain_db(ducks, 0, 30)
    assert curve.max() <= 1e-6
    assert curve.min() >= -max(d.depth_db for d in ducks) - 1e-4
    for duck in ducks:
        span = slice(
            max(0, round((duck.start_s - LAW.lead_s) * RATE_HZ)), round((duck.end_s + LAW.hold_s) * RATE_HZ)
        )
        assert curve[span].max(initial=-99) <= -duck.depth_db + 0.05


@settings(max_examples=40, deadline=None)
@given(lines, st.lists(st.integers(1, 200_000), max_size=6))
def test_same_bits_for_any_blocks(ducks, blocks):
    curve = DuckCurve(ducks, LAW)
    total = 6 * RATE_HZ
    whole = curve.gain(0, total)
    at, parts = 0, []
    for block in [*blocks, total]:
        stop = min(at + block, total)
        if stop > at:
            part = curve.gain(at, stop)
            parts.append(np.ones(stop - at, np.float32) if part is None else part)
        at = stop
    assert np.array_equal(np.concatenate(parts), np.ones(total, np.float32) if whole is None else whole)


def test_the_trapezoid_is_that_of_the_law():
    curve = gain_db([Duck(5.0, 7.0, 6.0)], 0, 12)

    def at(seconds: float) -> float:
        return float(curve[round(seconds * RATE_HZ)])

    assert at(5 - LAW.lead_s - LAW.ramp_s) == pytest.approx(0, abs=0.02)
    assert at(5 - LAW.lead_s - LAW.ramp_s / 2) == pytest.approx(-3, abs=0.1)
    assert at(5 - LAW.lead_s) == at(6) == at(7 + LAW.hold_s - 0.001) == pytest.approx(-6, abs=0.02)
    assert at(7 + LAW.hold_s + LAW.release_s / 2) == pytest.approx(-3, abs=0.1)
    assert at(7 + LAW.hold_s + LAW.release_s + 0.01) == 0
    assert np.abs(np.diff(10 ** (curve / 20))).max() < 1e-4  # no step that could click


def test_stays_down_between_close_lines_and_comes_up_between_distant_ones():
    close = gain_db([Duck(2, 3, 6.0), Duck(3.9, 5, 4.0)], 2, 5)
    assert close.max() <= -4 + 0.05
    distant = gain_db([Duck(2, 3, 6.0), Duck(7, 8, 6.0)], 3, 7)
    assert distant.max() == pytest.approx(0, abs=0.01)


def test_far_from_every_line_there_is_nothing_to_do():
    assert DuckCurve([Duck(5, 6, 6.0)], LAW).gain(20 * RATE_HZ, 21 * RATE_HZ) is None
    assert DuckCurve([], LAW).gain(0, 99) is None


@given(st.floats(-40, -10), st.floats(-60, -10))
def test_depth_is_what_is_missing_and_no_more(speech_lufs, bed_lufs):
    bed = np.full(200, 10 ** ((bed_lufs + 0.691) / 10), np.float32)
    depth = depth_db(LAW, speech_lufs, bed)
    missing = LAW.speech_over_lu + LAW.margin_lu - (speech_lufs - bed_lufs)
    assert depth == pytest.approx(np.clip(missing, 0, LAW.max_depth_db), abs=0.01)


def test_a_crack_under_a_line_counts_though_the_mean_is_low():
    bed = np.full(500, 1e-6, np.float32)
    quiet = depth_db(LAW, -23, bed)
    bed[200:240] = 10 ** ((-25 + 0.691) / 10)
    assert quiet == 0
    assert depth_db(LAW, -23, bed) == pytest.approx(LAW.moment_over_lu + LAW.margin_lu - 2, abs=0.1)


def test_silence_under_a_line_needs_no_ducking():
    assert depth_db(LAW, -23, np.zeros(100, np.float32)) == 0
    assert depth_db(LAW, -23, np.zeros(0, np.float32)) == 0
