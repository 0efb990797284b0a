"""Chaos: eight renders on two Prefect tags in eight processes, on one device, with everything going wrong.

Injected: the model's process killed and segfaulting, a hang, out-of-memory, a render killed (and started again, as a
person would), a render stopped for longer than Prefect's lease, the Prefect server killed. Judged
from what the model processes themselves wrote down every 10 ms (tests/chaos.py).

    python -m benchmarks.chaos.run          # about five minutes; writes benchmarks/chaos/result.json
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.server import prefect_server
from tests.chaos import lives, overlaps, waits

ROOT = Path(__file__).resolve().parents[2]
RESULT = Path(__file__).with_name("result.json")
STOPPED_S = 75.0  # Prefect's lease on a tag's slot is 60 s, looked at every 5 s
GIVE_UP_S = 900.0
LINES = 10

# name → (what is written into its lines, what is done to it from outside)
RENDERS = {
    "undisturbed": ([], ""),
    "segfault": (["[segfault]"], ""),
    "hang": (["[hang]"], ""),
    "out of memory": (["[oom]", "[oom]"], ""),
    "model killed": ([], "kill model"),
    "render killed": ([], "kill render"),
    "render stopped": ([], "stop render"),
    "hopeless line": (["[always segfault]"], ""),
}


@dataclass
class Render:
    name: str
    tag: str
    command: list[str]
    environment: dict[str, str]
    injure: str
    process: subprocess.Popen[str] | None = None
    pids: list[int] = field(default_factory=list)
    deaths: dict[int, float] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pids.append(self.process.pid)

    def run(self) -> None:
        began = time.monotonic()
        while True:
            self.start()
            assert self.process is not None
            out, err = self.process.communicate()
            if self.process.returncode != -signal.SIGKILL:
                break
        self.seconds = round(time.monotonic() - began, 1)
        try:
            self.answer = json.loads(out)
        except ValueError:
            self.answer = {"status": "no answer", "error": err[-500:]}


def novel(name: str, faults: list[str]) -> dict[str, Any]:
    lines = [f"This is line number {i} of the render called {name}." for i in range(LINES)]
    for i, fault in enumerate(faults):
        lines[3 + 2 * i] += f" {fault}"
    segments = [{"speaker": "n", "content": line} for line in lines]
    people = [{"id": "n", "name": "N", "role": "narrator"}]
    return {"title": name, "language": "en", "characters": people, "chapters": [{"segments": segments}]}


def settings(folder: Path) -> str:
    return f"""
take_timeout_s = 5
[engines.chaos]
kind = "speech"
engine = "{ROOT / "tests" / "chaos_engine.py"}:Chaos"
languages = ["en"]
voices = "{ROOT / "tests" / "voices_tone.json"}"
[engines.chaos.options]
witness = "{folder / "witness"}"
marks = "{folder / "marks"}"
seconds = 0.1
load_s = 0.5
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="soundbound-chaos-") as name:
        folder = Path(name)
        (folder / "marks").mkdir()
        (folder / "home").mkdir()
        (folder / "home" / "soundbound.toml").write_text(settings(folder))
        with prefect_server(folder / "home") as url:
            report = _run(folder, url)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({k: v for k, v in report.items() if k != "renders"}, indent=1))
    return 0 if report["held"] else 1


def _run(folder: Path, url: str) -> dict[str, Any]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SOUNDBOUND_"))}
    renders = []
    for i, (name, (faults, injure)) in enumerate(RENDERS.items()):
        path = folder / f"{i}.json"
        path.write_text(json.dumps(novel(name, faults)))
        command = [sys.executable, "-m", "app.cli", "render", str(path), "-o", str(folder / "out")]
        command += ["--speech", "chaos", "--seed", str(i), "--json"]
        tag = f"chaos-{i % 2}"
        environment = {
            **kept,
            "SOUNDBOUND_HOME": str(folder / "home"),
            "SOUNDBOUND_GPU_TAG": tag,
        }
        renders.append(Render(name, tag, command, environment, injure))
    began = time.monotonic()
    over = threading.Event()
    injuries: list[str] = []
    doctor = threading.Thread(target=_injure, args=(folder, renders, over, injuries))
    threads = [threading.Thread(target=r.run) for r in renders]
    for t in (*threads, doctor):
        t.start()
    for t in threads:
        t.join(GIVE_UP_S)
    over.set()
    doctor.join()
    return _judge(folder, renders, url, injuries, time.monotonic() - began)


