"""render-chapter: one chapter of a novel, from text to mastered audio.

Runs from the command line, from Python (`from flows import render_chapter`) and as a Prefect deployment.
Cached: every take, by content (models/takes.py). Requires: a Prefect server, an installed speech model.
The stages and why they are in this order: docs/architecture.md.
"""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.artifacts import show_chapter
from flows.book_files import book_cast, chapter_lock, chapter_target
from flows.fingerprint import fingerprint
from flows.forecast import rates_file, tell_plan
from flows.gpu_stage import run_stage
from flows.limit import ensure_limit
from flows.options import RenderOptions
from flows.outcome import result_of, summary
from mixing.profiles import load_profile
from models import catalog
from models.machine import Machine
from models.takes import TakeStore
from story.importing.library import BOOKS, novel_file
from story.loading import load_novel, select_chapters
from story.music import place_music
from story.novel import Chapter, Novel
from story.timeline import voice_only
from tasks.analyze import analyze_scenes
from tasks.cleanup import clean_up
from tasks.dialogue import generate_dialogue, speech_requests
from tasks.effects import effect_requests, generate_effects
from tasks.environment import bed_requests, generate_environment
from tasks.forecast import stage_work
from tasks.mix import mix
from tasks.plan import fit_effects, plan_timeline, retime
from tasks.publish import publish
from tasks.rates import Rates, learning
from tasks.results import ChapterResult
from tasks.sound_engines import SoundEngines


def run_name(folder: Path = Path()) -> str:
    """ "Treasure Island · 5 · The Last of the Blind Man", for Prefect's UI."""
    given = flow_run.parameters
    path = folder / str(given["novel"])
    try:
        novel = load_novel(path)
        chapter = select_chapters(novel, str(given["chapter"]))[0]
    except Exception:  # the run itself will say what is wrong
        return f"{path.stem} · {given['chapter']}"
    return title_of(novel, chapter)


def title_of(novel: Novel, chapter: Chapter) -> str:
    return " · ".join(filter(None, [novel.title, str(chapter.number), chapter.title]))


@flow(name="render-chapter", flow_run_name=run_name, persist_result=False)
def render_chapter(
    novel: Path, chapter: str = "1", options: RenderOptions | None = None, machine: Machine | None = None
) -> ChapterResult:
    """Render one chapter.

    Args:
        novel: path of the novel JSON, or of a book in any form that is imported.
        chapter: its number or id.
        options: what a person chooses.
        machine: where things live; filled in by the door that starts the run.

    Returns:
        The chapter's result; its status is "completed", or "degraded" with the list of what is missing.

    Raises:
        SoundboundError: with place and remedy; the run has failed, its temporary files are kept.
    """
    options, machine = options or RenderOptions(), machine or Machine()
    options.check()
    book = load_novel(novel_file(novel, machine.home / BOOKS))
    target = chapter_target(options.output, book, select_chapters(book, chapter)[0])
    ensure_limit(machine.tag)
    with chapter_lock(target, machine) as work_dir, learning(rates_file(machine)):
        try:
            result = _render(book, chapter, options, machine, target, work_dir)
        except Exception:
            get_run_logger().error("temporary files of the failed run are kept in %s", work_dir)
            raise
        except BaseException:  # cancelled
            get_run_logger().info("temporary files are kept in %s", work_dir)
            raise
        clean_up(work_dir)
    show_chapter(result, machine)
    if result.status == "degraded":
        return Completed(name="Degraded", message=summary(result), data=result)  # pyright: ignore[reportReturnType]
    return result


def _render(
    book: Novel, which: str, options: RenderOptions, machine: Machine, target: Path, work_dir: Path
) -> ChapterResult:
    clock = _Clock()
    chapter = select_chapters(book, which)[0]
    speech = catalog.resolve(options.speech, "speech", machine, book.language)
    sound = catalog.resolve(options.sound, "sound", machine)
    voices = {v.id: v for v in catalog.voices(speech)}
    cast = book_cast(target.parent, book, list(voices.values()), speech.name, machine)
    store, engines = TakeStore(machine.takes_dir), SoundEngines(sound, machine)

    analysis = analyze_scenes(book, chapter)
    timeline = plan_timeline(book, chapter, analysis, cast)
    if load_profile(options.profile).voice_only:
        timeline = voice_only(timeline)
    wanted = speech_requests(timeline, book, voices, catalog.spec(speech, machine), options.seed)
    planned = (
        wanted,
        bed_requests(timeline, engines, options.seed),
        effect_requests(timeline, engines, options.seed),
    )
    rates = Rates(rates_file(machine))
    tell_plan(stage_work(*planned, timeline.total_duration_s, store, rates), flow_run.id)
    clock.lap("plan")

    lines = run_stage(generate_dialogue, "dialogue", wanted, store, machine)
    timeline = retime(timeline, lines.takes)
    clock.lap("dialogue")

    wanted_beds = bed_requests(timeline, engines, options.seed)
    beds = run_stage(generate_environment, "environment", wanted_beds, store, machine)
    clock.lap("environment")

    wanted_effects = effect_requests(timeline, engines, options.seed)
    effects = run_stage(generate_effects, "effects", wanted_effects, store, machine)
    timeline = fit_effects(timeline, effects.takes)
    if options.music != "off" and not load_profile(options.profile).voice_only:
        timeline = place_music(timeline)
    clock.lap("effects")

    mixed = mix(
        timeline,
        lines.takes,
        beds.takes,
        effects.takes,
        machine.takes_dir,
        work_dir,
        options.profile,
        options.format,
        machine.encodes_dir,
        machine.lines_dir,
        options.music,
    )
    clock.lap("mix")

    result = result_of(
        book,
        chapter,
        cast,
        timeline,
        mixed,
        options,
        models=(speech.name, sound.name),
        stages=(lines, beds, effects),
        credits=sorted({engines.credit_for(w.request) for w in (*wanted_beds, *wanted_effects)} - {""}),
        stage_seconds=clock.laps,
        flow_run_id=flow_run.id,
        fingerprint=fingerprint(book, chapter, cast, options, machine),
    )
    names = {c.id: c.name for c in book.characters}
    takes = {**lines.takes, **beds.takes, **effects.takes}
    return publish(result, timeline, takes, names, work_dir / "chapter", target)


class _Clock:
    """Wall time of each stage, for the report and the next run's estimate."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._last, 3)
        self._last = now
