"""`soundbound cast|scenes|timeline|voices`: look at a book before it is rendered. None of these needs a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from app.commands.output import print_json
from app.settings import load_settings
from models.machine import Machine
from story.cast import Cast, cast_novel, read_cast_file
from story.importing.library import BOOKS, novel_file
from story.loading import load_novel, select_chapters
from story.novel import Chapter, Novel
from story.scenes import Scene, SceneAnalysis, analyze_chapters

Output = Annotated[Path, Parameter(alias="-o")]


def cast(novel: Path, *, speech: str = "auto", output: Output = Path("out"), json: bool = False) -> int:
    """Show who speaks with which voice.

    The cast is kept in <output>/<novel>/cast.json once a chapter is rendered; edit a "voice" there and it wins.

    Parameters
    ----------
    novel
        The novel as JSON, or a book: EPUB, text, Markdown …
    speech
        Speech model whose voices are cast.
    output
        Where the book's cast.json is looked for.
    json
        Print one JSON object.
    """
    book = load_novel(novel_file(novel, load_settings().home / BOOKS))
    chosen, kept_in = _cast(book, speech, output, load_settings().machine())
    if json:
        print_json({**chosen.model_dump(mode="json"), "file": str(kept_in) if kept_in.exists() else None})
        return 0
    table = Table(title=f"{book.title}: cast for {chosen.model}", title_justify="left")
    for column in ("character", "voice", "why"):
        table.add_column(column)
    for a in chosen.assignments:
        table.add_row(a.name, a.voice_id, a.why)
    console = Console()
    console.print(table)
    for warning in chosen.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    console.print(
        f"kept in {kept_in}" if kept_in.exists() else f"will be kept in {kept_in}", style="dim", markup=False
    )
    return 0


def scenes(novel: Path, *, chapter: str = "all", json: bool = False) -> int:
    """Show the scenes, ambience and sound cues found in the prose, with the words they rest on.

    Parameters
    ----------
    novel
        The novel as JSON, or a book: EPUB, text, Markdown …
    chapter
        Which chapters: 5, 1-3 or all.
    json
        Print one JSON object with every cue and its polarity.
    """
    book = load_novel(novel_file(novel, load_settings().home / BOOKS))
    analyses = _analyses(book, select_chapters(book, chapter))
    if json:
        print_json({"scenes": [s.model_dump(mode="json") for a in analyses for s in a.scenes]})
        return 0
    console = Console(highlight=False)
    for scene in (s for a in analyses for s in a.scenes):
        _tell_scene(scene, console)
    return 0


def timeline(
    novel: Path, *, chapter: str = "1", speech: str = "auto", output: Output = Path("out"), json: bool = False
) -> int:
    """Show a chapter's planned timeline, with estimated durations.

    Parameters
    ----------
    novel
        The novel as JSON, or a book: EPUB, text, Markdown …
    chapter
        One chapter: its number or id.
    speech
        Speech model whose voices are cast.
    output
        Where the book's cast.json is looked for.
    json
        Print the timeline as one JSON object.
    """
    from story.planning import plan_timeline
    from tasks.plan import pace

    book = load_novel(novel_file(novel, load_settings().home / BOOKS))
    one = select_chapters(book, chapter)[0]
    chosen, _ = _cast(book, speech, output, load_settings().machine())
    analysis = next(a for a in _analyses(book, [one]))
    plan = plan_timeline(one, analysis, chosen, book.language, delivery=pace)
    if json:
        print_json(plan)
        return 0
    table = Table(
        title=f"{book.title} · {one.number} · {one.title}: {_minutes(plan.total_duration_s)}",
        title_justify="left",
    )
    for column in ("start", "length", "what", "who"):
        table.add_column(column)
    rows = [(s.start_s, s.duration_s, s.content, s.speaker) for s in plan.dialogue_segments]
    rows += [(s.start_s, s.duration_s, s.prompt, "bed") for s in plan.environment_segments]
    rows += [(s.start_s, s.duration_s, s.prompt, "effect") for s in plan.effect_segments]
    for start, length, what, who in sorted(rows, key=lambda r: r[0]):
        table.add_row(_minutes(start), f"{length:.1f} s", _short(what), who)
    Console().print(table)
    return 0


def _cast(book: Novel, speech: str, output: Path, machine: Machine) -> tuple[Cast, Path]:
    from models import catalog
    from tasks.publish import folder_name

    model = catalog.resolve(speech, "speech", machine, book.language)
    path = output.expanduser().resolve() / folder_name(book.title) / "cast.json"
    kept = read_cast_file(path) if path.exists() else {}
    return cast_novel(book, catalog.voices(model), model.name, book.language, kept.get(model.name)), path


def _analyses(book: Novel, chosen: list[Chapter]) -> list[SceneAnalysis]:
    return analyze_chapters(book.chapters, chosen, book.language)


def _tell_scene(scene: Scene, console: Console) -> None:
    weather = ", ".join(scene.weather) or "unknown weather"
    console.print(f"\n[bold]{scene.id}[/] {scene.scene_type} ({scene.first_segment} … {scene.last_segment})")
    console.print(
        f"  {scene.setting}, {scene.place_class}, {scene.time_of_day}, {weather}, mood {scene.mood}, "
        f"confidence {scene.confidence:.2f}"
        + (f", carried over from {scene.inherited_from}" if scene.inherited_from else "")
    )
    words: dict[str, Any] = {e.word: None for e in scene.evidence}
    if words:
        console.print(f"  evidence: {', '.join(words)}", style="dim", markup=False)
    for bed in scene.ambience:
        console.print(f"  {'bed':<13}{bed.prompt} ({bed.ucs})", markup=False)
    for cue in scene.cues:
        sign = "effect" if cue.polarity == "asserted" else cue.polarity
        console.print(
            f"  {sign:<13}{cue.segment} “{cue.word}” → {cue.prompt} ({cue.ucs or 'no class'})", markup=False
        )


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _short(text: str) -> str:
    return text if len(text) <= 70 else text[:69] + "…"
