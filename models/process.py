"""A model in a process of its own: start it, hand it orders, hear what it answers, end it.

Ending the process is what returns a model's memory for certain, after an error, an out-of-memory or a segfault as
well. The worker's side of the protocol is models/worker.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.base import SoundRequest, SpeechRequest, Word
from story.errors import SoundboundError

ROOT = Path(__file__).resolve().parent.parent
# What leads Python to our own packages must not lead another interpreter there.
OUR_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
KILL_PATIENCE_S = 30.0  # a killed process that stays so long hangs in a driver


class ModelError(SoundboundError):
    """A model process that could not be started or used."""


class LoadError(ModelError):
    """It died, hung or ran out of memory while loading: another start may go better."""


class EngineSpec(BaseModel):
    """One engine, ready to run: what `models.catalog` resolves a name to. Small: it travels in task parameters."""

    name: str
    kind: str  # speech | sound
    engine: str  # 'module:Class' or '/path/file.py:Class'
    settings: dict[str, Any] = {}  # "weights" among them
    version: str  # what the engine must report; part of every take's key
    device: str = "cpu"
    memory_mb: float = 0.0
    python: Path | None = None  # the engine's own interpreter; None: ours
    env: dict[str, str] = {}


@dataclass
class Ready:
    """The engine is loaded; what it told of itself."""

    lanes: int
    batch: int
    batch_by: tuple[str, ...]
    memory_mb: float


@dataclass
class Began:
    """An order, named by its requests' numbers, is being made from now on."""

    ns: list[int]


@dataclass
class Done:
    """A finished request; `wav` holds its float32 audio."""

    n: int
    wav: Path
    words: list[Word] | None
    words_exact: bool


@dataclass
class Failed:
    """The engine answered with an error; `final` means it can never make this request."""

    n: int
    error: str
    final: bool


@dataclass
class Finished:
    """An order is through: its time and the peak memory meanwhile."""

    ns: list[int]
    compute_s: float
    memory_mb: float


@dataclass
class NoMemory:
    """Memory did not suffice for an order; none of it was made. The engine is still there."""

    ns: list[int]
    error: str
    memory_mb: float


@dataclass
class Died:
    """The process ended without being asked to."""

    status: int | None


Answer = Began | Done | Failed | Finished | NoMemory | Died


def environment(spec: EngineSpec) -> dict[str, str]:
    """What the engine's process finds in its environment: ours without what is only ours, and the spec's own."""
    hidden = OUR_PYTHON if spec.python else ()
    passed = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_") and k not in hidden}
    ours = {"PYTHONUNBUFFERED": "1"}
    ours["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as NVML counts: "cuda:1" is the same card for everybody
    if spec.python:
        ours["PYTHONNOUSERSITE"] = "1"
    return {**passed, **ours, **spec.env}


@dataclass
class ModelProcess:
    """Context manager around one running engine. Not thread-safe: one owner submits.

    Answers come through `answer`, or straight into `events` if a queue is given.
    Raises ModelError from `__enter__` when the engine does not come up (LoadError when another start may help).
    """

    spec: EngineSpec
    scratch: Path  # WAV files are exchanged here
    log: Callable[[str], None]  # the engine's stderr, line by line
    start_timeout_s: float = 180.0
    keep_fds: Sequence[int] = ()  # the device's lock: held until this process, too, is gone
    events: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    ready: Ready = field(default_factory=lambda: Ready(1, 1, (), 0.0))
    last_sign: float = 0.0  # time.monotonic() of the latest line from it, heartbeats too
    _hello: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ModelProcess:
        python = str(self.spec.python or sys.executable)
        command = [python, str(ROOT / "models" / "worker.py"), "--root", str(ROOT)]
        command += ["--parent", str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=environment(self.spec),
                pass_fds=self.keep_fds,
                start_new_session=True,  # a terminal's Ctrl-C is for the parent, which ends the child in order
            )
        except OSError as e:
            raise ModelError(
                f"the interpreter {python} could not be started: {e.strerror}",
                where=f"engine {self.spec.name}",
                remedy=f"install the engine (soundbound models) or check [engines.{self.spec.name}] python",
            ) from e
        threading.Thread(target=self._read_answers, args=(self._process,), daemon=True).start()
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()
        try:
            self._send(self.spec.model_dump(mode="json", include={"engine", "kind", "settings", "device"}))
            self._welcome()
        except BaseException:
            self.kill()
            raise
        return self

    def _welcome(self) -> None:
        """Wait for the engine to load, and check that it is the one takes are kept for."""
        where = f"engine {self.spec.name}"
        remedy = "run: soundbound doctor"
        try:
            hello = self._hello.get(timeout=self.start_timeout_s)
        except queue.Empty:
            raise LoadError(
                f"did not load within {self.start_timeout_s:.0f} s", where=where, remedy=remedy
            ) from None
        if hello["event"] == "died":
            raise LoadError(f"ended while loading (status {hello['status']})", where=where, remedy=remedy)
        if hello["event"] == "broken":
            kind = LoadError if hello["oom"] else ModelError
            raise kind(f"could not be loaded: {hello['error']}", where=where, remedy=remedy)
        if hello["version"] != self.spec.version:
            raise ModelError(
                f"reports version {hello['version']!r}, but takes are kept for {self.spec.version!r}",
                where=where,
                remedy="reinstall the model (soundbound models install) so that code and weights agree",
            )
        self.ready = Ready(
            int(hello["lanes"]), int(hello["batch"]), tuple(hello["batch_by"]), float(hello["memory_mb"])
        )

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def exit_status(self) -> int | None:
        """None while it lives."""
        return self._process.poll() if self._process else None

    def submit(self, batch: dict[int, SpeechRequest | SoundRequest]) -> None:
        """Hand over an order: requests by number, made in one go. Orders beyond `ready.lanes` wait in the engine."""
        items = [{"n": n, "request": asdict(r), "wav": str(self._wav(n))} for n, r in batch.items()]
        self._send({"op": "render", "batch": items})

    def answer(self, timeout_s: float) -> Answer | None:
        """The next answer, or None when nothing came within the time (heartbeats do not count)."""
        try:
            return self.events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def kill(self) -> None:
        """End the process, with whatever it has started, and wait until it is gone."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it leads a group of its own
        try:
            process.wait(KILL_PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise ModelError(
                f"process {process.pid} was killed and is still there after {KILL_PATIENCE_S:.0f} s",
                where=f"engine {self.spec.name}",
                remedy="the driver holds it: look at dmesg and nvidia-smi; a restart of the machine may be needed",
            ) from None
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

    def _read_answers(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.last_sign = time.monotonic()
                try:
                    self._hear(json.loads(line))
                except (ValueError, KeyError, TypeError):  # something in the engine wrote into our pipe
                    self.log(f"not of the protocol: {line.rstrip()[:300]}")
        status = process.wait()
        self._hello.put({"event": "died", "status": status})
        self.events.put(Died(status))

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind in ("ready", "broken"):
            self._hello.put(event)
        elif kind == "began":
            self.events.put(Began(event["ns"]))
        elif kind == "done":
            words = None if event["words"] is None else [Word(**w) for w in event["words"]]
            self.events.put(Done(event["n"], self._wav(event["n"]), words, event["words_exact"]))
        elif kind == "failed":
            self.events.put(Failed(event["n"], event["error"], event["final"]))
        elif kind == "finished":
            self.events.put(Finished(event["ns"], event["compute_s"], event["memory_mb"]))
        elif kind == "oom":
            self.events.put(NoMemory(event["ns"], event["error"], event["memory_mb"]))

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                if line.strip():
                    self.log(line.rstrip())
