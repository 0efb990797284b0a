"""A speech engine that does to itself what the line says, once, and writes down at which instants it lived.

Settings: `witness`, a file for its own timestamps (time.monotonic() is one clock for all processes of a machine), and
`marks`, a folder that remembers which fault has already happened. A line with [segfault] brings its process down
once, one with [always segfault] each time.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from models.base import OutOfMemory, Rendered, SpeechRequest
from tests.engines import tone

WITNESS_S = 0.01
FAULT = re.compile(r"\[(always )?(segfault|hang|oom|exit)\]")


class Chaos:
    lanes = 1
    batch = 4
    batch_by = ()

    def __init__(self, settings: dict, device: str) -> None:
        self._witness = os.open(settings["witness"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.version = str(settings.get("version", ""))
        self._marks = Path(settings["marks"])
        self.seconds = float(settings.get("seconds", 0.05))
        self._write("loading")
        threading.Thread(target=self._live, daemon=True).start()
        time.sleep(float(settings.get("load_s", 0.2)))

    def _write(self, what: str) -> None:
        os.write(self._witness, f"{time.monotonic():.4f} {os.getpid()} {what}\n".encode())

    def _live(self) -> None:
        while True:
            self._write("alive")
            time.sleep(WITNESS_S)

    def render_batch(self, requests: Sequence[SpeechRequest]) -> list[Rendered | Exception]:
        for request in requests:
            for always, fault in FAULT.findall(request.text):
                if always or self._first(request, fault):
                    self._happen(fault)
        time.sleep(self.seconds * len(requests))
        return [tone(r) for r in requests]

    def _first(self, request: SpeechRequest, fault: str) -> bool:
        mark = self._marks / f"{fault}-{hashlib.sha256(request.text.encode()).hexdigest()[:12]}"
        with contextlib.suppress(FileExistsError):
            mark.touch(exist_ok=False)
            return True
        return False

    def _happen(self, fault: str) -> None:
        self._write(fault)
        if fault == "oom":
            raise OutOfMemory("the card is full")
        if fault == "hang":
            time.sleep(3600)
        if fault == "exit":
            os._exit(3)
        ctypes.string_at(0)
