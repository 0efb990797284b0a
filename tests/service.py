"""`soundbound serve` as a person starts it: what API and page tests talk to."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.conftest import ROOT
from tests.waiting import START_S, STOP_S, family, kill, tails, wait_for

ENDED = {"completed", "degraded", "failed", "cancelled"}


@dataclass
class Service:
    """A running service, and a client for its API."""

    url: str
    home: Path
    pid: int
    client: httpx.Client

    def start(self, novel: Any, **more: Any) -> str:
        """Order a render with the draft voice; the task's id."""
        answer = self.client.post(
            "/api/v1/audio-generation/sequential",
            json={"novel_data": novel, "options": {"speech": "hibari"}, **more},
        )
        assert answer.status_code == 202, answer.text
        return answer.json()["data"]["task_id"]

    def get(self, path: str, **more: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ended(self, task_id: str, within_s: float = 240) -> list[dict[str, Any]]:
        """Watch a task to its end; every progress that was seen."""
        seen, deadline = [], time.monotonic() + within_s
        while time.monotonic() < deadline:
            seen.append(self.get(f"/tasks/{task_id}/progress"))
            if seen[-1]["status"] in ENDED:
                return seen
            time.sleep(0.3)
        raise AssertionError(f"not ended within {within_s} s: {seen[-1]}")


@contextlib.contextmanager
def serving(home: Path, arguments: Sequence[str] = (), **environment: str) -> Iterator[Service]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SOUNDBOUND_"))}
    log = home / "serve-test.log"
    with log.open("w") as f:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *arguments],
            cwd=ROOT,
            env={**kept, "SOUNDBOUND_HOME": str(home), **environment},
            stdout=f,
            stderr=f,
        )
    url = f"http://127.0.0.1:{port}"
    logs = [log, *(home / "prefect" / name for name in ("server.log", "worker.log"))]
    try:
        with httpx.Client(base_url=url, timeout=60) as client:

            def up() -> bool:
                assert process.poll() is None, f"serve has ended\n{tails(logs)}"
                with contextlib.suppress(httpx.HTTPError):
                    return client.get("/api/v1/health", timeout=5).status_code == 200
                return False

            wait_for("serve is up", up, START_S, logs=logs)
            yield Service(url, home, process.pid, client)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """In order, and if that does not work by force: nothing of it stays, but for the session's Prefect server."""
    ours = [p for p in family(process.pid) if not _is_server(p)]
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    kill(ours)
    process.wait()


def _is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "app.server_process" in process.cmdline()
    return False
