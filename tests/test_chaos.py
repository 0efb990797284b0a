"""Chaos, the small one: renders' stages in processes of their own on one device, with everything going wrong at once.

The large one goes through Prefect, with eight whole renders: benchmarks/chaos. Here are the lease, the model process
and the stage loop, which are what keeps two models apart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from models.takes import TakeStore
from tests.chaos import Life, lives, overlaps, waits
from tests.conftest import ROOT

STAGE = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    from models.base import SpeechRequest
    from models.generate import generate
    from models.gpu import lease, note_asked
    from models.machine import Machine
    from models.process import EngineSpec
    from models.takes import TakeStore, take_key

    folder, name, faults = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    settings = {"witness": str(folder / "witness"), "marks": str(folder / "marks"), "seconds": 0.02}
    spec = EngineSpec(name="chaos", kind="speech", engine="tests.chaos_engine:Chaos", settings=settings,
                      version="1")
    spec.settings["version"] = "1"
    machine = Machine(home=folder / "home", take_timeout_s=1.0)
    texts = [f"This is line {i} of the render {name}." for i in range(6)]
    texts = [t + " " + f for t, f in zip(texts, faults + [""] * len(texts))]
    wanted = [SpeechRequest(f"{name}-{i}", t, {}, "en", seed=i) for i, t in enumerate(texts)]
    note_asked(machine, "cpu", name)
    with lease(machine, stage=name, model="chaos", needs_mb=0) as held:
        missing = generate(spec, [(take_key("chaos", "1", r), r) for r in wanted], TakeStore(machine.takes_dir),
                           machine, held, expected_s=lambda _: 0.0, log=lambda line: print(line, file=sys.stderr))
    print(json.dumps({m.id: m.reason for m in missing}))
    """
)
FAULTS = {
    "calm": [],
    "segfault": ["[segfault]"],
    "hang": ["[hang]"],
    "memory": ["[oom]"],
    "exit": ["[exit]"],
    "hopeless": ["[always segfault]"],
    "killed": [],
    "stopped": [],
}


def test_no_two_models_ever_live_at_once_and_every_stage_ends_honestly(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STAGE, str(tmp_path), name, *FAULTS[name]]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )

    running = {name: start(name) for name in FAULTS}
    killed_s, deaths = 0.0, dict[int, float]()
    strike = {"killed", "stopped"}
    log, deadline = tmp_path / "home" / "locks" / "cpu.log", time.monotonic() + 100
    while strike and time.monotonic() < deadline:
        time.sleep(0.02)
        started = [json.loads(x) for x in log.read_text().splitlines()] if log.exists() else []
        for event in started:
            if event["event"] == "model started" and event["stage"] in strike:
                strike.remove(event["stage"])
                victim = running[event["stage"]]
                if event["stage"] == "killed":
                    os.kill(victim.pid, signal.SIGKILL)
                    victim.communicate()
                    deaths[victim.pid], killed_s = time.time(), time.monotonic()
                    running["killed"] = start("killed")
                else:
                    victim.send_signal(signal.SIGSTOP)
                    time.sleep(1.5)  # longer than a take's time limit: nobody is to blame when it wakes
                    victim.send_signal(signal.SIGCONT)
    answers = {name: process.communicate(timeout=100) for name, process in running.items()}

    for name, (out, err) in answers.items():
        gone = json.loads(out) if out else err
        assert gone == (
            {"hopeless-0": "the engine's process ended (status -11)"} if name == "hopeless" else {}
        )
    found = lives(tmp_path / "witness")
    assert len(found) >= len(FAULTS) + 4, "each fault cost a process"
    assert not overlaps(found)
    assert killed_s
    assert all(life.signs > 2 for life in found)
    store = TakeStore(tmp_path / "home" / "takes")
    assert len(list(store.root.rglob("[!.]*.json"))) == 6 * len(FAULTS) - 1
    for wait in waits(log, deaths):
        assert wait.in_vain_s < 20, "no timing test: the bound is far above what a busy machine needs"


def test_an_overlap_would_be_seen() -> None:
    a, b, c = (Life(i, *span, 9, ()) for i, span in enumerate([(0.0, 2.0), (1.9, 3.0), (3.1, 4.0)]))
    assert overlaps([a, b, c]) == [(a, b)]
