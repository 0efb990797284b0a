"""Engines for the tests, run for real in a model process: one that always works, one that fails as the text says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.base import CannotMake, OutOfMemory, Rendered, SpeechRequest, Word

RATE_HZ = 24000
VOICES = Path(__file__).resolve().parent / "voices_tone.json"


def tone(request: SpeechRequest) -> Rendered:
    """Speech-shaped: 70 ms of a vowel-like sound a character, so that the quality gate finds its length plausible."""
    seconds = max(0.3, 0.07 * len(request.text)) / request.speed
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    f0 = float(request.voice.get("f0", 120.0))
    wave = sum(np.sin(2 * np.pi * f0 * k * t) / k for k in (1, 2, 3, 4))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t)
    noise = np.random.default_rng(request.seed).normal(0, 0.002, len(t))
    samples = (0.12 * wave * syllables + noise).astype(np.float32)[None]
    return Rendered(samples, RATE_HZ, [Word(0, len(request.text), 0.0, seconds)], words_exact=True)


class Tone:
    version = ""
    lanes = 2

    def __init__(self, settings: dict, device: str) -> None:
        self.version = str(settings.get("expect_version", ""))
        self.delay_s = float(settings.get("delay_s", 0.0))

    def render(self, request: SpeechRequest) -> Rendered:
        time.sleep(self.delay_s)
        if request.language not in ("en", "zh", "zh-Hans") or "cannot" in request.text:
            raise CannotMake("there is no sound for it")
        return tone(request)


class Single(Tone):
    lanes = 1


class Batched(Tone):
    """Makes batches: several lines in one call."""

    lanes = 1
    batch = 8
    batch_by = ("language",)

    def render_batch(self, requests: Sequence[SpeechRequest]) -> list[Rendered | Exception]:
        assert len({r.language for r in requests}) == 1
        print(f"batch of {len(requests)}", flush=True)
        return [self._one(r) for r in requests]

    def _one(self, request: SpeechRequest) -> Rendered | Exception:
        try:
            return self.render(request)
        except CannotMake as e:
            return e


class Faulty(Tone):
    """Fails by the words in the line; "once" in it: only at attempt 0."""

    lanes = 1

    def render(self, request: SpeechRequest) -> Rendered:
        text = request.text.lower()
        if "once" in text and request.attempt > 0:
            return tone(request)
        if "raises" in text:
            raise RuntimeError("the engine does not like this line")
        if "cannot" in text:
            raise CannotMake("there is no sound for it")
        if "hangs" in text:
            time.sleep(3600)
        if "dies" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        made = tone(request)
        if "silence" in text:
            made.samples = np.zeros_like(made.samples)
        if "nan" in text.split():
            made.samples[0, 100] = np.nan
        if "prints" in text:
            print("an engine that prints on stdout", flush=True)
            os.write(1, b"and on the file descriptor\n")
        return made


class Misbehaving(Batched, Faulty):
    """Everything that can go wrong, in batches: a fault spoils the whole call, as it would on a GPU."""

    batch = 4

    def _one(self, request: SpeechRequest) -> Rendered | Exception:
        if "huge" in request.text:
            raise RuntimeError("CUDA error: out of memory")
        print("an engine that prints a lot", flush=True)
        return super()._one(request)


class Cramped(Batched):
    """Memory for `room_s` padded seconds at once; whatever exceeds it is an out-of-memory. A line that says "huge"
    never fits."""

    batch = 32

    def __init__(self, settings: dict, device: str) -> None:
        super().__init__(settings, device)
        self.room_s = float(settings.get("room_s", 8.0))
        self._peak_mb = 100.0

    def render_batch(self, requests: Sequence[SpeechRequest]) -> list[Rendered | Exception]:
        padded_s = len(requests) * max(0.07 * len(r.text) for r in requests)
        if padded_s > self.room_s or any("huge" in r.text for r in requests):
            raise OutOfMemory(f"{padded_s:.1f} s do not fit into {self.room_s:.1f} s")
        self._peak_mb = 100.0 + 10 * padded_s
        return super().render_batch(requests)

    def memory_mb(self) -> float:
        peak, self._peak_mb = self._peak_mb, 100.0
        return peak


class Broken:
    version = "x"

    def __init__(self, settings: dict, device: str) -> None:
        raise RuntimeError("no weights here")


HERE = Path(__file__).resolve()
