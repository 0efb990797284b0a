"""Runs left behind: the dead are told from the living by a lock the kernel frees."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from app.recovery import CLAIMED, START_S, alive, claimed_in_vain, left_behind
from tests.conftest import ROOT

HOLD = """
import sys, time
from pathlib import Path
from app import recovery
with getattr(recovery, sys.argv[1])(Path(sys.argv[2]), sys.argv[3]):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(kind: str, home: Path, run_id: str) -> subprocess.Popen[str]:
    """A process that holds a run's lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, kind, str(home), run_id], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_run_is_left_behind_and_a_living_one_is_not(tmp_path: Path) -> None:
    run_id = str(uuid4())
    process = holding("alive", tmp_path, run_id)
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


def test_a_run_whose_worker_was_killed_before_it_began_is_found(tmp_path: Path) -> None:
    run_id = str(uuid4())
    worker = holding("claimed", tmp_path, run_id)
    [sign] = tmp_path.rglob(f"*{CLAIMED}")
    long_ago = time.time() - START_S - 1
    os.utime(sign, (long_ago, long_ago))
    assert claimed_in_vain(tmp_path) == [], "its worker lives"
    worker.kill()
    worker.wait()
    assert [str(found) for found in claimed_in_vain(tmp_path)] == [run_id]
    os.utime(sign)
    assert claimed_in_vain(tmp_path) == [], "its process may still be on its way up"
    with alive(tmp_path, run_id):
        os.utime(sign, (long_ago, long_ago))
        assert claimed_in_vain(tmp_path) == [], "it came up without its worker"
        assert left_behind(tmp_path) == []
    assert not sign.exists()
