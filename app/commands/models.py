"""`soundbound models` and `soundbound models install`: what is there, and bringing weights from packages."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from app.commands.output import print_json
from app.settings import load_settings
from models import catalog, recipes, terms
from models.machine import Machine
from story.errors import InputError

models = App(name="models", help="List the models, or install one.")


@models.default
def list_models(*, json: bool = False) -> int:
    """List the models: what is ready and what others lack, memory and speed as measured, licence.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    states = catalog.states(load_settings().machine())
    if json:
        print_json({"models": [s.model_dump(mode="json") for s in states]})
        return 0
    console = Console()
    console.print(_table(states))
    console.print("memory and speed: measured here (× realtime); ~ declared, not yet measured", style="dim")
    for s in states:
        licence = s.licence + ("" if s.commercial else " [yellow](not for sale)[/]")
        speaks = f"speaks: {', '.join(s.languages)}" if s.languages else ""
        about = [s.title, speaks, f"licence: {licence}", *map(_lacks, s.lacking), escape(s.note)]
        console.print(f"\n[bold]{s.name}[/]", *(Padding(line, (0, 2)) for line in about if line), sep="\n")
    return 0


def _table(states: list[catalog.ModelState]) -> Table:
    """What fits a terminal of 80 columns; the rest follows it as text."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for column in ("model", "makes", "state", "on", "memory", "speed", "voices"):
        table.add_column(column, no_wrap=True)
    for s in states:
        table.add_row(
            s.name,
            s.kind,
            "[green]ready[/]" if s.installed else "[yellow]not ready[/]",
            s.device,
            memory(s),
            f"{s.speed:.1f}×" if s.speed else "",
            str(s.voices or ""),
        )
    return table


def _lacks(why: str) -> str:
    return f"[yellow]lacks:[/] {escape(why)}"


def memory(state: catalog.ModelState) -> str:
    """The measured peak, or what the catalog declares."""
    if not state.memory_mb:
        return ""
    return f"{'' if state.memory_measured else '~'}{state.memory_mb:.0f} MB"


@models.command
def install(
    name: str,
    *,
    source: Annotated[str | None, Parameter(name=["--from", "--source"])] = None,
    accept_terms: bool = False,
    json: bool = False,
) -> int:
    """Install a model: its weights and, where its packages exclude ours, a Python environment of its own.

    Safe to repeat after an interruption. Terms that have to be accepted are shown and asked once.

    Parameters
    ----------
    name
        The model, e.g. kokoro.
    source
        A local folder with the model, or a Hugging Face name, instead of where it usually comes from.
    accept_terms
        Accept the model's terms without being asked (for scripts).
    json
        Print one JSON object.
    """
    machine = load_settings().machine()
    known = catalog.entries(machine)
    if name not in known:
        needing = ", ".join(n for n, e in known.items() if e.needs_weights)
        raise InputError(f"there is no model {name!r}", where="models install", remedy=f"choose {needing}")
    if not known[name].needs_weights:
        Console(stderr=True).print(f"{name} needs no installation")
        return 0
    console = Console(stderr=True)
    if name == "kokoro":
        folder = _kokoro(machine, source, console)
    elif name in recipes.recipes():
        _consent(known[name], machine, accept_terms, console)
        tell = partial(console.print, style="dim", highlight=False, markup=False)
        folder = recipes.install(known[name], machine, source, tell)
        if why := catalog.lacking(known[name], machine):
            raise InputError(
                f"is not ready yet: {'; '.join(why)}", where=f"model {name}", remedy=_next_step(known[name])
            )
    else:
        raise InputError(
            "is an engine of your own", where=f"model {name}", remedy=f"set [engines.{name}] weights"
        )
    if json:
        print_json({"status": "completed", "model": name, "folder": str(folder)})
    else:
        console.print(f"{name} is installed in {folder}", highlight=False, markup=False)
    return 0


def _consent(model: catalog.ModelEntry, machine: Machine, accepted: bool, console: Console) -> None:
    """Show the terms; record the consent. Without a person to ask, say how to give it."""
    if not model.terms or terms.accepted(machine, model.name, model.terms):
        return
    console.print(model.terms, style="yellow", highlight=False, markup=False)
    if not accepted:
        if not sys.stdin.isatty():
            raise InputError(
                "has terms that you have to accept (see above)",
                where=f"model {model.name}",
                remedy=f"soundbound models install {model.name} --accept-terms",
            )
        if console.input("Do you accept these terms? [y/N] ").strip().lower() not in ("y", "yes"):
            raise InputError("was not installed: its terms were not accepted", where=f"model {model.name}")
    terms.accept(machine, model.name, model.terms)


def _next_step(model: catalog.ModelEntry) -> str:
    if model.packages and not model.own_interpreter:
        return "install the gpu extra: pip install 'soundbound[gpu]'"
    return "see docs/gpu.md"


def _kokoro(machine: Machine, source: str | None, console: Console) -> Path:
    from models.install import install_kokoro

    with Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        tasks: dict[str, int] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
                if not console.is_terminal:
                    console.print(f"  {what}", style="dim", highlight=False)
            bars.update(tasks[what], completed=done, total=total)  # pyright: ignore[reportArgumentType]

        return install_kokoro(machine.models_dir, source=source, progress=progress)
