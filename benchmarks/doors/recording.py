"""A real run as data: what its stages told and when, and its plan. `python benchmarks/doors/recording.py NOVEL CHAPTER
[--speech kokoro] > benchmarks/doors/recorded/NAME.json` renders the chapter in a home of its own and records it.

With `"takes"`, the dialogue's takes in the order of making, each as [expected seconds, seconds it took its lane], the
run can also be played at any even pace in any number of lanes, free of what else the machine did at the time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.pace import Pace
from tasks.forecast import StageWork
from tasks.progress import StageEvent, State

RECORDED = Path(__file__).with_name("recorded")


class Recording(BaseModel):
    format: Literal["soundbound.recorded-run/1"] = "soundbound.recorded-run/1"
    note: str
    plan: list[StageWork]
    events: list[tuple[float, StageEvent]]  # seconds since the flow was called
    ended_s: float
    takes: list[tuple[float, float]] = []


def read(name: str) -> Recording:
    return Recording.model_validate_json((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def evenly(recording: Recording, lanes: int, slower: float = 1.0) -> Recording:
    """The same run with its dialogue made in `lanes` at an even pace; the other stages as recorded."""
    told = [(at, e) for at, e in recording.events if e.stage == "dialogue"]
    began, ended, start = told[0][0], told[-1][0], told[0][1]
    loaded = next(at for at, e in told if e.pace is not None)
    total = sum(work for work, _ in recording.takes)

    def event(state: State, done: int, work: float, pace: Pace | None = None) -> StageEvent:
        return replace(start, state=state, done=done, work_done=min(work, total), work_total=total, pace=pace)

    waiting, making = list(recording.takes), list[tuple[float, float, float]]()  # ends, began, work
    at, done, spent_s, made = loaded, 0, 0.0, 0.0
    events = [(began, event("started", 0, 0.0))]
    while waiting or making:
        if waiting and len(making) < lanes:
            work, cost_s = waiting.pop(0)
            making.append((at + cost_s * slower, at, work))
        else:
            at, since, work = making.pop(making.index(min(making)))
            done, spent_s, made = done + 1, spent_s + at - since, made + work
            events.append((at, event("advanced", done, made)))
        pace = Pace(lanes, spent_s, made, tuple((since, work) for _, since, work in making))
        events.append((at, event("paced", done, made, pace)))
    events.append((at, event("finished", done, total)))
    before = [(when, e) for when, e in recording.events if e.stage != "dialogue" and when <= began]
    after = [(when + at - ended, e) for when, e in recording.events if e.stage != "dialogue" and when > began]
    return recording.model_copy(
        update={"events": before + events + after, "ended_s": recording.ended_s + at - ended}
    )


def record(novel: Path, chapter: str, speech: str) -> Recording:
    from app.server import prefect_server
    from app.settings import load_settings
    from flows import RenderOptions, render_chapter
    from flows.forecast import forecast
    from story.loading import load_novel, select_chapters
    from tasks.progress import listening
    from tests.conftest import new_home

    with tempfile.TemporaryDirectory(prefix="soundbound-record-") as folder:
        home = new_home(Path(folder) / "home")
        machine = load_settings({"SOUNDBOUND_HOME": str(home)}).machine()
        options = RenderOptions(speech=speech, output=Path(folder) / "out")
        book = load_novel(novel)
        with prefect_server(home):
            plan = forecast(book, select_chapters(book, chapter)[0], options, machine)
            events: list[tuple[float, StageEvent]] = []
            began = time.monotonic()

            def heard(event: StageEvent) -> None:
                pace = event.pace and replace(
                    event.pace, under_way=tuple((at - began, work) for at, work in event.pace.under_way)
                )
                events.append((time.monotonic() - began, replace(event, note="", pace=pace)))

            with listening(heard):
                render_chapter(novel.resolve(), chapter, options, machine)
            ended_s = time.monotonic() - began
    note = f"{novel.name}, chapter {chapter}, {speech}"
    return Recording(note=note, plan=plan, events=events, ended_s=ended_s)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("novel", type=Path)
    parser.add_argument("chapter")
    parser.add_argument("--speech", default="kokoro")
    chosen = parser.parse_args()
    print(record(chosen.novel, chosen.chapter, chosen.speech).model_dump_json(indent=None))
