"""How far a stage is: for a person in words, for the estimate of the time left in figures.

Both are kept in the stage's progress artifact: the words as its description, the figures as its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from models.pace import Pace

FIGURES, NOTE = "bar", "note"  # entries of the metadata; Prefect cuts each at 500 characters
LONGEST_NOTE = 400
MOST_TOLD = 12  # orders under way


class BarState(BaseModel):
    """`done` of `total` `unit`s, which are `share` (0..1) of the stage's work."""

    model_config = ConfigDict(frozen=True)

    stage: str
    unit: str
    done: float = 0
    total: float = 0
    share: float = 0
    note: str = ""
    # Of stages with a model (models/pace.py); times in seconds since the stage began.
    lanes: int = 0
    lane_s: float = 0
    lane_work: float = 0
    under_way: tuple[tuple[float, float], ...] = ()  # when each order began, and its work

    def paced(self, pace: Pace, began: float) -> BarState:
        """`began`: when the stage did, on the pace's clock."""
        seen_s, seen_work = pace.seen
        under_way = tuple((round(at - began, 1), round(work, 1)) for at, work in pace.under_way)
        return self.model_copy(
            update={
                "lanes": pace.lanes,
                "lane_s": round(seen_s, 2),
                "lane_work": round(seen_work, 2),
                "under_way": under_way[:MOST_TOLD],
            }
        )

    def words(self) -> str:
        """ "Dialogue: 12 of 93 lines", for Prefect's UI."""
        if self.unit == "percent":
            said = f"{100 * self.share:.0f} %"
        elif self.unit == "chapter" and self.total == 1:
            said = "done" if self.done >= 1 else "under way"
        else:
            said = f"{self.done:g} of {self.total:g} {self.unit}{'s' if self.total != 1 else ''}"
        said = f"{self.stage.capitalize()}: {said}"
        return f"{said} · {self.note}" if self.note else said

    def metadata(self) -> dict[str, str]:
        figures = self.model_copy(update={"share": round(self.share, 6), "note": ""})
        return {
            FIGURES: figures.model_dump_json(exclude_defaults=True),
            NOTE: self.note[:LONGEST_NOTE],
        }


def read_bar(metadata: Mapping[str, str] | None) -> BarState | None:
    """What `metadata` says; None if it is none of ours."""
    told = metadata or {}
    try:
        state = BarState.model_validate_json(told.get(FIGURES, ""))
    except ValidationError:
        return None
    return state.model_copy(update={"note": told.get(NOTE, "")})
