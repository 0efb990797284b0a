"""`soundbound serve` for tests and benchmarks: started as a person would, in a folder and home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
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
from tests.waiting import START_S, STOP_S, kill, tails, wait_for

PATIENCE_S = 240.0
SHORT_PATIENCE_S = (
    30.0  # once something was waited for in vain: what is broken shall not cost that much again
)


class Served:
    """One `soundbound serve`; a context manager that leaves no process behind, also when it did not come up."""

    def __init__(self, folder: Path, engine: EngineSettings, *arguments: str, **environment: str) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        write_settings(folder, engine)
        self.command = CommandLine(self.home, **environment)
        self.command.environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        self.arguments = ("serve", "--port", "0", *arguments)
        self.process: subprocess.Popen[str] | None = None
        self._patience_s = PATIENCE_S

    def __enter__(self) -> Served:
        try:
            self.start()
        except BaseException:
            self.kill_everything()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.kill_everything()

    @property
    def logs(self) -> list[Path]:
        ours = (self.home / "prefect" / name for name in ("server.log", "worker.log"))
        return [self.folder / "serve.log", *ours]

    def start(self) -> None:
        with (self.folder / "serve.log").open("a") as log:
            self.process = self.command.start(
                *self.arguments, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wait_for("serve is up", lambda: self.check()["status"] == "completed", START_S)

    def check(self) -> dict[str, Any]:
        return self.command("serve", "--check", "--json", cwd=self.folder, patience_s=60).json

    def wait_for(self, what: str, found: Callable[[], Any], timeout_s: float | None = None) -> Any:
        """As wait_for, with the logs; at once an error when serve has ended by itself."""

        def look() -> Any:
            ended = self.process is not None and self.process.poll() is not None
            assert not ended, f"serve has ended while waiting: {what}\n{tails(self.logs)}"
            return found()

        try:
            return wait_for(what, look, timeout_s or self._patience_s, logs=self.logs)
        except AssertionError:
            self._patience_s = SHORT_PATIENCE_S
            raise

    def stop(self) -> int:
        """Ctrl-C; its exit status. Raises when it does not end."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"serve does not end\n{tails(self.logs)}") from None

    def kill_everything(self) -> None:
        """kill -9 for serve, its server, its worker and the runs, all at once."""
        process, self.process = self.process, None
        kill(self.processes())
        if process is not None:
            process.wait(STOP_S)  # so that it is no zombie
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

    def finished(self, run_id: UUID, timeout_s: float | None = None) -> FlowRun:
        def final() -> FlowRun | None:
            try:
                run = self.run(run_id)
            except Exception:  # the server may be on its way up
                return None
            return run if run.state is not None and run.state.is_final() else None

        return self.wait_for(f"run {run_id} ends", final, timeout_s)

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
