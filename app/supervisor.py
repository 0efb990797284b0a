"""Keeps what `soundbound serve` started up: the local Prefect server and the worker, started again when they die."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.server import healthy, revive
from app.settings import Settings
from app.worker import environment

LOOK_EVERY_S = 1.0
STOP_PATIENCE_S = 20.0
AGAIN_AFTER_S = (1.0, 2.0, 5.0, 15.0, 60.0)  # a worker that dies at once is not started in a tight loop


class Supervisor:
    """One worker process, and a watch on it and on the server. `start`, then `stop`; both may be called once."""

    def __init__(
        self, settings: Settings, url: str, folder: Path, *, worker: bool, tell: Callable[[str], None]
    ) -> None:
        self._settings, self._url, self._folder, self._tell = settings, url, folder, tell
        self._wants_worker = worker
        self._worker: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        if self._wants_worker:
            self._start_worker()
        self._thread.start()

    def stop(self) -> None:
        """End the worker and its runs; they are queued again at the next start."""
        self._stopping.set()
        self._thread.join()
        if self._worker is not None:
            _end(self._worker)

    @property
    def worker_pid(self) -> int | None:
        return self._worker.pid if self._worker is not None and self._worker.poll() is None else None

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._stopping.wait(LOOK_EVERY_S):
            if self._settings.prefect_api_url is None:
                with self._telling_errors():
                    revive(self._settings.home, self._url, self._tell)
            if self._wants_worker and self.worker_pid is None:
                if time.monotonic() - started > AGAIN_AFTER_S[-1]:
                    self._deaths = 0
                wait_s = AGAIN_AFTER_S[min(self._deaths, len(AGAIN_AFTER_S) - 1)]
                self._deaths += 1
                self._tell(f"the worker has ended; starting it again in {wait_s:.0f} s")
                if self._stopping.wait(wait_s):
                    return
                if healthy(self._url):
                    self._start_worker()
                    started = time.monotonic()

    @contextlib.contextmanager
    def _telling_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as e:  # the watch must go on; the next look tries again
            self._tell(str(e))

    def _start_worker(self) -> None:
        log = self._settings.home / "prefect" / "worker.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as f:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "app.worker", json.dumps({"folder": str(self._folder)})],
                stdin=subprocess.PIPE,  # closes with this process, and the worker ends
                stdout=f,
                stderr=f,
                env=environment(self._settings, self._folder, self._url),
                cwd=Path(__file__).resolve().parent.parent,
                start_new_session=True,  # Ctrl-C is for us; we end it in order
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