def _injure(folder: Path, renders: list[Render], over: threading.Event, done: list[str]) -> None:
    """Follow the lease log and strike when the victim has the device."""
    log, seen, struck, acquired = folder / "home" / "locks" / "cpu.log", 0, set[str](), 0
    stopped: list[threading.Thread] = []
    while not over.is_set():
        time.sleep(0.05)
        if not log.exists():
            continue
        lines = log.read_text().splitlines()
        for line in lines[seen:]:
            event = json.loads(line)
            if event["event"] == "acquired":
                acquired += 1
                if acquired == 4:
                    done.append("server killed")
                    state = json.loads((folder / "home" / "prefect" / "server.json").read_text())
                    os.kill(
                        state["pid"], signal.SIGKILL
                    )  # whoever of the renders sees it first brings it back
            if event["event"] != "model started" or event["stage"] != "dialogue":
                continue
            victim = next((r for r in renders if event["pid"] in r.pids), None)
            if victim is None or not victim.injure or victim.name in struck:
                continue
            struck.add(victim.name)
            done.append(victim.injure)
            time.sleep(0.15)
            if victim.injure == "kill model":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(event["model_pid"], signal.SIGKILL)
            elif victim.injure == "kill render":
                victim.deaths[event["pid"]] = time.time()
                os.kill(event["pid"], signal.SIGKILL)
            else:
                os.kill(event["pid"], signal.SIGSTOP)
                wake = threading.Timer(STOPPED_S, os.kill, (event["pid"], signal.SIGCONT))
                wake.start()
                stopped.append(wake)
        seen = len(lines)
    for wake in stopped:
        wake.join()


def _judge(
    folder: Path, renders: list[Render], url: str, injuries: list[str], seconds: float
) -> dict[str, Any]:
    all_lives = lives(folder / "witness")
    pairs = overlaps(all_lives)
    deaths = {pid: t for r in renders for pid, t in r.deaths.items()}
    all_waits = waits(folder / "home" / "locks" / "cpu.log", deaths)
    slots = {tag: _slots(url, tag) for tag in ("chaos-0", "chaos-1")}
    ended = {r.name: r.answer.get("status") for r in renders}
    wanted = {name: "degraded" if name == "hopeless line" else "completed" for name in RENDERS}
    in_vain_s = max((w.in_vain_s for w in all_waits), default=0.0)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "held": ended == wanted and not pairs and not any(slots.values()) and in_vain_s <= 90,
        "seconds": round(seconds),
        "injuries": injuries,
        "model_processes": len(all_lives),
        "signs_of_life": sum(life.signs for life in all_lives),
        "faults_inside": sorted(f for life in all_lives for f in life.faults),
        "two_at_once": [[a.pid, b.pid] for a, b in pairs],
        "slots_leaked": slots,
        "waits": len(all_waits),
        "longest_wait_s": max((w.waited_s for w in all_waits), default=0.0),
        "longest_wait_while_the_device_was_free_s": round(in_vain_s, 1),
        "ended": ended,
        "renders": [
            {
                "name": r.name,
                "tag": r.tag,
                "seconds": r.seconds,
                "processes": len(r.pids),
                "status": r.answer.get("status"),
                "takes": r.answer.get("takes_generated"),
                "missing": [f"{m['id']}: {m['reason']}" for m in r.answer.get("missing", [])],
                "error": r.answer.get("error", "") or [c.get("error") for c in r.answer.get("chapters", [])],
            }
            for r in renders
        ],
    }


def _slots(url: str, tag: str) -> int:
    import httpx

    for _ in range(20):
        active = httpx.get(f"{url}/v2/concurrency_limits/tag:{tag}", timeout=10).json()["active_slots"]
        if active == 0:
            return 0
        time.sleep(0.5)
    return active


if __name__ == "__main__":
    sys.exit(main())
