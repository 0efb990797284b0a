"""`soundbound serve` for tests and benchmarks: started as a person would, in a folder and home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from models.machine import EngineSettings
from tests.books import write_settings
from tests.conftest import CommandLine

PATIENCE_S = 240.0


def wait_for(what: str, found: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.3)
    raise AssertionError(f"not within {timeout_s:.0f} s: {what}")


class Served:
    """One `soundbound serve`; a context manager that leaves no process behind."""

    def __init__(self, folder: Path, engine: EngineSettings, *arguments: str, **environment: str) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        write_settings(folder, engine)
        self.command = CommandLine(self.home, **environment)
        self.command.environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        self.arguments = ("serve", "--port", "0", *arguments)
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for process in self.processes():
            process.kill()

    def start(self) -> None:
        log = (self.folder / "serve.log").open("a")
        self.process = self.command.start(
            *self.arguments, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        wait_for(f"serve is up, see {self.folder}/serve.log", lambda: self.check()["status"] == "completed")

    def check(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "serve.log").read_text()
        return self.command("serve", "--check", "--json", cwd=self.folder).json

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill_everything(self) -> None:
        """kill -9 for serve, its server, its worker and the runs, all at once."""
        for process in self.processes():
            process.kill()
        wait_for("everything is dead", lambda: not self.processes(), 20)

    def processes(self) -> list[psutil.Process]:
        """Everything that works for this home and is alive."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("SOUNDBOUND_HOME") == str(self.home)
                if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def named(self, words: str) -> list[psutil.Process]:
        """Those with `words` in their command line."""
        found = []
        for process in self.processes():
            try:
                if words in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    @property
    def prefect_url(self) -> str:
        return json.loads((self.home / "prefect" / "server.json").read_text())["url"]

    @property
    def web_url(self) -> str:
        return json.loads((self.home / "prefect" / "serve.json").read_text())["web"]

    def ask(self, deployment: str, **parameters: Any) -> UUID:
        """Start a run as the form in Prefect's UI does."""
        with self.client() as client:
            found = client.read_deployment_by_name(f"{deployment}/{deployment}")
            return client.create_flow_run_from_deployment(found.id, parameters=parameters).id

    def run(self, run_id: UUID) -> FlowRun:
        with self.client() as client:
            return client.read_flow_run(run_id)

    def finished(self, run_id: UUID, timeout_s: float = PATIENCE_S) -> FlowRun:
        def final() -> FlowRun | None:
            try:
                run = self.run(run_id)
            except Exception:  # the server may be on its way up
                return None
            return run if run.state is not None and run.state.is_final() else None

        return wait_for(f"run {run_id} ends, see {self.folder}", final, timeout_s)

    def client(self) -> _Client:
        return _Client(self.prefect_url)


class _Client:
    """A client of that server, whatever this process is pointed at."""

    def __init__(self, url: str) -> None:
        self._settings = temporary_settings({PREFECT_API_URL: url})

    def __enter__(self) -> SyncPrefectClient:
        self._settings.__enter__()
        self._client = get_client(sync_client=True)
        return self._client.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._client.__exit__(*error)
        self._settings.__exit__(*error)
