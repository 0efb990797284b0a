"""A chapter's work before it is rendered: what the API answers with, and what a run tells Prefect once it has planned."""

from __future__ import annotations

from pathlib import Path

from prefect.artifacts import create_table_artifact

from flows.book_files import chapter_target
from flows.options import RenderOptions
from models import catalog
from models.machine import Machine
from models.takes import TakeStore
from story.cast import cast_novel, read_cast_file
from story.novel import Chapter, Novel
from story.planning import plan_timeline
from story.scenes import analyze_scenes
from tasks.dialogue import speech_requests
from tasks.effects import effect_requests
from tasks.environment import bed_requests
from tasks.forecast import StageWork, stage_work
from tasks.plan import pace
from tasks.rates import Rates
from tasks.sound_engines import SoundEngines


def rates_file(machine: Machine) -> Path:
    return machine.home / "rates.json"


def forecast(book: Novel, chapter: Chapter, options: RenderOptions, machine: Machine) -> list[StageWork]:
    """What rendering `chapter` will take, with the takes that are in the store left out. Writes nothing.

    Raises:
        SoundboundError: a model that is not there, or a cast that can't be made: the run would fail as well.
    """
    speech = catalog.resolve(options.speech, "speech", machine, book.language)
    sound = catalog.resolve(options.sound, "sound", machine)
    voices = {v.id: v for v in catalog.voices(speech)}
    kept = chapter_target(options.output, book, chapter).parent / "cast.json"
    known = read_cast_file(kept).get(speech.name) if kept.exists() else None
    cast = cast_novel(book, list(voices.values()), speech.name, book.language, known)
    at = next(i for i, c in enumerate(book.chapters) if c.id == chapter.id)
    before = analyze_scenes(book.chapters[at - 1], book.language).scenes[-1] if at > 0 else None
    timeline = plan_timeline(
        chapter, analyze_scenes(chapter, book.language, before), cast, book.language, delivery=pace
    )
    engines = SoundEngines(sound, machine)
    return stage_work(
        speech_requests(timeline, book, voices, catalog.spec(speech, machine), options.seed),
        bed_requests(timeline, engines, options.seed),
        effect_requests(timeline, engines, options.seed),
        timeline.total_duration_s,
        TakeStore(machine.takes_dir),
        Rates(rates_file(machine)),
    )


def plan_key(flow_run_id: object) -> str:
    """The artifact's key under which a run's plan is found."""
    return f"plan-{str(flow_run_id)[-8:]}"


def tell_plan(plan: list[StageWork], flow_run_id: object) -> None:
    """The plan as a table in Prefect's UI, from where the page's time left is counted as well."""
    rows = [work.model_dump(mode="json") for work in plan]
    create_table_artifact(rows, key=plan_key(flow_run_id), description="Plan of the work")
