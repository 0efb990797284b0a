"""How much work a chapter is, before and while it is done: stage by stage, in seconds of this machine."""

from __future__ import annotations

from pydantic import BaseModel

from models.takes import TakeStore
from tasks.generation import Wanted, find, work_of
from tasks.rates import Rates

STAGES = ("scenes", "timeline", "dialogue", "environment", "effects", "mix", "publish")


class StageWork(BaseModel):
    """One stage's share: `total` units to make (`cached` are there already), and what this machine will need."""

    stage: str
    by: str = ""  # the model
    unit: str
    total: int
    cached: int = 0
    work: float  # what time is spent on: seconds of audio (tasks/generation.py: work_of), or 1 for a quick stage
    start_s: float = 0.0  # of expected_s: before anything of it is made
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
