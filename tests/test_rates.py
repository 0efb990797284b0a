"""What earlier runs teach about the time left."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.pace import Pace
from tasks.progress import StageEvent
from tasks.rates import FIRST_RATES, FIRST_S, Rates, Stopwatch


def run_of(stopwatch: Stopwatch, at: list[float], moments: list[float], *, wait: bool = False) -> None:
    """A stage that began at the first moment; its model was there at the second, and one lane after another had made
    an order of 10 s at each of the others."""
    began, loaded, *ends = moments
    total = len(ends)

    def event(state, done: int, pace: Pace | None = None) -> StageEvent:
        return StageEvent(
            "dialogue", state, done, total, "line", "", 10.0 * done, 10.0 * total, "kokoro", pace
        )

    at[0] = began
    stopwatch(event("started", 0))
    if wait:
        stopwatch(event("waiting", 0))
    at[0] = loaded
    since = {0: loaded, 1: loaded}  # lane → when its order began
    stopwatch(event("paced", 0, Pace(2, 0.0, 0.0, tuple((t, 10.0) for t in since.values()))))
    spent_s = 0.0
    for done, moment in enumerate(ends, 1):
        at[0] = moment
        lane = (done - 1) % 2
        spent_s += moment - since[lane]
        since[lane] = moment
        stopwatch(event("paced", done, Pace(2, spent_s, 10.0 * done)))
        stopwatch(event("advanced", done))
    stopwatch(event("finished", total))


def test_loading_and_pace_are_told_apart() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [100.0, 105.0, 113.0, 113.0, 121.0, 121.0])  # 8 s a line, two at once
    values = {name: value for name, (value, _) in watch.measured.items()}
    assert values == {"dialogue kokoro": pytest.approx(0.4), "start dialogue kokoro": pytest.approx(5)}


def test_waiting_for_the_device_is_not_the_models_start() -> None:
    at = [0.0]
    watch = Stopwatch(lambda: at[0])
    run_of(watch, at, [0.0, 609.0, 617.0, 617.0], wait=True)
    assert watch.measured == {"dialogue kokoro": (pytest.approx(0.4), pytest.approx(8))}


def test_measures_count_by_their_length_and_the_last_ones_most(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    rates = Rates(path)
    first = rates.rate("dialogue", "kokoro")
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
    "damaged",
    [
        "{",
        "[]",
        '{"mix": [9, 60]}',  # of an earlier version, with other units
        '{"format": "soundbound.rates/2", "rates": []}',
        '{"format": "soundbound.rates/2", "rates": {"mix": "fast", "publish": [1], "scenes": [-1, 5], "timeline": 3}}',
    ],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "rates.json"
    path.write_text(damaged)
    assert {s: Rates(path).rate(s) for s in ("mix", "publish", "scenes", "timeline")} == {
        s: FIRST_RATES[s] for s in ("mix", "publish", "scenes", "timeline")
    }
    Rates(path).learn({"mix": (0.1, 1e5)})
    assert Rates(path).rate("mix") == pytest.approx(0.1, rel=0.01)


def test_a_lanes_first_order_counts_for_the_start_and_not_for_the_pace() -> None:
    """Two lanes: the first line of each takes 5 s for 10 s of sound, the others 3 s."""
    at = [0.0]
    watch = Stopwatch(lambda: at[0])

    def tell(moment: float, state, done: int, pace: Pace | None = None) -> None:
        at[0] = moment
        watch(StageEvent("dialogue", state, done, 4, "line", "", 10.0 * done, 40.0, "kokoro", pace))

    tell(0.0, "started", 0)
    tell(1.0, "paced", 0, Pace(2))
    tell(6.0, "paced", 2, Pace(2, 10.0, 20.0, (), 10.0, 20.0))
    assert Pace(2, 10.0, 20.0, (), 10.0, 20.0).seen == (10.0, 20.0), (
        "all that is known is better than nothing"
    )
    tell(9.0, "paced", 4, Pace(2, 16.0, 40.0, (), 10.0, 20.0))
    tell(9.0, "finished", 4)
    values = {name: value for name, (value, _) in watch.measured.items()}
    assert values == {"dialogue kokoro": pytest.approx(0.15), "start dialogue kokoro": pytest.approx(1 + 2)}
