"""How much work a chapter is, before and while it is done: stage by stage, in seconds of this machine."""

from __future__ import annotations

from pydantic import BaseModel

from models.takes import TakeStore
from tasks.generation import Wanted, find, work_of
from tasks.rates import Rates

STAGES = ("scenes", "timeline", "dialogue", "environment", "effects", "mix", "publish")
# What a forecast weighs against what is seen of a run: a twentieth of the work, and never less than these seconds.
FORECAST_SHARE, FORECAST_S = 0.05, 4.0


class StageWork(BaseModel):
    """One stage's share: `total` units to make (`cached` are there already), and what this machine will need."""

    stage: str
    by: str = ""  # the model
    unit: str
    total: int
    cached: int = 0
    work: float  # what time is spent on: seconds of audio (tasks/generation.py: work_of), or 1 for a quick stage
    start_s: float = 0.0  # of expected_s: before the first unit is done
    expected_s: float


def stage_work(
    lines: list[Wanted],
    beds: list[Wanted],
    effects: list[Wanted],
    total_duration_s: float,
    store: TakeStore,
    rates: Rates,
) -> list[StageWork]:
    """All stages of a chapter whose timeline is planned."""

    def quick(stage: str) -> StageWork:
        return StageWork(
            stage=stage, unit="chapter", total=1, work=1.0, expected_s=rates.seconds(stage, "", 1.0)
        )

    mix = StageWork(
        stage="mix",
        unit="percent",
        total=100,
        work=total_duration_s,
        start_s=rates.start("mix"),
        expected_s=rates.seconds("mix", "", total_duration_s),
    )
    return [
        quick("scenes"),
        quick("timeline"),
        _takes("dialogue", "line", lines, store, rates),
        _takes("environment", "bed", beds, store, rates),
        _takes("effects", "effect", effects, store, rates),
        mix,
        quick("publish"),
    ]


def _takes(stage: str, unit: str, wanted: list[Wanted], store: TakeStore, rates: Rates) -> StageWork:
    absent = {w.key: w for w in find(wanted, store).absent}
    by = engine_names(list(absent.values()))
    work = sum(work_of(w.request) for w in absent.values())
    return StageWork(
        stage=stage,
        by=by,
        unit=unit,
        total=len(absent),
        cached=len({w.key for w in wanted}) - len(absent),
        work=round(work, 3),
        start_s=rates.start(stage, by) if absent else 0.0,
        expected_s=rates.seconds(stage, by, work),
    )


def engine_names(wanted: list[Wanted]) -> str:
    """The engines of a stage as one name, as its measured rates are kept under."""
    return "+".join(dict.fromkeys(w.engine.name for w in wanted))


def revised_s(expected_s: float, seen_s: float, seen_share: float) -> float:
    """Seconds the whole of some work will take, when `seen_share` (0..1) of it has taken `seen_s`.

    The forecast counts as if a little of the work had been seen at its pace; so at first it is what was forecast, and
    soon the pace that is seen.
    """
    if expected_s <= 0:
        return seen_s / seen_share if seen_share > 0 else 0.0
    weight_s = max(FORECAST_SHARE * expected_s, FORECAST_S)
    return expected_s * (weight_s + max(0.0, seen_s)) / (weight_s + expected_s * max(0.0, seen_share))


def stage_left_s(
    expected_s: float,
    start_s: float,
    share: float,
    spent_s: float,
    *,
    first: tuple[float, float] = (0.0, 0.0),
    idle_s: float = 0.0,
    units: float = 0.0,
) -> float:
    """Seconds left of a stage under way.

    Args:
        expected_s: the whole stage, as forecast; `start_s` of it come before the first unit.
        share: 0..1 of its work done.
        spent_s: since it began.
        first: share and seconds when its first unit was done, where that is known: what came before (loading a model,
            waiting for the device) says nothing of the pace.
        idle_s: of `spent_s`, since its last unit was done.
        units: how many it has, so that the one under way is counted while it is.
    """
    working_s = max(0.0, expected_s - start_s)
    if share <= 0:
        return max(0.0, start_s - spent_s) + working_s
    share = min(1.0, share)
    unit_s = working_s / units if units else 0.0
    under_way_s = min(idle_s, unit_s)  # longer than a unit should take: the stage is slower than it seemed
    before_share, before_s = first if first[0] > 0 else (0.0, start_s)
    whole_s = revised_s(working_s, spent_s - under_way_s - before_s, share - before_share)
    return max(0.0, (1 - share) * whole_s - under_way_s)
