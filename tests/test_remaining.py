"""How long a stage under way will still take, on a simulated clock: whatever the lanes, the order and the lengths."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.doors.recording import evenly, read
from benchmarks.doors.replay_estimate import RUNS, errors, learnt
from models.pace import Pace
from tasks.bar import BarState
from tasks.forecast import StageWork
from tasks.rates import Rates
from tasks.remaining import (
    FORECAST_S,
    FORECAST_SHARE,
    left_s,
    plain_left_s,
    revised_s,
    share_with_under_way,
)

LOADED_S = 5.0


def forecast(works: list[float], lanes: int, rate: float) -> StageWork:
    """A stage of these lines by a model that was measured to take `rate` seconds of lane for a second of audio."""
    total = sum(works)
    return StageWork(
        stage="dialogue", by="kokoro", unit="line", total=len(works), work=total, start_s=LOADED_S,
        expected_s=LOADED_S + rate * total / lanes,
    )  # fmt: skip


def simulated(works: list[float], lanes: int, rate: float) -> Iterator[tuple[float, BarState]]:
    """The stage's state at each beginning and end of a line, in the order given; the last is its end."""
    total, done, made, spent_s, at = sum(works), 0, 0.0, 0.0, LOADED_S
    waiting, making = list(works), list[tuple[float, float, float]]()  # ends, began, work
    while waiting or making:
        if waiting and len(making) < lanes:
            work = waiting.pop(0)
            heapq.heappush(making, (at + rate * work, at, work))
        else:
            at, began, work = heapq.heappop(making)
            done, made, spent_s = done + 1, made + work, spent_s + at - began
        state = BarState(stage="dialogue", unit="line", done=done, total=len(works), share=made / total)
        pace = Pace(lanes, spent_s, made, tuple((began, work) for _, began, work in making))
        yield at, state.paced(pace, 0.0)


# Treasure Island, chapter 5: short lines of many voices first, then a narrator whose longest come first.
NARRATED = [
    4.0,
    3.0,
    2.0,
    1.5,
    1.2,
    6.0,
    2.5,
    1.0,
    0.8,
    54.0,
    48.0,
    40.0,
    31.0,
    22.0,
    14.0,
    9.0,
    5.0,
    3.0,
    2.0,
]


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("wrong", [0.5, 1.0, 2.0])
def test_the_time_left_is_near_the_truth_at_any_moment(lanes: int, wrong: float) -> None:
    """Within 30 % from a fifth of the work on, though the forecast be off by half or double; lines of 54 s amidst."""
    rate = 0.65
    run = list(simulated(NARRATED, lanes, rate))
    end = run[-1][0]
    work = forecast(NARRATED, lanes, rate * wrong)
    longest_s = rate * max(NARRATED)
    for (at, state), (until, _) in zip(run, [*run[1:], run[-1]], strict=True):
        for now in (at, (at + until) / 2):
            seen = state.lane_work + sum(min(w, (now - b) / rate) for b, w in state.under_way)
            if seen < 0.2 * sum(NARRATED):
                continue
            truth = end - now
            slack = (0.1 if wrong == 1 else 0.3) * truth + 0.1 * longest_s * (
                lanes > 1
            )  # the last lane's end
            assert left_s(work, state, now) == pytest.approx(truth, abs=slack + 1e-6), (now, state)


@given(
    works=st.lists(st.floats(0.5, 60), min_size=2, max_size=30),
    lanes=st.integers(1, 4),
    rate=st.floats(0.05, 3),
)
def test_a_forecast_that_was_right_stays_right(works: list[float], lanes: int, rate: float) -> None:
    """Off by no more than lanes standing empty at the end can make."""
    run = list(simulated(works, lanes, rate))
    work = forecast(works, lanes, rate)
    for at, state in run:
        uneven_s = rate * max(works) * (lanes > 1)
        assert left_s(work, state, at) == pytest.approx(run[-1][0] - at, rel=0.02, abs=uneven_s + 0.2)


