"""The inside of a model process: loads one engine, reads orders from stdin, answers on stdout.

Run by path (`python …/models/worker.py`) under the engine's own interpreter (3.10 or newer), which needs numpy and the
engine and nothing else. Protocol: JSON lines; audio goes into float32 WAV files. Whatever an engine prints goes to
stderr, which the parent logs.

In, first: {"engine", "kind", "settings", "device"}. Then orders, each a batch of one or more requests:
    {"op": "render", "batch": [{"n", "request": {…}, "wav": path}, …]} | {"op": "stop"}
Out, once: {"event": "ready", "version", "lanes", "batch", "batch_by", "memory_mb"}
    or {"event": "broken", "error", "oom"}, and the process ends.
Out, for each order: {"event": "began", "ns"}, then for each request {"event": "done", "n", "words", "words_exact"}
    or {"event": "failed", "n", "error", "final"}, then {"event": "finished", "ns", "compute_s", "memory_mb"};
    or, with nothing made, {"event": "oom", "ns", "error", "memory_mb"}.
Out, every few seconds: {"event": "alive"}.
`memory_mb` is the peak since it was last told.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import gc
import hashlib
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

HEARTBEAT_S = 2.0


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


def file_version(path: Path, settings: dict[str, Any]) -> str:
    """Version of an engine in a file of its own: of its code and of what it is built with."""
    made_of = path.read_bytes() + json.dumps(settings, sort_keys=True).encode()
    return hashlib.sha256(made_of).hexdigest()[:16]


def version_of(engine: Any, spec: dict[str, Any]) -> str:
    own = str(getattr(engine, "version", "") or "")
    where = spec["engine"].rpartition(":")[0]
    return own or file_version(Path(where), spec["settings"])


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies (prctl PR_SET_PDEATHSIG); stdin's end covers the rest."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def is_out_of_memory(error: BaseException) -> bool:
    """Ours, Python's, torch's, and the RuntimeErrors that CUDA libraries and onnxruntime raise for it."""
    from models.base import OutOfMemory

    if isinstance(error, (OutOfMemory, MemoryError)) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    signs = ("out of memory", "failed to allocate memory", "alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


class Memory:
    """Peak memory in MB since last asked: the engine's own figure, torch's on a GPU, else this process's size."""

    def __init__(self, engine: Any, device: str) -> None:
        self._own, self._device = getattr(engine, "memory_mb", None), device

    def peak_mb(self) -> float:
        if callable(self._own):
            return float(self._own())  # pyright: ignore[reportArgumentType]
        torch = sys.modules.get("torch")
        if torch is not None and self._device.startswith("cuda"):
            peak = torch.cuda.max_memory_reserved(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            return round(peak / 2**20, 1)
        try:
            text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
            Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again from the present size
        except OSError:  # not Linux, or not allowed
            return 0.0
        return round(int(text.partition("VmHWM:")[2].split()[0]) / 1024, 1)

    def clear(self) -> None:
        """After an out-of-memory: let go of what a caching allocator keeps."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and self._device.startswith("cuda"):
            torch.cuda.empty_cache()


class Worker:
    def __init__(self, out: Any, engine: Any, kind: str, memory: Memory) -> None:
        from models.base import SoundRequest, SpeechRequest

        self._out, self._engine, self._memory = out, engine, memory
        self._request = SpeechRequest if kind == "speech" else SoundRequest
        self._lock = threading.Lock()

    def say(self, **event: Any) -> None:
        line = json.dumps(event, ensure_ascii=False)
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._out.write(line + "\n")
            self._out.flush()

    def order(self, batch: list[dict[str, Any]]) -> None:
        """Make one order and answer for each of its requests, or say that memory did not suffice."""
        ns, started = [item["n"] for item in batch], time.perf_counter()
        self.say(event="began", ns=ns)
        try:
            made = self._make([self._request(**item["request"]) for item in batch])
        except Exception as e:
            if not is_out_of_memory(e):
                raise
            error = describe(e)
            del e
            peak_mb = self._memory.peak_mb()
            self._memory.clear()
            self.say(event="oom", ns=ns, error=error, memory_mb=peak_mb)
            return
        compute_s = round(time.perf_counter() - started, 4)
        for item, result in zip(batch, made, strict=True):
            self._deliver(item, result)
        self.say(event="finished", ns=ns, compute_s=compute_s, memory_mb=self._memory.peak_mb())

    def _make(self, requests: list[Any]) -> list[Any]:
        """A Rendered or an exception for each request; raises only for want of memory."""
        together = getattr(self._engine, "render_batch", None)
        if together is None:
            return [self._alone(self._engine.render, request) for request in requests]
        try:
            made = list(together(requests))
            if len(made) != len(requests):
                raise ValueError(f"{len(requests)} requests were answered with {len(made)} results")
        except Exception as e:
            if is_out_of_memory(e):
                raise
            if len(requests) == 1:
                traceback.print_exc(file=sys.stderr)
                return [e]
            # One request must not cost its neighbours their takes: find it.
            return [self._make([request])[0] for request in requests]
        return made

    def _alone(self, render: Any, request: Any) -> Any:
        from models.base import CannotMake

        try:
            return render(request)
        except CannotMake as e:
            return e
        except Exception as e:
            if is_out_of_memory(e):
                raise
            traceback.print_exc(file=sys.stderr)
            return e

    def _deliver(self, item: dict[str, Any], result: Any) -> None:
        from models.base import CannotMake

        try:
            if isinstance(result, Exception):
                raise result
            samples = np.asarray(result.samples, dtype=np.float32)
            if samples.ndim == 1:
                samples = samples[None]
            write_wav(item["wav"], samples, result.sample_rate_hz)
            words = None if result.words is None else [dataclasses.asdict(w) for w in result.words]
        except Exception as e:
            final = isinstance(e, CannotMake)
            self.say(event="failed", n=item["n"], error=str(e) if final else describe(e), final=final)
        else:
            self.say(event="done", n=item["n"], words=words, words_exact=bool(result.words_exact))

    def lane(self, orders: Any) -> None:
        try:
            while True:
                self.order(orders.get()["batch"])
        except BaseException:  # an order we cannot even read: better a dead process than a silent one
            traceback.print_exc(file=sys.stderr)
            os._exit(1)


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
        broken = {"event": "broken", "error": describe(e), "oom": is_out_of_memory(e)}
        out.write(json.dumps(broken) + "\n")
        out.flush()
        os._exit(1)
    memory = Memory(engine, spec["device"])
    worker = Worker(out, engine, spec["kind"], memory)
    lanes = max(1, int(getattr(engine, "lanes", 1)))
    together = hasattr(engine, "render_batch")
    worker.say(
        event="ready",
        version=version_of(engine, spec),
        lanes=lanes,
        batch=max(1, int(getattr(engine, "batch", 1))) if together else 1,
        batch_by=list(getattr(engine, "batch_by", ())),
        memory_mb=memory.peak_mb(),
    )
    orders: queue.SimpleQueue = queue.SimpleQueue()
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
