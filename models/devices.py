"""What a device has and who is on it: memory, processes, and which card "cuda:0" really is.

Asked without ever opening a CUDA context of our own, which would hold some 400 MB of the very card that is to be free:
NVML (package nvidia-ml-py) if it is there, otherwise torch in a child process that ends at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from story.errors import SoundboundError

TORCH_PROBE = (
    "import json, sys, torch; i = int(sys.argv[1]); f, t = torch.cuda.mem_get_info(i); "
    "p = torch.cuda.get_device_properties(i); "
    "print(json.dumps([f, t, p.name, str(getattr(p, 'uuid', ''))]))"
)
TORCH_PROBE_S = 60.0


class DeviceError(SoundboundError):
    """The device cannot be used."""


@dataclass(frozen=True)
class Memory:
    free_mb: float
    total_mb: float

    @property
    def used_mb(self) -> float:
        return self.total_mb - self.free_mb


@dataclass(frozen=True)
class OnCard:
    """A process that uses a GPU; its memory is not always told (containers, Windows drivers)."""

    pid: int
    name: str
    memory_mb: float | None

    def __str__(self) -> str:
        size = "" if self.memory_mb is None else f", {self.memory_mb:.0f} MB"
        return f"{self.name} (process {self.pid}{size})"


@dataclass(frozen=True)
class Card:
    name: str
    uuid: str
    memory: Memory
    driver: str


def device_memory(device: str) -> Memory:
    """Free and total memory of "cpu" (MemAvailable of /proc/meminfo, or physical pages) or "cuda:<index>"."""
    return _cpu_memory() if device == "cpu" else card(device).memory


def card(device: str) -> Card:
    """The GPU behind "cuda:<index>"; raises DeviceError if it cannot be used."""
    with _nvml() as nvml:
        if nvml is not None:
            handle = _handle(nvml, device)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            return Card(
                _text(nvml.nvmlDeviceGetName(handle)),
                _text(nvml.nvmlDeviceGetUUID(handle)),
                Memory(memory.free / 2**20, memory.total / 2**20),
                _text(nvml.nvmlSystemGetDriverVersion()),
            )
    return _card_by_torch(device)


def processes_on(device: str) -> list[OnCard]:
    """Who uses a GPU; empty on a CPU, and where NVML cannot tell."""
    if device == "cpu":
        return []
    with _nvml() as nvml:
        if nvml is None:
            return []
        handle = _handle(nvml, device)
        kinds = (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses)
        found = {}
        for ask in kinds:
            with contextlib.suppress(nvml.NVMLError):
                for p in ask(handle):
                    used = getattr(p, "usedGpuMemory", None)
                    found[p.pid] = OnCard(p.pid, process_name(p.pid), used and used / 2**20)
        return sorted(found.values(), key=lambda p: -(p.memory_mb or 0))


def is_quick(device: str) -> bool:
    """Whether its memory can be asked for in passing (milliseconds)."""
    with _nvml() as nvml:
        return device == "cpu" or nvml is not None


def identity(device: str) -> str:
    """A name that is the same for everybody on this host, whatever their numbering: the card's UUID where NVML tells
    it. Fit for a file name."""
    if device == "cpu":
        return device
    with _nvml() as nvml:
        if nvml is not None:
            return _text(nvml.nvmlDeviceGetUUID(_handle(nvml, device)))
    return device.replace(":", "-")


def process_name(pid: int) -> str:
    """What runs under a process number, or "?"."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    shown = [Path(w.decode(errors="replace")).name for w in words[:2] if w and not w.startswith(b"-")]
    return " ".join(shown) or "?"


def visible_index(device: str, visible: str | None) -> int | str:
    """The card as NVML knows it (index or UUID): "cuda:1" counts among CUDA_VISIBLE_DEVICES if that is set.

    Our model processes count in PCI order (models/process.py), as NVML does.
    """
    index = int(device.partition(":")[2])
    if visible is None or not visible.strip():
        return index
    names = [name.strip() for name in visible.split(",")]
    if index >= len(names):
        raise DeviceError(
            f"{device} is not visible: CUDA_VISIBLE_DEVICES is {visible!r}",
            where="device",
            remedy=f'set device = "cuda:0" to "cuda:{len(names) - 1}", or unset CUDA_VISIBLE_DEVICES',
        )
    return int(names[index]) if names[index].isdigit() else names[index]


def _cpu_memory() -> Memory:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kb = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return Memory(kb["MemAvailable"] / 1024, kb["MemTotal"] / 1024)
    except (OSError, KeyError):  # not Linux
        page, count = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        return Memory(page * count / 2**20, page * count / 2**20)


@contextlib.contextmanager
def _nvml() -> Iterator[Any]:
    """The NVML module, initialised, or None where there is no driver or package."""
    try:
        import pynvml  # pyright: ignore[reportMissingImports]
    except ImportError:
        yield None
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _handle(nvml: Any, device: str) -> Any:
    # The driver's own variable, not a setting of ours: it renumbers the cards for everything in this process.
    which = visible_index(device, os.environ.get("CUDA_VISIBLE_DEVICES"))
    try:
        if isinstance(which, int):
            return nvml.nvmlDeviceGetHandleByIndex(which)
        whole = [
            _text(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetHandleByIndex(i)))
            for i in range(nvml.nvmlDeviceGetCount())
        ]
        return nvml.nvmlDeviceGetHandleByUUID(next((u for u in whole if u.startswith(which)), which))
    except nvml.NVMLError as e:
        raise _unusable(device, str(e)) from e


def _card_by_torch(device: str) -> Card:
    index = device.partition(":")[2]
    environment = {**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", TORCH_PROBE, index],
            capture_output=True,
            text=True,
            timeout=TORCH_PROBE_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise _unusable(device, f"no answer within {TORCH_PROBE_S:.0f} s") from e
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise _unusable(device, lines[-1][:300] if lines else f"torch ended with status {done.returncode}")
    free, total, name, uuid = json.loads(done.stdout)
    return Card(name, uuid, Memory(free / 2**20, total / 2**20), "")


def _unusable(device: str, why: str) -> DeviceError:
    return DeviceError(
        f"{device} cannot be used: {why}",
        where="device",
        remedy='install the gpu extra (pip install "soundbound[gpu]") and a driver, or set device = "cpu"',
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
