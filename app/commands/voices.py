"""`soundbound voices`: the voices there are, and designing new ones for a book's characters."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.table import Table

from app.commands.output import print_json
from app.settings import load_settings
from models import catalog
from story.loading import load_novel

voices = App(name="voices", help="List the voices, or design new ones.")


@voices.default
def list_voices(*, speech: str = "all", language: str | None = None, json: bool = False) -> int:
    """List the voices of the speech models that are ready, or of one.

    Parameters
    ----------
    speech
        One model's voices only.
    language
        Only voices that speak it, e.g. en or zh.
    json
        Print one JSON object.
    """
    machine = load_settings().machine()
    if speech == "all":
        speech_models = [e for e in catalog.entries(machine).values() if e.kind == "speech"]
        speakers = [e for e in speech_models if catalog.is_installed(e, machine)]
    else:
        speakers = [catalog.entry(speech, "speech", machine)]
    found = [
        v
        for e in speakers
        for v in catalog.voices(e)
        if language is None or language.split("-")[0] in v.languages
    ]
    if json:
        print_json({"voices": [v.model_dump(mode="json", exclude={"parameters"}) for v in found]})
        return 0
    table = Table(title=f"{len(found)} voices", title_justify="left")
    for column in ("voice", "model", "language", "gender", "age", "pitch", "about"):
        table.add_column(column)
    for v in found:
        table.add_row(
            v.id,
            v.model,
            ", ".join(v.languages),
            v.gender,
            v.age,
            f"{v.pitch_hz:.0f} Hz",
            v.description or v.accent,
        )
    Console().print(table)
    return 0


@voices.command
def design(novel: Path, *, json: bool = False) -> int:
    """Design a voice for each main character and the narrator that has none yet, from the book's descriptions.

    Needs qwen3-tts-design. The voices are kept in <home>/voices/<character>/ and used by the engines that clone
    (qwen3-tts-clone, indextts-2.5); edit or replace the clips there as you like.

    Parameters
    ----------
    novel
        The novel.
    json
        Print one JSON object.
    """
    from models.voice_design import design as design_voices

    book, machine = load_novel(novel), load_settings().machine()
    leading = [c for c in book.characters if c.role in ("narrator", "major")]
    console = Console(stderr=True)
    tell = partial(console.print, style="dim", highlight=False, markup=False)
    made = design_voices(leading, book.language, machine, tell)
    if json:
        print_json({"status": "completed", "designed": {k: str(v) for k, v in made.items()}})
        return 0
    for name, folder in made.items():
        console.print(f"{name}: {folder}", highlight=False, markup=False)
    console.print(f"{len(made)} voices designed, {len(leading) - len(made)} were there", highlight=False)
    return 0