def test_a_line_that_takes_longer_than_it_should_slows_the_rest() -> None:
    work = forecast([10.0] * 10, 1, 1.0)
    state = BarState(stage="dialogue", unit="line", total=10).paced(Pace(1, 0, 0, ((5.0, 10.0),)), 0.0)
    assert left_s(work, state, 5.0) == pytest.approx(100)
    assert left_s(work, state, 15.0) == pytest.approx(90)
    assert left_s(work, state, 45.0) > 200, "four times its time, and not yet through"


@given(
    works=st.lists(st.floats(0.5, 60), min_size=2, max_size=30),
    lanes=st.integers(1, 4),
    wrong=st.floats(0.2, 5),
)
def test_the_share_goes_on_while_a_line_is_made_and_never_back(
    works: list[float], lanes: int, wrong: float
) -> None:
    work = forecast(works, lanes, wrong)
    told: list[float] = []
    run = list(simulated(works, lanes, 1.0))
    for (at, state), (until, _) in pairwise(run):
        told += [share_with_under_way(work, state, at + part * (until - at)) for part in (0, 0.5, 0.99)]
    assert all(b >= a - 2e-3 for a, b in pairwise(told))  # the figures are rounded
    assert max(told) <= 1
    alone = simulated([50.0, 50.0], 1, 1.0)
    _, state = next(alone)
    shares = [share_with_under_way(forecast([50.0, 50.0], 1, 1.0), state, LOADED_S + s) for s in (0, 10, 20)]
    assert shares == pytest.approx([0, 0.1, 0.2])


def test_before_the_model_is_loaded_the_forecast_is_all_there_is() -> None:
    work = forecast([10.0] * 10, 2, 1.0)
    assert left_s(work, None, 2.0) == 53
    assert left_s(work, BarState(stage="dialogue", unit="line", total=10), 900.0) == 50, "waiting is no work"


def test_work_that_was_not_foreseen_is_counted_as_it_is_seen() -> None:
    """The plan thought every take was there; one had been damaged since."""
    work = StageWork(stage="dialogue", unit="line", total=0, work=0, expected_s=0)
    state = BarState(stage="dialogue", unit="line", total=1).paced(Pace(1, 0, 0, ((1.0, 10.0),)), 0.0)
    assert left_s(work, state, 3.0) == 0


@given(expected=st.floats(0, 1e5), share=st.floats(0, 1), pace=st.floats(0.1, 10))
def test_plain_work_closes_on_the_truth(expected: float, share: float, pace: float) -> None:
    """A mix that runs `pace` times as slow as forecast: told between forecast and truth, and soon near the truth."""
    truth = pace * expected * (1 - share)
    left = plain_left_s(expected, 0.0, share, pace * expected * share)
    nearer, further = sorted((expected * (1 - share), truth))
    assert nearer * (1 - 1e-6) - 1e-6 <= left <= further * (1 + 1e-6) + 1e-6
    if expected * FORECAST_SHARE > FORECAST_S and share > 0.2 and 1 / 3 < pace < 3:
        assert left == pytest.approx(truth, rel=0.35)


def test_what_has_not_been_seen_is_as_forecast() -> None:
    assert revised_s(100, 0, 0) == 100
    assert revised_s(0, 0, 0) == 0
    assert revised_s(0, 5, 0.5) == 10
    assert plain_left_s(100, 20, 0, 5) == 95
    assert plain_left_s(100, 20, 0, 50) == 80


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("fresh", [True, False])
def test_recorded_runs_are_told_within_30_percent_at_20_percent(
    name: str, fresh: bool, tmp_path: Path
) -> None:
    """Chapters of Kokoro as they were rendered on a busy machine, by the rates of another chapter or the first ones."""
    run = read(name)
    rates = Rates(tmp_path / "rates.json")
    known = rates if fresh else learnt(read(RUNS[name]), rates)
    for played in (run, evenly(run, 2)):
        at = errors(played, known)["20 %"]
        assert at["said_s"] == pytest.approx(at["truth_s"], rel=0.3), at
