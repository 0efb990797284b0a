"""How far a run is and how long it will still take: from its plan, its stages' bars and the clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from tasks.bar import BarState
from tasks.forecast import STAGES, StageWork
from tasks.remaining import left_s, plain_left_s, revised_s, share_with_under_way

Status = Literal["queued", "running", "cancelling", "completed", "degraded", "failed", "cancelled"]
StageState = Literal["ahead", "active", "done", "cached"]
ENDED: frozenset[Status] = frozenset({"completed", "degraded", "failed", "cancelled"})
RUN_START_S = 8.0  # from the worker's taking a run to its first stage: a process, and imports (PREFECT.md)
RUN_END_S = 2.0  # from the last stage to the run's end: result, artifacts, the heartbeat's last beat
# What the pace of the stages seen says of those ahead: a busy machine slows all of them, a wrong rate only its own
# stage. A power of how much slower they were, within bounds.
SHARED, SLOWER = 0.75, (0.5, 2.0)


@dataclass(frozen=True)
class Bar:
    """A stage's progress artifact, as it was last written."""

    state: BarState
    began: datetime
    updated: datetime


class StageDetail(BaseModel):
    """One step of a chapter. `done` of `total` `unit`s; `cached` more were there already."""

    stage: str
    state: StageState
    done: int
    total: int
    cached: int
    unit: str
    model: str
    progress_percentage: float
    estimated_remaining: float
    note: str = ""


class Progress(BaseModel):
    """What a run's progress looks like at one moment; times in seconds."""

    task_id: str
    current_stage: str
    progress_percentage: float
    estimated_remaining: float | None  # None: nothing is known of it
    stage_details: list[StageDetail]
    status: Status
    message: str = ""


def progress_of(
    task_id: str,
    status: Status,
    message: str,
    plan: Sequence[StageWork],
    bars: Mapping[str, Bar],
    now: datetime,
    *,
    started: bool,
) -> Progress:
    """
    Args:
        plan: the forecast stages; empty when nobody made one.
        bars: the latest bar of each stage that has begun.
        started: whether the run's process is up.
    """
    works = {w.stage: w for w in plan}
    whole = status in ("completed", "degraded")
    active = None if whole else _active(works, bars)
    slower = _slower(works, bars)
    details, all_left_s = [], 0.0
    for stage in STAGES:
        work, bar = works.get(stage), bars.get(stage)
        share = 1.0 if whole else _share(stage, work, bar, active, bars)
        stage_s = 0.0
        if work is not None and share < 1 and status not in ENDED:
            stage_s = work.expected_s * slower
            if bar is not None and stage == active:
                spent_s = (now - bar.began).total_seconds()
                stage_s = left_s(work, bar.state, spent_s)
                share = share_with_under_way(work, bar.state, spent_s)
        all_left_s += stage_s
        details.append(_detail(stage, work, bar, share, stage_s, active=stage == active, whole=whole))
    known = bool(plan)
    all_left_s += RUN_END_S if started else RUN_START_S + RUN_END_S
    all_s = sum(w.expected_s for w in plan) or 1.0
    done_s = sum(
        w.expected_s * (d.progress_percentage / 100) for d in details if (w := works.get(d.stage)) is not None
    )
    percentage = 100.0 if whole else 100.0 * min(1.0, done_s / all_s) if known else 0.0
    return Progress(
        task_id=task_id,
        current_stage=(active or "starting") if status == "running" else status,
        progress_percentage=round(percentage, 1),
        estimated_remaining=0.0 if status in ENDED else round(all_left_s, 1) if known else None,
        stage_details=details,
        status=status,
        message=message,
    )


def _active(works: Mapping[str, StageWork], bars: Mapping[str, Bar]) -> str | None:
    """The last stage that has begun, or what follows it when it is through."""
    begun = [i for i, stage in enumerate(STAGES) if stage in bars]
    if not begun:
        return None
    last = begun[-1]
    if bars[STAGES[last]].state.share < 1:
        return STAGES[last]
    ahead = STAGES[last + 1 :]
    return next((s for s in ahead if s not in works or works[s].work > 0), STAGES[last])


