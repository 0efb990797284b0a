"""What a stage costs on top of the model: its start and each take.

    python -m benchmarks.gpu.overhead         # prints and writes benchmarks/gpu/overhead.json

Start: loading the engine as a stage does it (lease, process, protocol) against loading it in a bare interpreter. Take:
the difference between a long and a short stage, less what the engine itself does; judging, FLAC and fsync are in it,
which run beside the model. Idle: how long the model itself waits between two takes.
CPU seconds (user + sys, parent and child) beside wall seconds, since the machine may be shared.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
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
from tests.engines import tone

RESULT = Path(__file__).with_name("overhead.json")
ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3
FEW, TAKES = 20, 200
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
    """The best of a few, in CPU and wall seconds: loading in a bare interpreter, and as a stage does it."""
    spec = conformance.case(name, machine).spec
    alone, staged = [], []
    for _ in range(REPEATS):
        cpu, wall = cpu_s(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", ALONE],
            input=spec.model_dump_json(include={"engine", "settings", "device"}),
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        alone.append((cpu_s() - cpu, time.perf_counter() - wall))
        cpu, wall = cpu_s(), time.perf_counter()
        with (
            lease(machine, stage="s", model=name, needs_mb=0) as held,
            ModelProcess(spec, folder, lambda _: None, keep_fds=held.keep_fds),
        ):
            ready_s = time.perf_counter() - wall
        staged.append((cpu_s() - cpu, ready_s))
    best = [min(column) for column in (*zip(*alone, strict=True), *zip(*staged, strict=True))]
    return {
        "alone_cpu_s": round(best[0], 2),
        "alone_wall_s": round(best[1], 2),
        "stage_cpu_s": round(best[2], 2),
        "stage_wall_s": round(best[3], 2),
        "overhead_cpu_s": round(best[2] - best[0], 2),
        "overhead_wall_s": round(best[3] - best[1], 2),
    }


def stage(machine: Machine, takes: int, delay_s: float) -> tuple[float, float]:
    """(CPU, wall) seconds of a stage of one engine that waits `delay_s` a take, as a GPU model would."""
    engine = f"{ROOT / 'tests' / 'engines.py'}:Single"
    settings = {"expect_version": "1", "delay_s": delay_s}
    spec = EngineSpec(name="tone", kind="speech", engine=engine, settings=settings, version="1")
    lines = requests(takes)
    wanted = [(take_key("tone", "1", r), r) for r in lines]
    store = TakeStore(machine.takes_dir)
    cpu, wall = cpu_s(), time.perf_counter()
    with lease(machine, stage="s", model="tone", needs_mb=0) as held:
        generate(spec, wanted, store, machine, held, expected_s=lambda _: 2.0)
    return cpu_s() - cpu, time.perf_counter() - wall


def requests(takes: int) -> list[Request]:
    return [
        SpeechRequest(f"s{i}", f"This is a line of the chapter, {i}.", {}, "en", seed=i) for i in range(takes)
    ]


def per_take(folder: Path, delay_s: float) -> dict[str, Any]:
    """A take's share: the difference between a long and a short stage, less what the engine itself does."""
    few, many = (
        stage(Machine(home=folder / "few"), FEW, delay_s),
        stage(Machine(home=folder / "many"), FEW + TAKES, delay_s),
    )
    cpu, wall = time.process_time(), time.perf_counter()
    for request in requests(FEW):
        tone(request)  # pyright: ignore[reportArgumentType]
    own_cpu, own_wall = (time.process_time() - cpu) / FEW, (time.perf_counter() - wall) / FEW
    take_cpu, take_wall = ((b - a) / TAKES for a, b in zip(few, many, strict=True))
    return {
        "engine_waits_ms": 1000 * delay_s,
        "take_cpu_ms": round(1000 * take_cpu, 2),
        "engine_cpu_ms": round(1000 * own_cpu, 2),
        "overhead_cpu_ms": round(1000 * (take_cpu - own_cpu), 2),
        "take_wall_ms": round(1000 * take_wall, 2),
        "overhead_wall_ms": round(1000 * (take_wall - own_wall - delay_s), 2),
    }


def idle(folder: Path) -> dict[str, float]:
    """How long a model that takes 20 ms a take stands idle between two takes."""
    folder.mkdir()
    settings = {"card": str(folder / "card"), "card_mb": 1e5, "size_mb": 1.0, "work_mb": [1.0, 2.0]}
    settings |= {"load_s": 0.0, "take_s": 0.02, "seed": 0, "version": "1", "stamps": str(folder / "stamps")}
    spec = EngineSpec(
        name="m", kind="speech", engine="benchmarks.gpu.card:Stamped", settings=settings, version="1"
    )
    machine, lines = Machine(home=folder), requests(TAKES)
    wanted = [(take_key("m", "1", r), r) for r in lines]
    with lease(machine, stage="s", model="m", needs_mb=0) as held:
        generate(spec, wanted, TakeStore(machine.takes_dir), machine, held, expected_s=lambda _: 2.0)
    stamps = [tuple(map(float, x.split())) for x in (folder / "stamps").read_text().splitlines()]
    gaps = sorted(1000 * (b[0] - a[1]) for a, b in pairwise(stamps))
    return {
        "takes": len(stamps),
        "idle_median_ms": round(gaps[len(gaps) // 2], 2),
        "idle_mean_ms": round(sum(gaps) / len(gaps), 2),
        "idle_95_percent_ms": round(gaps[int(0.95 * len(gaps))], 2),
    }


def main() -> None:
    report: dict[str, Any] = {"load_average": os.getloadavg()[0], "start": {}, "take": []}
    with tempfile.TemporaryDirectory() as t:
        home = Machine(home=conformance_home())
        for name in ("tone", "hibari", "procedural", "kokoro"):
            machine = conformance.machine_for(name, home, Path(t))
            if catalog.lacking(catalog.entries(machine)[name], machine):
                continue
            report["start"][name] = start(name, machine, Path(t))
            print(name, report["start"][name], flush=True)
        for delay_s in (0.0, 0.1):
            report["take"].append(per_take(Path(t) / f"d{delay_s}", delay_s))
            print(report["take"][-1], flush=True)
        report["idle"] = idle(Path(t) / "idle")
        print(report["idle"], flush=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


def conformance_home() -> Path:
    from tests.ears import models_dir

    return models_dir().parent


if __name__ == "__main__":
    main()
