"""What earlier runs teach about the time left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.forecast import stage_left_s
from tasks.progress import StageEvent
from tasks.rates import Rates, Stopwatch


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


def test_waiting_for_the_device_is_not_the_models_start() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [0.0, 609.0, 613.0, 617.0, 621.0], wait=True)
    assert watch.measured == {"dialogue kokoro": (pytest.approx(0.4), pytest.approx(12))}


def test_rates_are_kept_smoothed_and_survive_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    rates = Rates(path)
    rates.learn({"dialogue kokoro": (0.4, 100)})
    rates.learn({"dialogue kokoro": (0.2, 100)})
    assert Rates(path).rate("dialogue", "kokoro") == pytest.approx(0.3)
    assert Rates(path).seconds("dialogue", "kokoro", 100) == pytest.approx(
        30 + rates.start("dialogue", "kokoro")
    )
    assert Rates(path).seconds("dialogue", "kokoro", 0) == 0
    rates.learn({"dialogue kokoro": (9.0, 0.1)})
    assert Rates(path).rate("dialogue", "kokoro") < 0.35, "a moment says little"
    path.write_text(json.dumps({"dialogue kokoro": "fast", "mix": -1}))
    assert Rates(path).rate("dialogue", "kokoro") > 0
    path.write_text("{")
    assert Rates(path).rate("mix") > 0


@given(
    expected=st.floats(0, 1e5),
    start=st.floats(0, 1e3),
    share=st.floats(0, 1),
    pace=st.floats(0.1, 10),
)
def test_the_estimate_closes_on_the_truth(expected: float, start: float, share: float, pace: float) -> None:
    """A stage that runs `pace` times as slow as expected: from a third on the estimate is exact."""
    working = max(0.0, expected - start)
    truth = pace * working * (1 - share)
    left = stage_left_s(expected, start, share, start + pace * working * share)
    assert left >= 0
    if share >= 1 / 3 and working >= 10:
        assert left == pytest.approx(truth, rel=1e-6, abs=1e-6)
    else:
        nearer, further = sorted((working * (1 - share), truth))
        assert nearer - 1e-6 <= left <= further * (1 + 1e-9) + 1e-6
