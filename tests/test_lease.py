"""One model at a time: the file lock under the tag, memory waits, proof of release."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from models.devices import DeviceError, Memory, OnCard, device_memory, visible_index
from models.gpu import LeaseError, Probe, lease, who_holds
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


def stand_in(free_mb: list[float], processes: list[OnCard] | None = None) -> Probe:
    """A 24 GB card whose free memory goes through `free_mb`, staying at the last."""

    def memory(_: str) -> Memory:
        return Memory(free_mb.pop(0) if len(free_mb) > 1 else free_mb[0], 24000.0)

    return Probe(memory, lambda _: processes or [], lambda _: True, lambda device: device.replace(":", "-"))


def gpu(folder: Path, **more: Any) -> Machine:
    return Machine(home=folder, locks=folder / "locks", device="cuda:0", **more)


def test_a_model_waits_until_its_memory_is_free_and_hears_who_has_it(tmp_path: Path) -> None:
    said: list[str] = []
    probe = stand_in([3000.0, 8000.0, 8000.0], [OnCard(4711, "python game.py", 5200.0)])
    with lease(
        gpu(tmp_path), stage="dialogue", model="m", needs_mb=6000, waiting=said.append, probe=probe
    ) as held:
        assert held.free_mb == 8000
    assert said == [
        "waiting for memory on cuda:0: 3000 of 24000 MB are free, 6000 MB are needed and at most 80% may be in use"
        "; in use by python game.py (process 4711, 5200 MB)"
    ]


def test_a_crowded_gpu_is_not_loaded_even_if_the_model_would_fit(tmp_path: Path) -> None:
    with (
        pytest.raises(LeaseError, match="4000 of 24000 MB are free"),  # 83 % used
        lease(gpu(tmp_path, memory_wait_s=0.2), stage="s", model="m", needs_mb=100, probe=stand_in([4000.0])),
    ):
        pass


def test_a_model_larger_than_the_card_is_refused_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(LeaseError, match=r"has 24000 MB in all, m needs 30000 MB.*smaller"),
        lease(gpu(tmp_path), stage="s", model="m", needs_mb=30000, probe=stand_in([24000.0])),
    ):
        pass


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.gpu.time.sleep", lambda _: None)
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr("models.gpu.time.monotonic", lambda: float(next(clock)))


@pytest.mark.usefixtures("fast_clock")
def test_memory_that_does_not_come_back_fails_closed_with_the_figures(tmp_path: Path) -> None:
    machine, probe = gpu(tmp_path), stand_in([20000.0, 15000.0])
    with (
        pytest.raises(LeaseError, match="20000 MB were free before, 15000 MB after"),
        lease(machine, stage="dialogue", model="m", needs_mb=100, probe=probe),
    ):
        pass
    assert "not released" in (tmp_path / "locks" / "cuda-0.log").read_text()


@pytest.mark.usefixtures("fast_clock")
def test_what_a_newcomer_takes_meanwhile_is_not_held_against_the_model(tmp_path: Path) -> None:
    there: list[OnCard] = []
    probe = stand_in([20000.0, 15000.0], there)
    probe = Probe(probe.memory, lambda _: list(there), probe.is_quick, probe.identity)
    with lease(gpu(tmp_path), stage="dialogue", model="m", needs_mb=100, probe=probe):
        there.append(OnCard(4711, "game", 5000.0))
    assert '"released"' in (tmp_path / "locks" / "cuda-0.log").read_text()


def test_two_homes_on_one_host_share_a_gpus_lock(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    a = Machine(home=tmp_path / "a", locks=locks, device="cuda:0")
    b = Machine(home=tmp_path / "b", locks=locks, device="cuda:0", lease_timeout_s=0.2)
    probe = stand_in([20000.0])
    with (
        lease(a, stage="dialogue", model="m", needs_mb=0, probe=probe),
        pytest.raises(LeaseError, match="was not free"),
        lease(b, stage="dialogue", model="m", needs_mb=0, probe=probe),
    ):
        pass
    by_default = Machine(device="cuda:0").device_lock_dir("cuda:0")
    assert by_default == Machine(home=tmp_path, device="cuda:1").device_lock_dir("cuda:1")
    assert Machine(home=tmp_path).device_lock_dir("cpu") == tmp_path / "locks"


def test_the_device_stays_taken_until_the_models_process_is_gone_too(tmp_path: Path) -> None:
    """The holder is killed while its model's process cannot die yet: nobody may load a model on top of it."""
    script = textwrap.dedent(f"""
        import os, signal, subprocess
        from pathlib import Path
        from models.gpu import lease
        from models.machine import Machine
        with lease(Machine(home=Path({str(tmp_path)!r})), stage="s", model="m", needs_mb=0) as held:
            child = subprocess.Popen(["sleep", "60"], pass_fds=held.keep_fds, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            print(child.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    child, machine = int(done.stdout), Machine(home=tmp_path, lease_timeout_s=0.3)
    try:
        with (
            pytest.raises(LeaseError, match="which is gone; its model's process is still ending"),
            lease(machine, stage="s", model="n", needs_mb=0),
        ):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
    with lease(Machine(home=tmp_path), stage="s", model="n", needs_mb=0):
        pass


@pytest.mark.parametrize(
    ("device", "visible", "expected"),
    [
        ("cuda:1", None, 1),
        ("cuda:0", "3,1", 3),
        ("cuda:1", "3,1", 1),
        ("cuda:0", "GPU-8f1b", "GPU-8f1b"),
        ("cuda:0", "", 0),
    ],
)
def test_the_card_is_found_whatever_the_numbering(
    device: str, visible: str | None, expected: int | str
) -> None:
    assert visible_index(device, visible) == expected


def test_a_card_that_is_not_visible_is_said_so() -> None:
    with pytest.raises(DeviceError, match=r"cuda:2 is not visible: CUDA_VISIBLE_DEVICES is '0,1'"):
        visible_index("cuda:2", "0,1")


def test_the_tag_is_per_host_and_device_if_wanted() -> None:
    assert Machine(gpu_tag="gpu:{host}:{index}", device="cuda:1").tag == f"gpu:{socket.gethostname()}:1"
    assert Machine().tag == "gpu"
    with pytest.raises(ValueError, match="may hold"):
        Machine(gpu_tag="gpu:{card}")


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
        with pytest.raises(DeviceError, match='set device = "cpu"'):
            device_memory("cuda:0")
