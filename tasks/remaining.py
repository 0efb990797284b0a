"""How long a stage under way will still take: its forecast weighed against what is seen of it. Pure."""

from __future__ import annotations

from tasks.bar import BarState
from tasks.forecast import StageWork

# What a forecast weighs against what is seen of a run: a little of the work, and never less than these seconds.
UNFINISHED, NOT_YET = 0.9, 0.99  # of a take under way, and of the stage, are counted at most
FORECAST_SHARE, FORECAST_S = 0.03, 1.5


def left_s(work: StageWork, state: BarState | None, spent_s: float) -> float:
    """Seconds left of a stage that began `spent_s` ago; `state` as it was last told, None if it never was."""
    if state is None or not state.lanes:
        return plain_left_s(work.expected_s, work.start_s, state.share if state else 0.0, spent_s)
    ahead = sum(w for _, w in state.under_way)
    rest = max(0.0, work.work * (1 - state.share) - ahead)
    under_way = [(w, max(0.0, spent_s - began)) for began, w in state.under_way]
    rate = lane_rate(work, state, under_way)
    each_s = [max(0.0, rate * w - since_s) for w, since_s in under_way]
    # All lanes work until the end, or the longest order under way is what is waited for.
    return max((rate * rest + sum(each_s)) / state.lanes, *each_s, 0.0)


def lane_rate(work: StageWork, state: BarState, under_way: list[tuple[float, float]]) -> float:
    """Seconds a lane takes for a unit of work: as forecast at first, and soon as seen.

    Args:
        under_way: each order's work and the seconds since it began. One that takes longer than it should is seen too.
    """
    seen_s, seen = state.lane_s, state.lane_work
    working_s = max(0.0, work.expected_s - work.start_s)
    known = working_s > 0 and work.work > 0
    forecast = state.lanes * working_s / work.work if known else 0.0
    weight_s = state.lanes * forecast_weight_s(working_s) if known else 0.0
    weight = weight_s / forecast if known else 0.0

    def rate() -> float:
        return (weight_s + seen_s) / (weight + seen) if weight + seen > 0 else 0.0

    for w, since_s in under_way:
        if since_s > rate() * w:
            seen_s, seen = seen_s + since_s, seen + w
    return rate()


def share_with_under_way(work: StageWork, state: BarState, spent_s: float) -> float:
    """The stage's share done (0..1), what is under way counted in part: a line may take half a minute.

    By the forecast pace, which does not change meanwhile: so it never goes back.
    """
    working_s = work.expected_s - work.start_s
    if not state.lanes or work.work <= 0 or working_s <= 0:
        return state.share
    rate = state.lanes * working_s / work.work
    making = sum(min(UNFINISHED * w, max(0.0, spent_s - began) / rate) for began, w in state.under_way)
    through = max(state.share, state.lane_work / work.work)  # judged a moment after they are through
    return max(state.share, min(NOT_YET, through + making / work.work))


def plain_left_s(expected_s: float, start_s: float, share: float, spent_s: float) -> float:
    """Of work that tells no more than its share: the whole is expected to take `expected_s`, of which `start_s` come
    before any of it is done."""
    working_s = max(0.0, expected_s - start_s)
    if share <= 0:
        return max(0.0, start_s - spent_s) + working_s
    share = min(1.0, share)
    return (1 - share) * revised_s(working_s, spent_s - start_s, share)


def revised_s(expected_s: float, seen_s: float, seen_share: float) -> float:
    """Seconds the whole of some work will take, when `seen_share` (0..1) of it has taken `seen_s`.

    The forecast counts as if a little of the work had been seen at its pace; so at first it is what was forecast, and
    soon the pace that is seen.
    """
    if expected_s <= 0:
        return seen_s / seen_share if seen_share > 0 else 0.0
    weight_s = forecast_weight_s(expected_s)
    return expected_s * (weight_s + max(0.0, seen_s)) / (weight_s + expected_s * max(0.0, seen_share))


def forecast_weight_s(expected_s: float) -> float:
    return max(FORECAST_SHARE * expected_s, FORECAST_S)
