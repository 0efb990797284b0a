"""What a stage costs on top of the model: its start and each take.

    python -m benchmarks.gpu.overhead         # prints and writes benchmarks/gpu/overhead.json

Start: from asking for the lease to the first request, minus the time the engine itself takes to load (measured in a
process of its own, imports included in the engine's share where they are its own). Take: a stage of many takes, whole,
minus what the engine computes; judging, FLAC and fsync are in it. CPU seconds (user + sys, parent and child) beside
wall seconds, since the machine may be shared.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from models import catalog
from models.base import SpeechRequest
from models.batching import Request
from models.generate import generate
from models.gpu import lease
from models.machine import Machine
from models.process import EngineSpec, ModelProcess
from models.takes import TakeStore, take_key
from tests import conformance

RESULT = Path(__file__).with_name("overhead.json")
ROOT = Path(__file__).resolve().parents[2]
TAKES = 300
ALONE = """
import json, resource, sys, time
spec = json.load(sys.stdin)
began = time.perf_counter()
from models.worker import load_engine
load_engine(spec["engine"])(spec["settings"], spec["device"])
print(time.perf_counter() - began, file=sys.stderr)
"""


def cpu_s() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in both)


def start(name: str, machine: Machine, folder: Path) -> dict[str, float]:
    spec = conformance.case(name, machine).spec
    alone = subprocess.run(
        [sys.executable, "-c", ALONE],
        input=spec.model_dump_json(include={"engine", "settings", "device"}),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    own_s = float(alone.stderr.strip().splitlines()[-1])
    began = time.perf_counter()
    with lease(machine, stage="s", model=name, needs_mb=0) as held:
        asked_s = time.perf_counter() - began
        with ModelProcess(spec, folder, lambda _: None, keep_fds=held.keep_fds):
            ready_s = time.perf_counter() - began
    whole_s = time.perf_counter() - began
    return {
        "engine_loads_s": round(own_s, 2),
        "until_ready_s": round(ready_s, 2),
        "start_overhead_s": round(ready_s - own_s, 2),
        "lease_s": round(asked_s, 4),
        "end_s": round(whole_s - ready_s, 3),
    }


def per_take(machine: Machine, delay_s: float) -> dict[str, Any]:
    """A stage of an engine that does next to nothing, or that waits `delay_s` as a GPU model would."""
    settings = {"expect_version": "1", "delay_s": delay_s}
    engine = f"{ROOT / 'tests' / 'engines.py'}:Single"
    spec = EngineSpec(name="tone", kind="speech", engine=engine, settings=settings, version="1")
    lines: list[Request] = [
        SpeechRequest(f"s{i}", f"This is a line of the chapter, {i}.", {}, "en", seed=i) for i in range(TAKES)
    ]
    wanted = [(take_key("tone", "1", r), r) for r in lines]
    store = TakeStore(machine.takes_dir)
    stamps: list[float] = []
    cpu_before = cpu_s()
    with lease(machine, stage="s", model="tone", needs_mb=0) as held:
        generate(
            spec,
            wanted,
            store,
            machine,
            held,
            expected_s=lambda _: 2.0,
            on_take=lambda _: stamps.append(time.perf_counter()),
        )
    # The first takes are the start's; from then on it is a steady flow.
    steady_s = (stamps[-1] - stamps[20]) / (len(stamps) - 21)
    return {
        "takes": TAKES,
        "engine_ms": 1000 * delay_s,
        "take_ms": round(1000 * steady_s, 2),
        "overhead_ms": round(1000 * (steady_s - delay_s), 2),
        "cpu_ms": round(1000 * (cpu_s() - cpu_before) / TAKES, 2),
    }


def main() -> None:
    report: dict[str, Any] = {"load_average": os.getloadavg()[0], "start": {}, "take": []}
    with tempfile.TemporaryDirectory() as t:
        home = Machine(home=conformance_home())
        for name in ("hibari", "kokoro", "procedural", "tone"):
            machine = conformance.machine_for(name, home, Path(t))
            if catalog.lacking(catalog.entries(machine)[name], machine):
                continue
            report["start"][name] = start(name, machine, Path(t))
            print(name, report["start"][name], flush=True)
        for delay_s in (0.0, 0.02, 0.1):
            report["take"].append(per_take(Machine(home=Path(t) / f"d{delay_s}"), delay_s))
            print(report["take"][-1], flush=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


def conformance_home() -> Path:
    from tests.ears import models_dir

    return models_dir().parent


if __name__ == "__main__":
    main()
