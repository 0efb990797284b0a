"""Progress and time left, from a run's plan and bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.run_progress import SHARED, Bar, book_progress, progress_of
from models.pace import Pace
from tasks.bar import BarState, read_bar
from tasks.forecast import STAGES, StageWork

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def work(stage: str, expected_s: float, total: int = 1, start_s: float = 0.0) -> StageWork:
    return StageWork(
        stage=stage, unit="line", total=total, work=float(total), start_s=start_s, expected_s=expected_s
    )


PLAN = [
    work("scenes", 1), work("timeline", 1), work("dialogue", 103, 100, 3), work("environment", 10, 2),
    StageWork(stage="effects", unit="effect", total=0, cached=4, work=0, expected_s=0), work("mix", 30, 100),
    work("publish", 1),
]  # fmt: skip


def bar(stage: str, share: float, ago_s: float = 0, **more) -> Bar:
    state = BarState(stage=stage, unit="line", done=round(100 * share), total=100, share=share, **more)
    return Bar(state, NOW - timedelta(seconds=ago_s), NOW)


def paced(share: float, loaded_s: float, line_s: float, under_way_s: float = 0.0) -> Bar:
    """The plan's dialogue: its hundred lines of 1 s by a model that makes one after another in `line_s` each; it was
    loaded after `loaded_s`, and the line under way was begun `under_way_s` ago."""
    spent_s = loaded_s + 100 * share * line_s
    began = ((spent_s, 1.0),) if share < 1 else ()
    pace = {"lanes": 1, "lane_s": 100 * share * line_s, "lane_work": 100 * share, "under_way": began}
    return bar("dialogue", share, spent_s + under_way_s, **pace)


def quick(stage: str) -> Bar:
    """A stage of a second that is done, a minute ago."""
    began = NOW - timedelta(seconds=60)
    state = BarState(stage=stage, unit="chapter", done=1, total=1, share=1.0)
    return Bar(state, began, began + timedelta(seconds=1))


def at(bars: dict[str, Bar], status="running"):
    return progress_of("id", status, "", PLAN, bars, NOW, started=True)


def test_before_anything_has_begun_the_plan_is_all_there_is() -> None:
    told = progress_of("id", "queued", "", PLAN, {}, NOW, started=False)
    assert told.current_stage == "queued"
    assert told.progress_percentage == 0
    assert told.estimated_remaining == pytest.approx(146 + 8 + 2)
    assert progress_of("id", "queued", "", [], {}, NOW, started=False).estimated_remaining is None


def test_a_stage_at_its_forecast_pace_keeps_the_forecast() -> None:
    bars = {"scenes": quick("scenes"), "timeline": quick("timeline"), "dialogue": bar("dialogue", 0.5, 53)}
    told = at(bars)
    assert told.current_stage == "dialogue"
    assert told.estimated_remaining == pytest.approx(50 + 41 + 2, abs=0.5)
    assert [d.state for d in told.stage_details] == [
        "done", "done", "active", "ahead", "cached", "ahead", "ahead",
    ]  # fmt: skip


def test_a_slow_start_is_not_taken_for_a_slow_pace() -> None:
    assert at({"dialogue": paced(0.2, 61, 1)}).estimated_remaining == pytest.approx(80 + 41 + 2, rel=0.01)


def test_a_line_under_way_counts_while_it_is() -> None:
    lines = {"dialogue": paced(0.5, 3, 1, under_way_s=0.8)}
    assert at(lines).estimated_remaining == pytest.approx(50 - 0.8 + 41 + 2, abs=0.05)


def test_a_slow_machine_slows_what_is_ahead_too() -> None:
    assert at({"dialogue": paced(0.5, 3, 1.5)}).estimated_remaining == pytest.approx(
        1.5 * (50 + 41) + 2, rel=0.1
    )
    over = {"dialogue": paced(1, 3, 1.5), "environment": bar("environment", 1, 15)}
    assert at(over).estimated_remaining == pytest.approx(1.5**SHARED * 31 + 2, rel=0.05)
    assert at({"dialogue": paced(1, 900, 1)}).estimated_remaining == pytest.approx(41 + 2, rel=0.01), (
        "waiting for the device is no pace"
    )


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.floats(0, 1), st.floats(0, 1e5)), max_size=7))
def test_whatever_the_bars_say_the_figures_make_sense(bars) -> None:
    told = at({stage: bar(stage, share, ago) for stage, share, ago in bars})
    assert 0 <= told.progress_percentage <= 100
    assert told.estimated_remaining is not None
    assert told.estimated_remaining >= 0
    assert [d.stage for d in told.stage_details] == list(STAGES)


def test_ended_is_ended() -> None:
    for status in ("completed", "degraded"):
        told = at({}, status)
        assert (told.progress_percentage, told.estimated_remaining, told.current_stage) == (100, 0, status)
    assert at({"dialogue": bar("dialogue", 0.5)}, "failed").estimated_remaining == 0


def test_what_a_bar_says_is_for_people_and_its_figures_are_read_back() -> None:
    pace = Pace(2, 31.5, 60.25, ((1000.5, 8.0), (1004.0, 2.5)))
    state = BarState(stage="dialogue", unit="line", done=12, total=93, share=0.125).paced(pace, 990.0)
    waiting = state.model_copy(update={"note": "waiting for the device"})
    assert state.words() == "Dialogue: 12 of 93 lines"
    assert waiting.words() == "Dialogue: 12 of 93 lines · waiting for the device"
    assert read_bar(waiting.metadata()) == waiting
    assert waiting.under_way == ((10.5, 8.0), (14.0, 2.5))
    assert BarState(stage="mix", unit="percent", done=50, total=100, share=0.5).words() == "Mix: 50 %"
    assert BarState(stage="scenes", unit="chapter", total=1).words() == "Scenes: under way"
    assert BarState(stage="book", unit="chapter", done=1, total=4).words() == "Book: 1 of 4 chapters"
    assert read_bar(None) is None
    assert read_bar({"bar": '{"stage": 1'}) is None


def test_a_bar_fits_into_what_prefect_keeps() -> None:
    under_way = tuple((99_999.25 + i, 12_345.25) for i in range(64))
    state = BarState(
        stage="environment", unit="line", done=99_999, total=99_999, share=2 / 3, note='"\n' * 300, lanes=64,
        lane_s=9_999_999.25, lane_work=9_999_999.25,
    ).paced(Pace(64, 9_999_999.25, 9_999_999.25, under_way), 0.0)  # fmt: skip
    assert max(map(len, state.metadata().values())) <= 500
    assert read_bar(state.metadata()) is not None


def test_a_book_is_its_chapters() -> None:
    counted = BarState(stage="book", unit="chapter", done=1, total=4, share=0.25)
    half = at(
        {"scenes": bar("scenes", 1), "timeline": bar("timeline", 1), "dialogue": bar("dialogue", 0.69, 74)}
    )
    told = book_progress("id", "running", "", PLAN, counted, [half], NOW, through=2, since=NOW)
    assert told.progress_percentage == pytest.approx(25 * (2 + half.progress_percentage / 100), abs=0.1)
    assert told.message == "chapter 3 of 4"
    done = book_progress("id", "completed", "", PLAN, counted, [], NOW, since=NOW)
    assert (done.progress_percentage, done.estimated_remaining) == (100, 0)
