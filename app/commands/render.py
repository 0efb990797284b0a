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
    music: str = "off",
    seed: int = 0,
    again: bool = False,
    m4b: bool = True,
    cover: Path | None = None,
    json: bool = False,
    verbose: Annotated[bool, Parameter(alias="-v")] = False,
) -> int:
    """Render chapters into mastered audio.

    The same command continues a stopped run: of several chapters, those that are finished and unchanged are kept, and
    every take is used again whose text, voice and settings are unchanged.

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
    music
        Music at chapter openings and scene changes, ducked under speech: off, generated, or a sound file.
    seed
        Another seed gives other takes.
    again
        Of several chapters, render the finished ones too.
    m4b
        Of several chapters, also bind one audiobook file, book.m4b.
    cover
        The audiobook's picture, JPEG or PNG.
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
        "music": str(Path(music).resolve()) if music not in ("off", "generated") else music,
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
        overall = _render(
            novel, book, chapters, choices, settings, console, again=again, m4b=m4b, cover=cover
        )
    if json:
        print_json(overall)
    else:
        _tell(overall, Console(soft_wrap=True, highlight=False))
    return EXIT[overall["status"]]


def _check_before_starting(book: Novel, choices: dict[str, Any], settings: Settings) -> tuple[str, str]:
    """What can be known to be wrong is said before a server is started. Returns the models `auto` stands for."""
    from mixing.profiles import load_profile
    from models import catalog
    from models.machine import Machine
    from story.cast import cast_novel
    from story.errors import InputError

    machine: Machine = settings.machine()
    speech = catalog.resolve(choices["speech"], "speech", machine, book.language)
    sound = catalog.resolve(choices["sound"], "sound", machine)
    cast_novel(book, catalog.voices(speech), speech.name, book.language)
    load_profile(choices["profile"]).format(choices["format"])
    if choices["music"] not in ("off", "generated") and not Path(choices["music"]).is_file():
        raise InputError(
            f"no such sound file: {choices['music']}",
            where="--music",
            remedy="off, generated, or a sound file",
        )
    if choices["seed"] < 0:
        raise InputError("must be 0 or more", where="--seed")
    return speech.name, sound.name


def _render(
    path: Path,
    book: Novel,
    chapters: list[Chapter],
    choices: dict[str, Any],
    settings: Settings,
    console: Console,
    *,
    again: bool,
    m4b: bool,
    cover: Path | None,
) -> dict[str, Any]:
    """One chapter by the chapter's flow, several by the book's."""
    from app.terminal import BookDisplay, Display
    from flows import BookError, RenderOptions, render_book, render_chapter
    from flows.chapter import rates_file, title_of
    from tasks.progress import listening
    from tasks.rates import Rates

    options, machine = RenderOptions(**choices), settings.machine()
    rates = Rates(rates_file(machine))
    if len(chapters) == 1:
        only = chapters[0]
        with Display(console, rates, title_of(book, only)) as display, listening(display):
            try:
                result = render_chapter(path.resolve(), only.id, options, machine)
            except SoundboundError as e:
                console.print(f"failed: {e}", style="bold red", highlight=False, markup=False)
                return in_sum([_failed(only.id, str(e))])
        return in_sum([result.model_dump(mode="json")])
    spec = "all" if len(chapters) == len(book.chapters) else ",".join(str(c.number) for c in chapters)
    with BookDisplay(console, rates) as display, listening(display):
        try:
            whole = render_book(
                path.resolve(), spec, options, machine, again=again, m4b=m4b, cover=cover, where="here"
            )
        except BookError as e:
            whole = e.result
    return in_sum(
        [
            c.result.model_dump(mode="json") | {"kept": c.kept} if c.result else _failed(c.chapter, c.error)
            for c in whole.chapters
        ],
        whole.model_dump(mode="json", exclude={"chapters"}),
    )


def _failed(chapter: str, error: str) -> dict[str, Any]:
    return {"status": "failed", "chapter": chapter, "error": error}


def in_sum(results: list[dict[str, Any]], book: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole command's result: status, sums, and every chapter; of a book also what is the book's own."""
    worst = max((r["status"] for r in results), key=["completed", "degraded", "failed"].index)
    made = [r for r in results if r["status"] != "failed"]
    one = made[0] if len(results) == 1 and made else None
    whole = {
        "status": book["status"] if book else worst,
        "outputs": one["outputs"] if one else {r["chapter"]: r["outputs"] for r in made},
        "duration_s": round(sum(r["duration_s"] for r in made), 3),
        "takes_generated": sum(r["takes_generated"] for r in made),
        "takes_cached": sum(r["takes_cached"] for r in made),
        "loudness": one["loudness"] if one else {r["chapter"]: r["loudness"] for r in made},
        "warnings": [w for r in made for w in r["warnings"]],
        "missing": [m for r in made for m in r["missing"]],
        "chapters": results,
    }
    return whole | {"book": book} if book else whole


def _tell(overall: dict[str, Any], out: Console) -> None:
    from flows.outcome import lufs

    for r in overall["chapters"]:
        if r["status"] == "failed":
            out.print(f"\n[bold red]failed[/]    {r['chapter']}", style="")
            out.print(f"  {r['error']}", markup=False)
            continue
        if r.get("kept"):
            out.print(
                f"\n[bold green]kept[/]       {_plain(r['novel'])} · {r['number']} · {_plain(r['title'])}"
            )
            out.print(f"  listen    {r['outputs']['master']}", markup=False)
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
    if book := overall.get("book"):
        _tell_book(book, out)


def _tell_book(book: dict[str, Any], out: Console) -> None:
    colour = {"completed": "green", "degraded": "yellow", "failed": "red"}[book["status"]]
    hours, rest = divmod(round(book["duration_s"]), 3600)
    length = f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    out.print(f"\n[bold {colour}]{book['status']}[/]  {_plain(book['novel'])}: {length}")
    for name, path in book["outputs"].items():
        out.print(f"  {name:<9} {path}", markup=False)
    for again in book["again"]:
        out.print(f"  again     {again}", markup=False)


def _plain(text: str) -> str:
    text = text if len(text) <= 200 else text[:199] + "…"
    return text.replace("[", r"\[")
