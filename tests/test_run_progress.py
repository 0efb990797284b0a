"""Progress and time left, from a run's plan and bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.run_progress import SHARED, Bar, book_progress, parse_bar, progress_of
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
    began = NOW - timedelta(seconds=ago_s)
    return Bar(stage, share, round(100 * share), 100, "line", "", began, NOW, **more)


def quick(stage: str) -> Bar:
    """A stage of a second that is done, a minute ago."""
    began = NOW - timedelta(seconds=60)
    return Bar(stage, 1.0, 1, 1, "chapter", "", began, began + timedelta(seconds=1))


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
    bars = {"dialogue": bar("dialogue", 0.2, 60 + 20, first=(0.01, 61.0))}
    assert at(bars).estimated_remaining == pytest.approx(80 + 41 + 2, rel=0.05)


def test_a_slow_machine_slows_what_is_ahead_too() -> None:
    bars = {"dialogue": bar("dialogue", 0.5, 3 + 75, first=(0.01, 4.5))}
    assert at(bars).estimated_remaining == pytest.approx(1.5 * (50 + 41) + 2, rel=0.1)
    over = {
        "dialogue": bar("dialogue", 1, 3 + 150, first=(0.01, 4.5)),
        "environment": bar("environment", 1, 15),
    }
    assert at(over).estimated_remaining == pytest.approx(1.5**SHARED * 31 + 2, rel=0.05)
    waited = {"dialogue": bar("dialogue", 1, 900 + 99, first=(0.01, 900))}
    assert at(waited).estimated_remaining == pytest.approx(41 + 2, rel=0.1), (
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


def test_what_a_bar_says_is_read_back() -> None:
    said = "dialogue: line 12 of 93, the first 3.1 % after 9.8 s · waiting for the device"
    read = parse_bar("dialogue", 12.5, said, NOW, NOW)
    assert (read.done, read.total, read.unit, read.first) == (12, 93, "line", (0.031, 9.8))
    assert (read.note, read.share) == ("waiting for the device", 0.125)
    assert parse_bar("mix", 50, "mix: percent 50 of 100", NOW, NOW).first == (0, 0)
    assert parse_bar("mix", 50, "something else", NOW, NOW).share == 0.5


def test_a_book_is_its_chapters() -> None:
    counted = parse_bar("book", 0, "book: chapter 1 of 4", NOW, NOW)
    half = at(
        {"scenes": bar("scenes", 1), "timeline": bar("timeline", 1), "dialogue": bar("dialogue", 0.69, 74)}
    )
    told = book_progress("id", "running", "", PLAN, counted, [half], NOW, through=2, since=NOW)
    assert told.progress_percentage == pytest.approx(25 * (2 + half.progress_percentage / 100), abs=0.1)
    assert told.message == "chapter 3 of 4"
    done = book_progress("id", "completed", "", PLAN, counted, [], NOW, since=NOW)
    assert (done.progress_percentage, done.estimated_remaining) == (100, 0)