def _share(
    stage: str, work: StageWork | None, bar: Bar | None, active: str | None, bars: Mapping[str, Bar]
) -> float:
    if bar is not None:
        return bar.state.share
    if work is not None and work.work <= 0:
        return 1.0  # everything is in the store
    later = STAGES[STAGES.index(stage) + 1 :]
    return 1.0 if any(s in bars for s in later) else 0.0


def _slower(works: Mapping[str, StageWork], bars: Mapping[str, Bar]) -> float:
    """By how much the run is slower than forecast, over all that is seen of it: what is ahead will be as well."""
    seen_s = expected_s = 0.0
    for stage, bar in bars.items():
        work, state = works.get(stage), bar.state
        if work is None or work.expected_s <= 0:
            continue
        working_s = work.expected_s - work.start_s
        if state.lanes and work.work > 0:
            seen_s += state.lane_s / state.lanes
            expected_s += state.lane_work / work.work * working_s
        else:
            seen_s += max(0.0, (bar.updated - bar.began).total_seconds() - work.start_s)
            expected_s += state.share * working_s
    all_s = sum(w.expected_s for w in works.values())
    if all_s <= 0:
        return 1.0
    slower = revised_s(all_s, seen_s, expected_s / all_s) / all_s
    return min(SLOWER[1], max(SLOWER[0], slower**SHARED))


def _detail(
    stage: str,
    work: StageWork | None,
    bar: Bar | None,
    share: float,
    left_s: float,
    *,
    active: bool,
    whole: bool,
) -> StageDetail:
    nothing_to_do = work is not None and work.total == 0
    state: StageState = "ahead"
    if nothing_to_do and (whole or share >= 1):
        state = "cached"
    elif share >= 1:
        state = "done"
    elif active:
        state = "active"
    total = int(bar.state.total) if bar else work.total if work else 0
    return StageDetail(
        stage=stage,
        state=state,
        done=total if share >= 1 else int(bar.state.done) if bar else 0,
        total=total,
        cached=work.cached if work else 0,
        unit=bar.state.unit if bar else work.unit if work else "",
        model=work.by if work else "",
        progress_percentage=round(100 * share, 1),
        estimated_remaining=round(left_s, 1),
        note=bar.state.note if bar and active else "",
    )


def book_progress(
    task_id: str,
    status: Status,
    message: str,
    plan: Sequence[StageWork],
    counted: BarState | None,
    under_way: Sequence[Progress],
    now: datetime,
    *,
    through: int = 0,
    since: datetime | None,
) -> Progress:
    """A book's: chapters done, and the parts of those under way; the steps are the first of these chapter's.

    Args:
        counted: the bar that counts chapters, once there is one.
        under_way: the progress of the chapters that are being rendered.
        through: chapters' runs that have ended, perhaps not counted yet.
        since: when the book's run began.
    """
    whole = status in ("completed", "degraded")
    done, total = (counted.done, counted.total) if counted else (0.0, 0.0)
    done = max(done, through)
    parts = sum(p.progress_percentage for p in under_way) / 100
    share = 1.0 if whole else min(1.0, (done + parts) / total) if total else 0.0
    expected_s = sum(w.expected_s for w in plan)
    spent_s = (now - since).total_seconds() if since else 0.0
    first = under_way[0] if under_way else None
    counting = f"chapter {min(int(done) + 1, int(total))} of {int(total)}" if total and not whole else ""
    return Progress(
        task_id=task_id,
        current_stage=first.current_stage if first and status == "running" else status,
        progress_percentage=round(100 * share, 1),
        estimated_remaining=0.0
        if status in ENDED
        else round(plain_left_s(expected_s, 0.0, share, spent_s), 1)
        if plan
        else None,
        stage_details=first.stage_details if first else [],
        status=status,
        message=message or counting,
    )
