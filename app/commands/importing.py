"""`soundbound import`: any book in, a novel out that a person can read, check and correct."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.output import print_pieces
from story.attribution.characters_file import read_characters
from story.errors import InputError
from story.exporting import EXPORTS, export
from story.importing.book import import_book
from story.importing.library import import_facts, write_imported
from story.importing.options import ReadOptions
from story.importing.summary import Summary, summarise
from story.languages import language_tag
from story.novel_file import novel_pieces

_SHOWN = 12  # characters and chapters in the summary


def import_(
    book: Path,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    notes: Literal["omit", "end"] = "omit",
    matter: Literal["story", "all"] = "story",
    encoding: str | None = None,
    language: str | None = None,
    characters: Path | None = None,
    json: bool = False,
) -> int:
    """Make a novel of a book: EPUB, text, Markdown, HTML, or a script that names its speakers.

    Finds chapters, quotations, who speaks and how, and tells what to check. `render` takes a book directly as well;
    import it to see and correct the script first.

    Parameters
    ----------
    book
        EPUB, plain text, Markdown, HTML; AI-Sound plan or novel (JSON), WavJourney script (JSON), VoxNovel table
        (CSV), text with [name]…[/name] tags, Fountain screenplay.
    output
        Where to write it: novel.json, script.fountain or script.ssml, by the ending.
    notes
        Footnotes: leave them out, or read them at the end of their chapter.
    matter
        The story only, or prefaces, appendices and the like as well.
    encoding
        Of a text file, if it was guessed wrong: utf-8, gb18030, big5 …
    language
        Of the book, if it was guessed wrong: en, zh-Hans …
    characters
        A list of who there is (characters.json, or another novel of the series): every line is given to one of them.
    json
        Print the novel as one JSON object.
    """
    if language is not None and language_tag(language) is None:
        raise InputError(
            f"“{language}” is no language tag", where="--language", remedy="write en, zh-Hans, fr …"
        )
    tag = language_tag(language) if language else None
    people = read_characters(characters) if characters else ()
    imported = import_book(
        book, ReadOptions(notes=notes, matter=matter, encoding=encoding, language=tag), people
    )
    if output is not None:
        if output.suffix.lower() in EXPORTS:
            export(imported.novel, output)
        elif output.suffix.lower() == ".json":
            write_imported(imported, output)
        else:
            known = ", ".join([".json", *EXPORTS])
            raise InputError(
                f"{output.name} has no ending that names a form",
                where="--output",
                remedy=f"end it in {known}",
            )
    if json:
        print_pieces(novel_pieces(imported.novel, import_facts(imported)))
    else:
        _tell(summarise(imported), output, Console(highlight=False))
    return 0


def _tell(summary: Summary, output: Path | None, console: Console) -> None:
    by = f" by {summary.author}" if summary.author else ""
    console.print(f"[bold]{escape(summary.title)}[/]{escape(by)}  ({summary.language})")
    unit = "characters" if summary.language.split("-")[0] in {"zh", "ja"} else "words"
    console.print(
        f"  {len(summary.chapters)} chapters, {summary.words:,} {unit}, about {_hours(summary.duration_s)} of audio"
    )
    for chapter in summary.chapters[:_SHOWN]:
        console.print(
            f"  {chapter.number:>4}  {chapter.title or '(no title)'}  [dim]{chapter.words:,}[/]",
            soft_wrap=True,
        )
    if len(summary.chapters) > _SHOWN:
        console.print(f"        … and {len(summary.chapters) - _SHOWN} more", style="dim")
    table = Table(
        title=f"{len(summary.characters)} voices, {summary.dialogue_lines:,} lines of dialogue",
        title_justify="left",
    )
    for column in ("character", "gender", "lines", "share"):
        table.add_column(column, justify="left" if column in ("character", "gender") else "right")
    for who in summary.characters[:_SHOWN]:
        table.add_row(escape(who.name), who.gender, f"{who.lines:,}", f"{who.share:.1%}")
    console.print(table)
    if len(summary.characters) > _SHOWN:
        console.print(f"… and {len(summary.characters) - _SHOWN} more", style="dim")
    if summary.to_review:
        share = summary.to_review / max(1, summary.dialogue_lines)
        console.print(
            f"{summary.to_review:,} lines to review ({share:.0%} of the dialogue): their speaker is uncertain"
        )
    if summary.left_out:
        console.print(
            f"left out: {', '.join(dict.fromkeys(summary.left_out))}",
            style="dim",
            markup=False,
            soft_wrap=True,
        )
    for warning in summary.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if output:
        console.print(f"written to {output}", markup=False, soft_wrap=True)
    else:
        console.print("nothing was written; keep it with -o novel.json", style="dim")


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{max(1, minutes)} min"
