"""Runs left behind: the dead are told from the living by a lock the kernel frees."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from app.recovery import START_S, alive, claimed, left_behind
from tests.conftest import ROOT

HOLD = "import sys, time; from pathlib import Path; from app.recovery import alive\nwith alive(Path(sys.argv[1]), sys.argv[2]):\n    print('held', flush=True); time.sleep(60)"


def test_a_killed_run_is_left_behind_and_a_living_one_is_not(tmp_path: Path) -> None:
    run_id = str(uuid4())
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), run_id], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert left_behind(tmp_path) == []
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while not left_behind(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [str(found) for found in left_behind(tmp_path)] == [run_id]


def test_a_run_that_ends_or_fails_leaves_nothing(tmp_path: Path) -> None:
    with alive(tmp_path, str(uuid4())):
        assert left_behind(tmp_path) == []
    with pytest.raises(ValueError, match="its own failure"), alive(tmp_path, str(uuid4())):
        raise ValueError("its own failure")
    assert left_behind(tmp_path) == []
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_run_is_alive_from_the_moment_its_process_is_started(tmp_path: Path) -> None:
    run_id = str(uuid4())
    with claimed(tmp_path, run_id):
        assert left_behind(tmp_path) == [], "its process has not begun yet"
        with alive(tmp_path, run_id):
            pass
        assert left_behind(tmp_path) == []
    with claimed(tmp_path, run_id):
        pass
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [], "a process that ended before it began"
    with claimed(tmp_path, run_id):
        working = alive(tmp_path, run_id)
        working.__enter__()
    assert left_behind(tmp_path) == [], "the process holds it, whatever becomes of the worker"
    working.__exit__(None, None, None)


def test_a_worker_that_is_killed_leaves_the_run_it_was_starting_behind(tmp_path: Path) -> None:
    run_id = str(uuid4())
    code = HOLD.replace("alive", "claimed")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), run_id], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    assert left_behind(tmp_path) == [], "the run's process may have outlived its worker"
    (file,) = (p for p in tmp_path.rglob("*") if p.is_file())
    os.utime(file, (0, time.time() - START_S))
    assert [str(found) for found in left_behind(tmp_path)] == [run_id]
