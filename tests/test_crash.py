"""kill -9 at a random moment: the next run completes, re-makes only what was not stored, and sounds the same."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from flows import RenderOptions, render_chapter
from models.machine import Machine
from tasks.results import ChapterResult
from tests.conftest import STORM, CommandLine, new_home, save
from tests.test_render import sha256
from tests.waiting import STOP_S


def belonging_to(home: Path) -> list[psutil.Process]:
    """Every process that works for this home: the command, its model process, its Prefect server."""
    mine = []
    for p in psutil.process_iter():
        try:
            if p.pid != os.getpid() and p.environ().get("SOUNDBOUND_HOME") == str(home):
                mine.append(p)
        except psutil.Error:
            continue
    return mine


def kill_everything(home: Path, spare: set[int]) -> None:
    for p in belonging_to(home):
        if p.pid not in spare:
            try:
                p.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
    while [p for p in belonging_to(home) if p.pid not in spare and p.status() != psutil.STATUS_ZOMBIE]:
        time.sleep(0.02)


def stored(home: Path) -> int:
    return len(list((home / "takes").rglob("[!.]*.json")))


def finish(novel: Path, out: Path, machine: Machine) -> ChapterResult:
    return render_chapter(novel, "1", RenderOptions(output=out, speech="hibari"), machine)


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int, float]:
    """(sha256 of the master, number of takes, seconds) of a run nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    novel = save(STORM, folder / "novel.json")
    command = CommandLine(new_home(folder / "home"), SOUNDBOUND_PREFECT_API_URL=server)
    began = time.monotonic()
    done = command("render", novel, "-o", folder / "out", "--speech", "hibari", "--json")
    assert done.status == 0, done.stderr
    return (
        sha256(Path(done.json["outputs"]["master"])),
        done.json["takes_generated"],
        time.monotonic() - began,
    )


@pytest.mark.parametrize("moment", range(10))
def test_killed_at_a_random_moment(
    undisturbed: tuple[str, int, float], server: str, tmp_path: Path, moment: int
) -> None:
    master, total, seconds = undisturbed
    home = new_home(tmp_path / "home")
    novel = save(STORM, tmp_path / "novel.json")
    command = CommandLine(home, SOUNDBOUND_PREFECT_API_URL=server)
    process = command.start("render", novel, "-o", tmp_path / "out", "--speech", "hibari", "--json")
    # A tenth of the run for each case, a random point within it: all stages are hit.
    time.sleep(seconds * (moment + random.Random(moment).random()) / 10)
    kill_everything(home, spare=set())
    process.communicate(timeout=STOP_S)
    kept = stored(home)
    again = finish(novel, tmp_path / "out", Machine(home=home))
    assert again.status == "completed"
    assert again.takes_generated == total - kept, "what was stored is not made again"
    assert sha256(again.outputs["master"]) == master
    book = tmp_path / "out" / "the-storm"
    assert sorted(p.name for p in book.iterdir()) == ["cast.json", "ch01"], "no half-published folder is left"


def test_killed_with_its_server(undisturbed: tuple[str, int, float], tmp_path: Path) -> None:
    """Everything dies, the Prefect server too; the next run starts another and completes; nothing is orphaned."""
    master, total, _ = undisturbed
    home = new_home(tmp_path / "home")
    novel = save(STORM, tmp_path / "novel.json")
    command = CommandLine(home)
    arguments = ("render", novel, "-o", tmp_path / "out", "--speech", "hibari", "--json")
    process = command.start(*arguments)
    while stored(home) < 4 and process.poll() is None:
        time.sleep(0.02)
    kill_everything(home, spare=set())
    process.communicate(timeout=STOP_S)
    kept = stored(home)
    assert kept >= 4
    done = command(*arguments)
    assert done.status == 0, done.stderr
    assert done.json["takes_generated"] == total - kept
    assert sha256(Path(done.json["outputs"]["master"])) == master
    deadline = time.monotonic() + 20
    while belonging_to(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert belonging_to(home) == [], "no server is left behind"
