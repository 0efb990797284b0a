"""How an engine gets on with a stage, order by order: what an estimate of the time left is made from.

Orders are counted lane by lane, each with the seconds it took. So the pace is right whatever the lanes, the order in
which takes are made, and how unequal they are; and what is under way is known to be.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """At one moment. Work is in the units of whoever asked for the takes."""

    lanes: int  # orders that are made at once
    spent_s: float = 0.0  # by the orders that are through, in sum over the lanes
    work: float = 0.0  # of these orders
    under_way: tuple[tuple[float, float], ...] = ()  # when each order began (time.monotonic), and its work
    # Of these, the first order of each lane: it also loads what an engine loads late (a dictionary, kernels).
    warming_s: float = 0.0
    warming_work: float = 0.0

    @property
    def seen(self) -> tuple[float, float]:
        """(seconds, work) that tell the pace: without the warming up, as soon as there is more than that."""
        if self.work > self.warming_work:
            return self.spent_s - self.warming_s, self.work - self.warming_work
        return self.spent_s, self.work
