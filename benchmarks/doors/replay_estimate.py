"""How true the time left is, on recorded runs played again: `python benchmarks/doors/replay_estimate.py`. Takes seconds.

Each run is played event by event through what writes and reads the bars in a real one, with the rates (a) of one
earlier run of another chapter, (b) of a fresh machine; as it was recorded on a busy machine, and its takes at an even
pace in two lanes (at the recorded pace, half and twice as fast) and in four. Prints one JSON object: what was said at
each mark of progress, the truth, the error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.run_progress import RUN_END_S, Bar, Progress, progress_of
from benchmarks.doors.recording import Recording, evenly, read
from tasks.bar import BarState, read_bar
from tasks.forecast import StageWork
from tasks.rates import Rates, Stopwatch

RUNS = {"ti-kokoro": "yao-kokoro", "yao-kokoro": "ti-kokoro"}  # a run, and the earlier one of another chapter
MARKS = (5, 10, 20, 35, 50, 65, 80, 90)  # percent
LOOK_EVERY_S = 0.5
START = datetime(2026, 1, 1, tzinfo=UTC)


def learnt(recording: Recording, rates: Rates) -> Rates:
    """`rates` after that run."""
    clock = [0.0]
    watch = Stopwatch(lambda: clock[0])
    for clock[0], event in recording.events:
        watch(event)
    rates.learn(watch.measured)
    return rates


def expected(plan: list[StageWork], rates: Rates) -> list[StageWork]:
    def again(w: StageWork) -> StageWork:
        start_s = rates.start(w.stage, w.by) if w.work > 0 else 0.0
        return w.model_copy(update={"start_s": start_s, "expected_s": rates.seconds(w.stage, w.by, w.work)})

    return [again(w) for w in plan]


def play(recording: Recording, rates: Rates) -> list[tuple[float, Progress]]:
    """What the page would have said, and when."""
    plan = expected(recording.plan, rates)
    states: dict[str, BarState] = {}
    bars: dict[str, Bar] = {}
    told: list[tuple[float, Progress]] = []
    events = list(recording.events)
    at_s = 0.0
    while at_s <= recording.ended_s:
        while events and events[0][0] <= at_s:
            when, event = events.pop(0)
            if event.state == "skipped":
                continue
            began = bars[event.stage].began if event.stage in bars else START + timedelta(seconds=when)
            state = states.get(event.stage) or BarState(stage=event.stage, unit=event.unit, total=event.total)
            share = event.work_done / event.work_total if event.work_total else 1.0
            if event.pace is not None:
                state = state.paced(event.pace, (began - START).total_seconds())
            elif event.state == "advanced":
                state = state.model_copy(update={"done": event.done, "share": share})
            elif event.state == "finished":
                state = state.model_copy(update={"share": 1.0})
            states[event.stage] = state
            seen = read_bar(state.metadata())
            assert seen is not None
            bars[event.stage] = Bar(seen, began, START + timedelta(seconds=when))
        now = START + timedelta(seconds=at_s)
        told.append((at_s, progress_of("replay", "running", "", plan, bars, now, started=True)))
        at_s += LOOK_EVERY_S
    return told


def errors(recording: Recording, rates: Rates) -> dict[str, Any]:
    told, marks = play(recording, rates), {}
    for mark in MARKS:
        found = next(((at, p) for at, p in told if p.progress_percentage >= mark), None)
        if found is None:
            continue
        truth_s, said_s = recording.ended_s - found[0] + RUN_END_S, found[1].estimated_remaining or 0.0
        marks[f"{mark} %"] = {
            "stage": found[1].current_stage,
            "said_s": said_s,
            "truth_s": round(truth_s, 1),
            "error": f"{100 * (said_s / truth_s - 1):+.0f} %",
        }
    return marks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="only the errors at 20 % progress")
    short = parser.parse_args().short
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="soundbound-replay-") as folder:
        for i, (name, earlier) in enumerate(RUNS.items()):
            run, before = read(name), read(earlier)
            played = {
                "as recorded": run,
                "2 lanes, even": evenly(run, 2),
                "2 lanes, even, half as fast": evenly(run, 2, 2.0),
                "2 lanes, even, twice as fast": evenly(run, 2, 0.5),
            }
            known = {
                f"after one run of {earlier}": learnt(before, Rates(Path(folder) / f"{i}.json")),
                "fresh machine": Rates(Path(folder) / "none.json"),
            }
            found[name] = {
                f"{how}; {what}": errors(one, rates)
                for how, one in played.items()
                for what, rates in known.items()
            }
            four = learnt(evenly(before, 4), Rates(Path(folder) / f"{i}-four.json"))
            found[name][f"4 lanes, even; after one such run of {earlier}"] = errors(evenly(run, 4), four)
    if short:
        found = {n: {k: m["20 %"]["error"] for k, m in of.items()} for n, of in found.items()}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
