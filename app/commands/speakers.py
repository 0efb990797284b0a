"""`soundbound review|attribute|characters|label`: check who speaks, correct it, attribute lines anew. None needs a server."""

from __future__ import annotations

import json as json_module
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from app.commands.output import print_json
from story.attribution.book import attributed_anew, chapter_text
from story.attribution.characters_file import characters_json, read_characters, shared_names
from story.errors import InputError
from story.loading import load_novel
from story.novel_file import write_novel
from story.review import REVIEWED, apply_corrections, read_corrections, review_data
from story.writing import write_whole

Output = Annotated[Path | None, Parameter(alias="-o")]
REVIEW_BELOW = 0.7  # of confidence: what a person should look at


def review(novel: Path, *, apply: Path | None = None, output: Output = None, json: bool = False) -> int:
    """Write a page that shows each line with its speaker, how sure that is and why; read corrections back.

    Open the page in a browser: the least certain lines come first. Choose the right speaker where one is wrong, merge
    characters that are one, and download corrections.json. Then give it back with --apply.

    Parameters
    ----------
    novel
        The novel as JSON.
    apply
        Corrections to take over into the novel.
    output
        The page (default: <novel>.review.html), or with --apply the corrected novel (default: the novel itself).
    json
        Print one JSON object.
    """
    book = load_novel(novel)
    if apply is not None:
        corrected, done = apply_corrections(book, read_corrections(apply), str(apply))
        target = output or novel
        write_novel(corrected, target)
        if json:
            print_json({"status": "completed", "output": str(target), **done.model_dump()})
            return 0
        console = Console(highlight=False)
        for warning in done.warnings:
            console.print(f"warning: {warning}", style="yellow", markup=False)
        console.print(
            f"{done.lines} lines corrected, {done.merged} characters merged, {done.characters} changed; written to {target}",
            markup=False,
        )
        return 0
    target = output or novel.with_suffix(".review.html")
    data = review_data(book)
    write_whole(target, [page(data)])
    low = sum((line["confidence"] or 1) < REVIEW_BELOW for line in data["lines"])
    if json:
        print_json(
            {"status": "completed", "output": str(target), "lines": len(data["lines"]), "to_review": low}
        )
        return 0
    Console(highlight=False).print(f"{len(data['lines'])} lines, {low} to check: open {target}", markup=False)
    return 0


def attribute(
    novel: Path, *, characters: Path | None = None, output: Output = None, json: bool = False
) -> int:
    """Find the speaker of every line anew, by an edited list of characters; lines a person corrected stay.

    Edit the novel's own `characters`, or write them to a file with `soundbound characters`, edit that and name it
    here: move an alias to merge or split people, delete who is nobody, set gender and age.

    Parameters
    ----------
    novel
        The novel as JSON, made by `soundbound import`.
    characters
        The list of characters; default: the novel's own.
    output
        Where to write the novel (default: the novel itself).
    json
        Print one JSON object.
    """
    book = load_novel(novel)
    kept = [c for c in book.chapters if chapter_text(c) is None]
    if len(kept) == len(book.chapters):
        raise InputError(
            "this novel does not keep the text its lines came from, so they can't be attributed anew",
            where=str(novel),
            remedy="attribute novels made by `soundbound import`; elsewhere set each line's speaker",
        )
    people = read_characters(characters) if characters else book.characters
    anew = attributed_anew(book, people)
    before = {s.id: s.speaker for c in book.chapters for s in c.segments}
    changed = sum(s.speaker != before.get(s.id) for c in anew.chapters for s in c.segments)
    target = output or novel
    write_novel(anew, target)
    shared = shared_names(people)
    if json:
        print_json(
            {"status": "completed", "output": str(target), "lines_changed": changed, "shared_names": shared}
        )
        return 0
    console = Console(highlight=False)
    for name in shared:
        console.print(
            f"warning: two characters are called {name}; the first is meant", style="yellow", markup=False
        )
    console.print(f"{changed} lines have another speaker now; written to {target}", markup=False)
    return 0


def characters(novel: Path, *, output: Output = None, json: bool = False) -> int:
    """Show who is in a novel; with -o, write the list to edit.

    Parameters
    ----------
    novel
        The novel as JSON.
    output
        A file to write, such as characters.json.
    json
        Print one JSON object.
    """
    book = load_novel(novel)
    text = characters_json(book.characters)
    if output is not None:
        write_whole(output, [text])
    if json:
        print_json(json_module.loads(text))
        return 0
    lines: dict[str, int] = {}
    for segment in (s for c in book.chapters for s in c.segments if s.type in REVIEWED):
        lines[segment.speaker] = lines.get(segment.speaker, 0) + 1
    table = Table(title=f"{book.title}: {len(book.characters)} characters", title_justify="left")
    for column in ("id", "name", "also called", "gender", "age", "role", "lines"):
        table.add_column(column)
    for c in book.characters:
        row = [c.id, c.name, ", ".join(c.aliases), c.gender, c.age, c.role, str(lines.get(c.id, 0))]
        table.add_row(*(x.replace("[", r"\[") for x in row))
    console = Console()
    console.print(table)
    if output is not None:
        console.print(f"written to {output}", markup=False)
    return 0


def page(data: dict) -> str:
    """The review page, with nothing to load from elsewhere."""
    template = files("app").joinpath("pages/review.html").read_text(encoding="utf-8")
    safe = json_module.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return template.replace("__DATA__", safe.replace("\u2029", "\\u2029"))
