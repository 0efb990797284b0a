"""Two renders started at the same moment from two shells: no two models ever live at once, and both complete."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import STORM, CommandLine, save


def test_two_renders_together(soundbound: CommandLine, tmp_path: Path) -> None:
    before = log_lines(soundbound.home)
    runs = []
    for i, seed in enumerate((101, 202)):  # different seeds: neither finds the other's beds
        book = {**STORM, "title": f"Book {i}"}
        novel = save(book, tmp_path / f"{i}.json")
        runs.append(
            soundbound.start(
                "render", novel, "-o", tmp_path / "out", "--speech", "hibari", "--seed", seed, "--json"
            )
        )
    answers = [run.communicate(timeout=600) for run in runs]
    for run, (stdout, stderr) in zip(runs, answers, strict=True):
        assert run.returncode == 0, stderr
        assert json.loads(stdout)["takes_generated"] > 0
    events = log_lines(soundbound.home)[len(before) :]
    spans = [e for e in events if e["event"] in ("model started", "model ended")]
    assert len({e["pid"] for e in spans}) == 2, "both ran models"
    for started, ended in zip(spans[::2], spans[1::2], strict=True):
        assert (started["event"], ended["event"]) == ("model started", "model ended")
        assert started["model_pid"] == ended["model_pid"]


def log_lines(home: Path) -> list[dict]:
    path = home / "locks" / "cpu.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
