"""A take to be made, and how often it was tried; what the lives of a stage's engine have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.batching import Request, Sizer
from models.judging import Candidate


@dataclass(eq=False)
class Job:
    """One take to be made. `tries` are attempts that were answered, `strikes` those that took the process along."""

    key: str
    request: Request
    length_s: float
    work: float = 0.0  # what it is expected to cost, in whatever the pace is to be told
    tries: int = 0
    strikes: int = 0
    suspect: bool = False
    best: Candidate | None = None
    reason: str = ""

    @property
    def attempts(self) -> int:
        return self.tries + self.strikes

    def attempt(self) -> Request:
        """The request as it is made now: another seed after a bad answer, and after a second strike. The first strike
        may well have come from outside: the same request again gives the same audio as if nothing had happened."""
        n = self.tries + max(0, self.strikes - 1)
        return replace(self.request, attempt=n, seed=self.request.seed + n)

    def answered(self) -> None:
        self.suspect = False
        self.tries += 1


@dataclass
class Tally:
    """Figures of a stage for models/measured.py, and the batch size found."""

    sizer: Sizer | None = None
    loaded_mb: float = 0.0
    peak_mb: float = 0.0
    single_mb: float = 0.0
    batch: int = 0
    takes: int = 0
    audio_s: float = 0.0
    busy_s: float = 0.0
    load_s: float = 0.0
    lane_s: float = 0.0  # of orders that are through, in sum over the lanes, and their work
    lane_work: float = 0.0
    warming_s: float = 0.0  # of the first order of each lane
    warming_work: float = 0.0
    orders: int = 0
    pace: float = 0.0  # seconds a second of audio takes, of the slowest order
