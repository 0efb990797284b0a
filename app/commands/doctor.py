"""`soundbound doctor`: is everything there that a render needs, and how to mend what is not."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys

from rich.console import Console

from app.commands import device_checks
from app.commands.check import Check
from app.commands.output import print_json
from app.server import prefect_server, running_server
from app.settings import Settings, load_settings
from models import catalog
from story.errors import SoundboundError

NEEDED = (
    "prefect",
    "fastapi",
    "pydantic",
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
    "pedalboard",
    "onnxruntime",
    "hibari-tts",
)
LOW_DISK_GB = 2.0  # a long chapter's scratch stems and takes


def doctor(*, server: bool = True, render: bool | None = None, fix: bool = False, json: bool = False) -> int:
    """Check Python, packages, models and their hashes, the device and who holds it, Prefect, disk and permissions.

    On a machine with a GPU two lines are rendered from text to master, which proves the whole way.

    Parameters
    ----------
    server
        Also start the Prefect server (if it is not up) and check the concurrency limit; --no-server skips it.
    render
        Render two lines; on a GPU machine this is done unless you say --no-render.
    fix
        Free a Prefect slot whose holder is dead or that nobody holds; only while no model is at work.
    json
        Print one JSON object.
    """
    settings = load_settings()
    checks = [
        _python(),
        *_packages(),
        *_models(settings),
        *device_checks.device(settings),
        _home(settings),
        _disk(settings),
    ]
    if server:
        wanted = settings.device != "cpu" if render is None else render
        checks += _server(settings, fix=fix, render=wanted and _worst(checks) != "problem")
    if json:
        print_json({"status": _worst(checks), "checks": [c.model_dump() for c in checks]})
    else:
        _tell(checks)
    return 1 if _worst(checks) == "problem" else 0


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Check(name="Python", state="ok", found=version)
    return Check(name="Python", state="problem", found=version, mend="make PYTHON=python3.11 setup")


def _packages() -> list[Check]:
    def one(name: str) -> Check:
        try:
            return Check(name=name, state="ok", found=importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            return Check(name=name, state="problem", found="not installed", mend="make setup")

    return [one(name) for name in NEEDED]


def _models(settings: Settings) -> list[Check]:
    from models.install import verify

    machine, checks = settings.machine(), []
    for state in catalog.states(machine):
        name = f"model {state.name}"
        if not state.installed:
            checks.append(Check(name=name, state="warning", found="; ".join(state.lacking), mend=state.note))
        elif (
            state.name == "kokoro"
            and catalog.entry(state.name, state.kind, machine).needs_weights
            and (wrong := verify(machine.models_dir))
        ):
            checks.append(
                Check(
                    name=name,
                    state="problem",
                    found="; ".join(wrong[:3]),
                    mend=f"run: soundbound models install {state.name}",
                )
            )
        else:
            checks.append(Check(name=name, state="ok", found="ready"))
    return checks


def _home(settings: Settings) -> Check:
    home = settings.home
    nearest = next(p for p in (home, *home.parents) if p.exists())
    if os.access(nearest, os.W_OK):
        return Check(name="home", state="ok", found=str(home))
    return Check(
        name="home",
        state="problem",
        found=f"{nearest} is not writable",
        mend="set SOUNDBOUND_HOME to a folder of yours",
    )


def _disk(settings: Settings) -> Check:
    nearest = next(p for p in (settings.home, *settings.home.parents) if p.exists())
    free_gb = shutil.disk_usage(nearest).free / 2**30
    if free_gb < LOW_DISK_GB:
        return Check(
            name="disk", state="problem", found=f"{free_gb:.1f} GB free", mend=f"free some space on {nearest}"
        )
    left = sorted(p.name for p in settings.work_dir.glob("*")) if settings.work_dir.exists() else []
    if left:
        return Check(
            name="disk",
            state="ok",
            found=f"{free_gb:.0f} GB free; {len(left)} unfinished runs kept in {settings.work_dir}",
        )
    return Check(name="disk", state="ok", found=f"{free_gb:.0f} GB free")


def _server(settings: Settings, *, fix: bool, render: bool) -> list[Check]:
    was_up = settings.prefect_api_url or running_server(settings.home)
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    checks = []
    try:
        with prefect_server(settings.home, settings.prefect_api_url) as url:
            found = url + ("" if was_up else " (starts and stops with each render)")
            checks.append(Check(name="Prefect server", state="ok", found=found))
            checks += device_checks.slot(settings, fix=fix)
            if render:
                checks.append(device_checks.two_lines(settings))
    except SoundboundError as e:
        checks.append(Check(name="Prefect server", state="problem", found=e.message, mend=e.remedy))
    return checks


def _worst(checks: list[Check]) -> str:
    order = ["ok", "warning", "problem"]
    return max((c.state for c in checks), key=order.index)


def _tell(checks: list[Check]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    mark = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}
    for c in checks:
        console.print(f"{mark[c.state]} {c.name:<15} {c.found}")
        if c.mend:
            console.print(f"        → {c.mend}", style="bold", markup=False)
