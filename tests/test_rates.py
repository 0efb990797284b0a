"""What earlier runs teach about the time left."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.forecast import FORECAST_S, FORECAST_SHARE, revised_s, stage_left_s
from tasks.progress import StageEvent
from tasks.rates import FIRST_RATES, FIRST_S, Rates, Stopwatch


def run_of(stopwatch: Stopwatch, at: list[float], moments: list[float], *, wait: bool = False) -> None:
    """A stage that began at the first moment and whose equal units of 10 s were done at the others."""
    total = len(moments) - 1

    def event(state, done: int) -> StageEvent:
        return StageEvent("dialogue", state, done, total, "line", "", 10.0 * done, 10.0 * total, "kokoro")

    at[0] = moments[0]
    stopwatch(event("started", 0))
    if wait:
        stopwatch(event("waiting", 0))
    for done, moment in enumerate(moments[1:], 1):
        at[0] = moment
        stopwatch(event("advanced", done))
    stopwatch(event("finished", total))


def test_loading_and_pace_are_told_apart() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [100.0, 109.0, 113.0, 117.0, 121.0])  # 5 s of loading, then 4 s for each 10 s of speech
    values = {name: value for name, (value, _) in watch.measured.items()}
    assert values == {"dialogue kokoro": pytest.approx(0.4), "start dialogue kokoro": pytest.approx(5)}


def test_two_lanes_that_finish_together_do_not_look_like_a_slow_start() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [0.0, 13.0, 13.0, 21.0, 21.0, 29.0, 29.0, 37.0, 37.0])  # 5 s of loading
    values = {name: value for name, (value, _) in watch.measured.items()}
    assert values["dialogue kokoro"] == pytest.approx(0.4, rel=0.05)
    assert values["start dialogue kokoro"] == pytest.approx(7, abs=1.0)
    total = values["start dialogue kokoro"] + 80 * values["dialogue kokoro"]
    assert total == pytest.approx(37, rel=0.1)


def test_waiting_for_the_device_is_not_the_models_start() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [0.0, 609.0, 613.0, 617.0, 621.0], wait=True)
    assert watch.measured == {"dialogue kokoro": (pytest.approx(0.4), pytest.approx(12))}


def test_measures_count_by_their_length_and_the_last_ones_most(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    rates = Rates(path)
    first = FIRST_RATES["dialogue kokoro"]
    assert rates.rate("dialogue", "kokoro") == first
    rates.learn({"dialogue kokoro": (4.0, 20)})
    once = Rates(path).rate("dialogue", "kokoro")
    assert once == pytest.approx((first * FIRST_S + 4.0 * 20) / (FIRST_S + 20)), (
        "soon more than what was assumed"
    )
    rates.learn({"dialogue kokoro": (9.0, 0.1)})
    assert Rates(path).rate("dialogue", "kokoro") == pytest.approx(once, rel=0.02), "a moment says little"
    for _ in range(5):
        rates.learn({"dialogue kokoro": (0.2, 60)})
    assert Rates(path).rate("dialogue", "kokoro") == pytest.approx(0.2, rel=0.5), "the machine has changed"
    assert Rates(path).seconds("dialogue", "kokoro", 0) == 0
    assert Rates(path).seconds("dialogue", "kokoro", 100) == pytest.approx(
        rates.start("dialogue", "kokoro") + 100 * rates.rate("dialogue", "kokoro")
    )


@pytest.mark.parametrize(
    "damaged", ["{", "[]", '{"mix": "fast", "publish": [1], "scenes": [-1, 5], "timeline": 3}']
)
def test_a_damaged_file_is_as_none(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "rates.json"
    path.write_text(damaged)
    assert {s: Rates(path).rate(s) for s in ("mix", "publish", "scenes", "timeline")} == {
        s: FIRST_RATES[s] for s in ("mix", "publish", "scenes", "timeline")
    }
    Rates(path).learn({"mix": (0.1, 1e5)})
    assert Rates(path).rate("mix") == pytest.approx(0.1, rel=0.01)


@given(
    expected=st.floats(0, 1e5),
    start=st.floats(0, 1e3),
    share=st.floats(0, 1),
    pace=st.floats(0.1, 10),
)
def test_the_estimate_closes_on_the_truth(expected: float, start: float, share: float, pace: float) -> None:
    """A stage that runs `pace` times as slow as forecast: told between forecast and truth, and soon near the truth."""
    working = max(0.0, expected - start)
    truth = pace * working * (1 - share)
    left = stage_left_s(expected, start, share, start + pace * working * share)
    nearer, further = sorted((working * (1 - share), truth))
    assert nearer * (1 - 1e-6) - 1e-6 <= left <= further * (1 + 1e-6) + 1e-6
    if working * FORECAST_SHARE > FORECAST_S and share > 0.2 and 1 / 3 < pace < 3:
        assert left == pytest.approx(truth, rel=0.35)


@given(
    units=st.integers(2, 40),
    start=st.floats(0, 1000),
    pace=st.floats(0.5, 2),
    moment=st.floats(0, 1),
)
def test_a_unit_under_way_is_counted_while_it_is(
    units: int, start: float, pace: float, moment: float
) -> None:
    """At forecast pace, whatever the start was and whenever one looks, the time left is off by a unit at the most."""
    each = pace * 100.0 / units
    done = max(1, units // 2)
    spent = start + each * (done + moment)
    left = stage_left_s(
        pace * 100.0 + 1.0, 1.0, done / units, spent,
        first=(1 / units, start + each), idle_s=each * moment, units=units,
    )  # fmt: skip
    assert left == pytest.approx(each * (units - done - moment), abs=each + 1e-6)


def test_what_has_not_been_seen_is_as_forecast() -> None:
    assert revised_s(100, 0, 0) == 100
    assert revised_s(0, 0, 0) == 0
    assert revised_s(0, 5, 0.5) == 10
    assert stage_left_s(100, 20, 0, 5) == 95
    assert stage_left_s(100, 20, 0, 50) == 80
