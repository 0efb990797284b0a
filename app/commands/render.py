"""`soundbound render`: chapters of a novel, through Prefect, with a live display."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from app.commands.output import print_json
from app.server import prefect_server
from app.settings import Settings, load_settings
from story.errors import SoundboundError
from story.importing.library import BOOKS, novel_file
from story.loading import load_novel, select_chapters
from story.novel import Chapter, Novel

EXIT = {"completed": 0, "degraded": 3, "failed": 1}


def render(
    novel: Path,
    *,
    chapter: str = "all",
    output: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    speech: str = "auto",
    sound: str = "auto",
    format: Literal["flac", "wav", "mp3", "opus", "m4a"] | None = None,
    profile: Literal["drama", "podcast", "broadcast", "acx"] = "drama",
    seed: int = 0,
    json: bool = False,
    verbose: Annotated[bool, Parameter(alias="-v")] = False,
) -> int:
    """Render chapters into mastered audio.

    The same command continues a stopped run and re-uses every take whose text, voice and settings are unchanged.

    Parameters
    ----------
    novel
        The novel as JSON, or a book: EPUB, text, Markdown … (see soundbound import --help).
    chapter
        Which chapters: 5, 1-3, 1,4-6 or all.
    output
        Folder for the results: <output>/<novel>/<chapter>/master.flac and more.
    speech
        Speech model; auto takes the best installed one for the book's language.
    sound
        Model for beds and effects.
    format
        File format of the master; flac, or what the profile asks for.
    profile
        Loudness: drama -18 LUFS, podcast -16 LUFS, broadcast -23 LUFS; acx is voice only, by Audible's rules.
    seed
        Another seed gives other takes.
    json
        Print the result as one JSON object.
    verbose
        Show the run's log.
    """
    settings = load_settings()
    novel = novel_file(novel, settings.home / BOOKS)
    book = load_novel(novel)
    chapters = select_chapters(book, chapter)
    choices = {
        "output": output,
        "speech": speech,
        "sound": sound,
        "format": format,
        "profile": profile,
        "seed": seed,
    }
    console = Console(stderr=True)
    speech_name, sound_name = _check_before_starting(book, choices, settings)
    console.print(f"speech by {speech_name}, sounds by {sound_name}", style="dim", highlight=False)
    if not verbose:  # the display says what a person needs; Prefect's own lines are in its UI
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    with prefect_server(
        settings.home, settings.prefect_api_url, lambda line: console.print(line, style="dim")
    ):
        results = [_one(novel, book, c, choices, settings, console) for c in chapters]
    overall = in_sum(results)
    if json:
        print_json(overall)
    else:
        _tell(results, Console(soft_wrap=True, highlight=False))
    return EXIT[overall["status"]]


def _check_before_starting(book: Novel, choices: dict[str, Any], settings: Settings) -> tuple[str, str]:
    """What can be known to be wrong is said before a server is started. Returns the models `auto` stands for."""
    from mixing.profiles import load_profile
    from models import catalog
    from models.machine import Machine
    from story.cast import cast_novel

    machine: Machine = settings.machine()
    speech = catalog.resolve(choices["speech"], "speech", machine, book.language)
    sound = catalog.resolve(choices["sound"], "sound", machine)
    cast_novel(book, catalog.voices(speech), speech.name, book.language)
    load_profile(choices["profile"]).format(choices["format"])
    if choices["seed"] < 0:
        from story.errors import InputError

        raise InputError("must be 0 or more", where="--seed")
    return speech.name, sound.name


def _one(
    path: Path,
    book: Novel,
    chapter: Chapter,
    choices: dict[str, Any],
    settings: Settings,
    console: Console,
) -> dict[str, Any]:
    """Run the flow for one chapter; a failure becomes a result, so that the other chapters go on."""
    from app.terminal import Display
    from flows import RenderOptions, render_chapter
    from tasks.progress import listening
    from tasks.rates import Rates

    title = " · ".join(filter(None, [book.title, str(chapter.number), chapter.title]))
    with Display(console, Rates(settings.home / "rates.json"), title) as display, listening(display):
        try:
            result = render_chapter(path.resolve(), chapter.id, RenderOptions(**choices), settings.machine())
        except SoundboundError as e:
            console.print(f"failed: {e}", style="bold red", highlight=False, markup=False)
            return {"status": "failed", "chapter": chapter.id, "error": str(e), "exit_status": e.exit_status}
    return result.model_dump(mode="json")


def in_sum(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole command's result: the worst status, sums, and every chapter."""
    worst = max((r["status"] for r in results), key=["completed", "degraded", "failed"].index)
    made = [r for r in results if r["status"] != "failed"]
    one = made[0] if len(results) == 1 and made else None
    return {
        "status": worst,
        "outputs": one["outputs"] if one else {r["chapter"]: r["outputs"] for r in made},
        "duration_s": round(sum(r["duration_s"] for r in made), 3),
        "takes_generated": sum(r["takes_generated"] for r in made),
        "takes_cached": sum(r["takes_cached"] for r in made),
        "loudness": one["loudness"] if one else {r["chapter"]: r["loudness"] for r in made},
        "warnings": [w for r in made for w in r["warnings"]],
        "missing": [m for r in made for m in r["missing"]],
        "chapters": results,
    }


def _tell(results: list[dict[str, Any]], out: Console) -> None:
    from flows.outcome import lufs

    for r in results:
        if r["status"] == "failed":
            out.print(f"\n[bold red]failed[/]    {r['chapter']}", style="")
            out.print(f"  {r['error']}", markup=False)
            continue
        colour = "green" if r["status"] == "completed" else "yellow"
        minutes, seconds = divmod(round(r["duration_s"]), 60)
        out.print(f"\n[bold {colour}]{r['status']}[/]  {r['novel']} · {r['number']} · {r['title']}")
        out.print(f"  listen    {r['outputs']['master']}", markup=False)
        loud = r["loudness"]
        out.print(
            f"  length    {minutes}:{seconds:02d}    loudness {lufs(loud['integrated_lufs'])}, "
            f"peak {loud['true_peak_dbtp']:.1f} dBTP, range {loud['lra_lu']:.1f} LU"
        )
        out.print(
            f"  takes     {r['takes_generated']} made, {r['takes_cached']} from the store    models {r['speech_model']}, {r['sound_model']}"
        )
        for i, who in enumerate(r["cast"]):
            head = "cast" if i == 0 else ""
            out.print(
                f"  {head:<9} {who['name']}: {who['voice_id']} ({who['lines']} lines, {who['seconds']:.0f} s)",
                markup=False,
            )
        for m in r["missing"]:
            out.print(
                f"  [yellow]missing[/]   {m['kind']} {m['id']} at {m['start_s']:.1f} s: {_plain(m['what'])} ({_plain(m['reason'])})"
            )
        for w in r["warnings"]:
            out.print(f"  [yellow]warning[/]   {_plain(w)}")
        out.print(f"  report    {r['outputs']['report']}", markup=False)


def _plain(text: str) -> str:
    text = text if len(text) <= 200 else text[:199] + "…"
    return text.replace("[", r"\[")
