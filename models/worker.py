"""The inside of a model process: loads one engine, reads requests from stdin, answers on stdout.

Run by path (`python …/models/worker.py`) under the engine's own interpreter, which needs numpy and the engine and
nothing else. Protocol: JSON lines. In: {"op":"render","n":…,"request":{…},"wav":path} | {"op":"stop"}.
Out: {"event":"ready"|"alive"|"done"|"failed"|"broken", …}. Audio goes into float32 WAV files. Whatever an engine
prints goes to stderr, which the parent logs.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import importlib
import importlib.util
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

HEARTBEAT_S = 5.0


def write_wav(path: str, samples: np.ndarray, sample_rate_hz: int) -> None:
    """Float32 WAV (format tag 3, RIFF/WAVE spec rev. 3) from `(channels, samples)`, with numpy alone."""
    data = np.ascontiguousarray(samples.T, dtype="<f4").tobytes()
    channels = samples.shape[0]
    fmt = struct.pack(
        "<HHIIHHH", 3, channels, sample_rate_hz, sample_rate_hz * 4 * channels, 4 * channels, 32, 0
    )
    fact = struct.pack("<I", samples.shape[1])
    size = 4 + 8 + len(fmt) + 8 + len(fact) + 8 + len(data)
    with Path(path).open("wb") as f:
        f.write(b"RIFF" + struct.pack("<I", size) + b"WAVE")
        f.write(b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"fact" + struct.pack("<I", len(fact)) + fact)
        f.write(b"data" + struct.pack("<I", len(data)) + data)


def load_engine(reference: str) -> Any:
    """The class behind 'package.module:Class' or '/path/to/file.py:Class'."""
    where, _, name = reference.rpartition(":")
    if where.endswith(".py"):
        spec = importlib.util.spec_from_file_location("soundbound_engine", where)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {where}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    return getattr(module, name)


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies (prctl PR_SET_PDEATHSIG); stdin's end covers the rest."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Worker:
    def __init__(self, out: Any, engine: Any, kind: str) -> None:
        from models.base import SoundRequest, SpeechRequest

        self._out, self._engine = out, engine
        self._request = SpeechRequest if kind == "speech" else SoundRequest
        self._lock = threading.Lock()

    def say(self, **event: Any) -> None:
        line = json.dumps(event, ensure_ascii=False)
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._out.write(line + "\n")
            self._out.flush()

    def render(self, order: dict[str, Any]) -> None:
        from models.base import CannotMake

        started = time.perf_counter()
        try:
            made = self._engine.render(self._request(**order["request"]))
            samples = np.asarray(made.samples, dtype=np.float32)
            if samples.ndim == 1:
                samples = samples[None]
            write_wav(order["wav"], samples, made.sample_rate_hz)
        except CannotMake as e:
            self.say(event="failed", n=order["n"], error=str(e), final=True)
        except Exception as e:
            traceback.print_exc(file=sys.stderr)
            self.say(event="failed", n=order["n"], error=f"{type(e).__name__}: {e}"[:500], final=False)
        else:
            words = None if made.words is None else [dataclasses.asdict(w) for w in made.words]
            self.say(
                event="done",
                n=order["n"],
                words=words,
                words_exact=made.words_exact,
                compute_s=round(time.perf_counter() - started, 4),
            )

    def lane(self, orders: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        while (order := orders.get()) is not None:
            self.render(order)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True, help="the folder that holds the `models` package")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    die_with_parent(options.parent)
    # Keep the pipe for ourselves: an engine that prints must not break the protocol.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[:] = [
        options.root,
        *[p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent],
    ]
    spec = json.loads(sys.stdin.readline())
    try:
        engine = load_engine(spec["engine"])(spec["settings"], spec["device"])
    except Exception as e:
        traceback.print_exc(file=sys.stderr)
        out.write(json.dumps({"event": "broken", "error": f"{type(e).__name__}: {e}"[:500]}) + "\n")
        out.flush()
        os._exit(1)
    worker = Worker(out, engine, spec["kind"])
    lanes = max(1, int(getattr(engine, "lanes", 1)))
    worker.say(event="ready", version=engine.version, lanes=lanes)
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    for i in range(lanes):
        threading.Thread(target=worker.lane, args=(orders,), daemon=True, name=f"lane-{i}").start()

    def heartbeat() -> None:
        while True:
            time.sleep(HEARTBEAT_S)
            worker.say(event="alive")

    threading.Thread(target=heartbeat, daemon=True).start()
    for line in sys.stdin:  # ends when the parent closes the pipe or dies
        order = json.loads(line)
        if order["op"] == "stop":
            break
        orders.put(order)
    os._exit(0)


if __name__ == "__main__":
    main()
