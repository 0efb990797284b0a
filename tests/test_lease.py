"""One model at a time: the file lock under the tag, memory waits, proof of release."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from models.gpu import LeaseError, Memory, device_memory, lease, who_holds
from models.machine import Machine


def hold(home: str, out: str, seconds: float) -> None:
    machine = Machine(home=Path(home))
    with lease(machine, stage="dialogue", model="m", needs_mb=0), Path(out).open("a") as f:
        f.write(f"in {time.monotonic()}\n")
        f.flush()
        time.sleep(seconds)
        f.write(f"out {time.monotonic()}\n")


def test_processes_hold_the_device_one_after_another(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    out = tmp_path / "spans"
    many = [context.Process(target=hold, args=(str(tmp_path), str(out), 0.2)) for _ in range(4)]
    for p in many:
        p.start()
    for p in many:
        p.join()
    words = [line.split()[0] for line in out.read_text().splitlines()]
    assert words == ["in", "out"] * 4
    events = [json.loads(line)["event"] for line in (tmp_path / "locks" / "cpu.log").read_text().splitlines()]
    assert events == ["acquired", "released"] * 4


def test_a_killed_holder_frees_the_device_and_a_waiter_hears_who_holds(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    out = tmp_path / "spans"
    holder = context.Process(target=hold, args=(str(tmp_path), str(out), 60))
    holder.start()
    while not (out.exists() and out.read_text()):
        time.sleep(0.02)
    machine = Machine(home=tmp_path)
    holding = who_holds(machine)
    assert holding is not None
    assert holding["pid"] == holder.pid
    assert holding["model"] == "m"
    said: list[str] = []
    threading.Timer(0.5, lambda: os.kill(holder.pid or 0, signal.SIGKILL)).start()
    with lease(machine, stage="effects", model="n", needs_mb=0, waiting=said.append):
        assert any(f"process {holder.pid}" in sentence for sentence in said)
    holder.join()
    assert who_holds(machine) is None


def test_waiting_for_the_device_ends_with_who_has_it(tmp_path: Path) -> None:
    with (
        lease(Machine(home=tmp_path), stage="dialogue", model="kokoro", needs_mb=0),
        pytest.raises(LeaseError, match=r"held by process .*kokoro.*→"),
        lease(Machine(home=tmp_path, lease_timeout_s=0.3), stage="effects", model="n", needs_mb=0),
    ):
        pass


def stand_in(free_mb: list[float]):
    """A device whose free memory goes through `free_mb`, staying at the last."""

    def probe(_: str) -> Memory:
        return Memory(free_mb.pop(0) if len(free_mb) > 1 else free_mb[0], 24000.0)

    return probe


def test_a_model_waits_until_its_memory_is_free(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path, device="cuda:0")
    said: list[str] = []
    probe = stand_in([3000.0, 8000.0, 8000.0])
    with lease(machine, stage="dialogue", model="m", needs_mb=6000, waiting=said.append, memory=probe):
        pass
    assert said == ["waiting for memory on cuda:0: 3000 of 24000 MB are free, 6000 MB are needed"]


def test_a_crowded_gpu_is_not_loaded_even_if_the_model_would_fit(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path, device="cuda:0", memory_wait_s=0.2)
    with (
        pytest.raises(LeaseError, match="4000 of 24000 MB are free"),  # 83 % used
        lease(machine, stage="dialogue", model="m", needs_mb=100, memory=stand_in([4000.0])),
    ):
        pass


def test_memory_that_does_not_come_back_fails_closed_with_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.gpu.time.sleep", lambda _: None)
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr("models.gpu.time.monotonic", lambda: float(next(clock)))
    machine = Machine(home=tmp_path, device="cuda:0")
    with (
        pytest.raises(LeaseError, match="20000 MB were free before, 15000 MB after"),
        lease(machine, stage="dialogue", model="m", needs_mb=100, memory=stand_in([20000.0, 15000.0])),
    ):
        pass
    assert who_holds(machine) is None


def test_an_error_inside_still_releases(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path)
    with pytest.raises(ZeroDivisionError), lease(machine, stage="s", model="m", needs_mb=0):
        raise ZeroDivisionError
    assert who_holds(machine) is None


def test_the_cpu_has_memory_and_a_missing_gpu_says_what_to_do(tmp_path: Path) -> None:
    memory = device_memory("cpu")
    assert 0 < memory.free_mb <= memory.total_mb
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(LeaseError, match='set device = "cpu"'):
            device_memory("cuda:0")
