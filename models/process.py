"""A model in a process of its own: start it, hand it requests, read what it answers, end it.

Ending the process is what returns a model's memory for certain, after an error, an out-of-memory or a segfault as
well. The worker's side of the protocol is models/worker.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.base import SoundRequest, SpeechRequest, Word
from story.errors import SoundboundError

ROOT = Path(__file__).resolve().parent.parent


class ModelError(SoundboundError):
    """A model process that could not be started or used."""


class EngineSpec(BaseModel):
    """One engine, ready to run: what `models.catalog` resolves a name to. Small: it travels in task parameters."""

    name: str
    kind: str  # speech | sound
    engine: str  # 'module:Class' or '/path/file.py:Class'
    settings: dict[str, Any] = {}
    version: str  # what the engine must report; part of every take's key
    device: str = "cpu"
    memory_mb: float = 0.0
    python: Path | None = None
    env: dict[str, str] = {}


@dataclass
class Done:
    """A finished request; `wav` holds its float32 audio."""

    n: int
    wav: Path
    words: list[Word] | None
    words_exact: bool
    compute_s: float


@dataclass
class Failed:
    """The engine answered with an error; `final` means it can never make this request."""

    n: int
    error: str
    final: bool


@dataclass
class Died:
    """The process ended without being asked to."""

    status: int | None


Answer = Done | Failed | Died


@dataclass
class ModelProcess:
    """Context manager around one running engine. Not thread-safe: one owner submits and reads.

    Raises ModelError from `__enter__` when the engine does not come up.
    """

    spec: EngineSpec
    scratch: Path  # WAV files are exchanged here
    log: Callable[[str], None]  # the engine's stderr, line by line
    start_timeout_s: float = 180.0
    lanes: int = 1
    _answers: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ModelProcess:
        python = str(self.spec.python or sys.executable)
        command = [
            python,
            str(ROOT / "models" / "worker.py"),
            "--root",
            str(ROOT),
            "--parent",
            str(os.getpid()),
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, **self.spec.env},
                start_new_session=True,  # a terminal's Ctrl-C is for the parent, which ends the child in order
            )
        except OSError as e:
            raise ModelError(
                f"the interpreter {python} could not be started: {e.strerror}",
                where=f"engine {self.spec.name}",
                remedy=f"check [engines.{self.spec.name}] python in soundbound.toml",
            ) from e
        threading.Thread(target=self._read_answers, args=(self._process,), daemon=True).start()
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()
        opening = self.spec.model_dump(mode="json", include={"engine", "kind", "settings", "device"})
        try:
            self._send(opening)
            hello = self._next(self.start_timeout_s)
            self._check_hello(hello)
        except BaseException:
            self.kill()
            raise
        return self

    def _check_hello(self, hello: dict[str, Any] | None) -> None:
        where = f"engine {self.spec.name}"
        remedy = "run: soundbound doctor"
        if hello is None:
            raise ModelError(f"did not load within {self.start_timeout_s:.0f} s", where=where, remedy=remedy)
        if hello["event"] == "died":
            raise ModelError(f"ended while loading (status {hello['status']})", where=where, remedy=remedy)
        if hello["event"] == "broken":
            raise ModelError(f"could not be loaded: {hello['error']}", where=where, remedy=remedy)
        if hello["version"] != self.spec.version:
            raise ModelError(
                f"reports version {hello['version']!r}, but takes are kept for {self.spec.version!r}",
                where=where,
                remedy="reinstall the model (soundbound models install) so that code and weights agree",
            )
        self.lanes = int(hello["lanes"])

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def submit(self, n: int, request: SpeechRequest | SoundRequest) -> None:
        """Hand over request `n`; its answer comes from `answer`."""
        self._send({"op": "render", "n": n, "request": asdict(request), "wav": str(self._wav(n))})

    def answer(self, timeout_s: float) -> Answer | None:
        """The next answer, or None when nothing came within the time (heartbeats do not count)."""
        event = self._next(timeout_s)
        if event is None:
            return None
        if event["event"] == "died":
            return Died(event["status"])
        if event["event"] == "failed":
            return Failed(event["n"], event["error"], event["final"])
        words = None if event["words"] is None else [Word(**w) for w in event["words"]]
        return Done(event["n"], self._wav(event["n"]), words, event["words_exact"], event["compute_s"])

    def kill(self) -> None:
        """End the process and wait until it is gone."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        if process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def _wav(self, n: int) -> Path:
        return self.scratch / f"{self.spec.name}-{n}.wav"

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a dead process is reported by its reader
            self._process.stdin.write(json.dumps(message, ensure_ascii=False) + "\n")
            self._process.stdin.flush()

    def _next(self, timeout_s: float) -> dict[str, Any] | None:
        try:
            return self._answers.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _read_answers(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] != "alive":
                    self._answers.put(event)
        self._answers.put({"event": "died", "status": process.wait()})

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                if line.strip():
                    self.log(line.rstrip())
