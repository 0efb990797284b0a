"""Kokoro-82M: the embedded voice for English and Mandarin, 24 kHz, on the CPU.

The ONNX graph is a pure function (no random nodes), so a take depends on its request alone: bit-identical whatever
the thread or the order. Three edits of the graph (`kokoro_graph.py`) make it a better actor: it returns how long every
phoneme lasts (exact word times), its pitch curve can be scaled, and each phoneme stretched (pauses).

The model runs on the CPU whatever the device: its weights are 8-bit integers, for which CUDA has no kernels. It
cannot shout or whisper by itself; a style is heard only through the request's speed, energy and pitch.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SpeechRequest, Word
from models.speech import chunks, phonemes_zh, shaping
from models.speech.kokoro_graph import PITCH, STRETCH, open_up
from models.speech.phonemes import HAN, Spoken
from models.speech.phonemes_en import english
from story.errors import SoundboundError

SAMPLE_RATE_HZ = 24_000
UNIT = 600  # samples of one duration unit: 25 ms
ENGINE = "1"  # raise when the sound of any request changes

GOOD_TOKENS, MOST_TOKENS = 160, 400  # see chunks.chunks; the model itself takes 510
LEAST_ROW = 40  # a voice's style rows are by length; those of very short texts misread (tests/test_kokoro.py)
HEADROOM_DB = -4.0  # some presets peak at +0.3 dBFS; the rest leaves room for a raised voice
EDGE_S = 0.03  # silence kept at both ends of a piece
JOIN_S = (0.45, 0.30, 0.18, 0.04)  # pause between pieces after a sentence, clause, comma, word
ATTEMPTS = ((1.0, 0), (0.97, 7), (1.03, -7), (0.95, 14))  # (speed, style row) of attempt 0, 1, …

_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class _Piece:
    """A piece of a line as the model spoke it: `(samples,)` and each unit's `(start_s, end_s)` in it."""

    samples: np.ndarray
    times: list[tuple[float, float]]


def cores() -> int:
    """Cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def fingerprint(settings: dict[str, Any]) -> str:
    """Version of everything that shapes a take (engine and weights), "" if the weights are missing. Loads no model."""
    folder = Path(settings["weights"])
    parts = []
    for name in ("kokoro.onnx", "vocab.json"):
        try:
            state = (folder / name).stat()
        except OSError:
            return ""
        parts.append(_hash(folder / name, state.st_size, state.st_mtime_ns)[:8])
    return f"kokoro-82m/{ENGINE}/{'-'.join(parts)}"


@cache
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class Kokoro:
    """The engine. Settings: `weights`, the folder with kokoro.onnx, vocab.json and voices/*.bin.

    Voice parameters: `preset` (a file of voices/) or `blend` ([[preset, weight], …]); optional `pitch_st`,
    `formant_st` (size of the speaker, in semitones) and `speed`, all relative to the voices used.

    One thread a call and a call a core is 1.2–1.3 times as fast as all cores on one call (2 cores, measured), so
    `lanes` is the number of cores.

    Raises: SoundboundError if the weights are missing.
    """

    def __init__(self, settings: dict[str, Any], device: str = "cpu") -> None:
        import onnxruntime

        self._folder = Path(settings["weights"])
        self.version = fingerprint(settings)
        if not self.version:
            raise SoundboundError(
                "Kokoro is not installed",
                where=str(self._folder),
                remedy="run `soundbound models install kokoro`",
            )
        model = (self._folder / "kokoro.onnx").read_bytes()
        vocab = json.loads((self._folder / "vocab.json").read_text(encoding="utf-8"))
        self._vocab: dict[str, int] = vocab.get("vocab", vocab)
        self.lanes = cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model, self._names = open_up(model)
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._presets: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def render(self, request: SpeechRequest) -> Rendered:
        """Speaks a line.

        Returns: float32 `(1, samples)` at 24 kHz, nearly silent ends of 30 ms, exact word times.
        Raises: CannotMake if the language or the voice is not Kokoro's or nothing in the text can be spoken.
        """
        spoken = self._phonemes(request)
        style = self._style(request.voice)
        attempt_speed, _ = ATTEMPTS[request.attempt % len(ATTEMPTS)]
        size = 2 ** (float(request.voice.get("formant_st", 0.0)) / 12)
        speed = request.speed * float(request.voice.get("speed", 1.0)) * attempt_speed
        good = GOOD_TOKENS if request.attempt % 2 == 0 else GOOD_TOKENS // 2
        samples: list[np.ndarray] = []
        times: list[tuple[float, float]] = []
        length = 0
        pieces = chunks.chunks(spoken, self._size, good, MOST_TOKENS)
        for i, piece in enumerate(pieces):
            made = self._speak(piece, style, request, speed, size)
            times += [(a + length / SAMPLE_RATE_HZ, b + length / SAMPLE_RATE_HZ) for a, b in made.times]
            samples.append(made.samples)
            if i + 1 < len(pieces):
                pause_s = JOIN_S[chunks.strength(piece[-1])] * request.pause_scale / request.speed
                gap = np.zeros(int(max(0.0, pause_s - 2 * EDGE_S) * SAMPLE_RATE_HZ), np.float32)
                samples.append(gap)
            length = sum(map(len, samples))
        mono = np.concatenate(samples) * np.float32(10 ** (HEADROOM_DB / 20))
        mono = shaping.effort(mono, SAMPLE_RATE_HZ, request.energy_db)
        ordered = [u for piece in pieces for u in piece]
        return Rendered(
            mono[np.newaxis].astype(np.float32), SAMPLE_RATE_HZ, _words(ordered, times), words_exact=True
        )

    def _phonemes(self, request: SpeechRequest) -> list[Spoken]:
        language = request.language.replace("_", "-").split("-")[0].lower()
        if language not in {"en", "zh"}:
            raise CannotMake(f"Kokoro speaks English and Mandarin here, not {request.language!r}")
        for word, symbols in request.pronunciation.items():
            if unknown := sorted(set(symbols) - self._vocab.keys()):
                raise CannotMake(f"pronunciation of {word!r}: Kokoro has no phonemes {' '.join(unknown)}")
        british = request.voice.get("accent") == "british"
        if language == "zh" or _HAN.search(request.text):
            with self._lock:
                phonemes_zh.warm_up()
            spoken = phonemes_zh.mandarin(request.text, british, request.pronunciation)
        else:
            spoken = english(request.text, british, request.pronunciation)
        spoken = [s for s in spoken if s.symbols.strip() or s.space]
        while spoken and not spoken[0].is_word:
            del spoken[0]
        if not any(self._ids(s.symbols) for s in spoken if s.is_word):
            raise CannotMake(f"there is nothing to speak in {request.text[:60]!r}")
        return spoken

    def _style(self, voice: dict[str, Any]) -> np.ndarray:
        """Style vectors by length, `(510, 256)`: a preset, or the weighted mean of several."""
        parts = voice.get("blend") or [[voice.get("preset", ""), 1.0]]
        total = sum(float(w) for _, w in parts)
        return sum((self._preset(n) * (float(w) / total) for n, w in parts), np.zeros(1)).astype(np.float32)

    def _preset(self, name: str) -> np.ndarray:
        with self._lock:
            if name not in self._presets:
                path = self._folder / "voices" / f"{name}.bin"
                if not name or not path.is_file():
                    raise CannotMake(f"Kokoro has no voice {name!r} in {path.parent}")
                self._presets[name] = np.fromfile(path, "<f4").reshape(-1, 256)
            return self._presets[name]

    def _ids(self, symbols: str) -> list[int]:
        return [self._vocab[c] for c in symbols if c in self._vocab]

    def _size(self, spoken: Spoken) -> int:
        return len(self._ids(spoken.symbols)) + spoken.space

    def _speak(
        self, piece: list[Spoken], style: np.ndarray, request: SpeechRequest, speed: float, size: float
    ) -> _Piece:
        """One call of the model: trimmed audio, times of every unit of `piece`."""
        ids, stretch, ends = [0], [1.0], [1]
        for unit in piece:
            tokens = self._ids(unit.symbols) + (
                [self._vocab[" "]] if unit.space and unit is not piece[-1] else []
            )
            ids += tokens
            stretch += [1.0 if unit.is_word else request.pause_scale] * len(tokens)
            ends.append(len(ids))
        if len(ids) > 510:
            raise CannotMake(f"a word of {len(ids)} phonemes is too long to speak")
        _, row_shift = ATTEMPTS[request.attempt % len(ATTEMPTS)]
        row = min(max(len(ids) - 1, LEAST_ROW) + row_shift, len(style) - 1)
        pitch = 2 ** ((request.pitch_st + float(request.voice.get("pitch_st", 0.0))) / 12) / size
        audio, units = self._session.run(
            [self._names.audio, self._names.durations],
            {
                self._names.tokens: np.array([[*ids, 0]], np.int64),
                "style": style[row][np.newaxis],
                "speed": np.array([speed / size], np.float32),
                STRETCH: np.array([[*stretch, 1.0]], np.float32),
                PITCH: np.array([pitch], np.float32),
            },
        )
        mono = shaping.resample(np.asarray(audio, np.float32).reshape(-1), size)
        first, last = shaping.trimmed(mono, SAMPLE_RATE_HZ, EDGE_S)
        clock = np.concatenate([[0.0], np.cumsum(np.asarray(units)[0])]) * UNIT / size
        clock = np.clip(clock - first, 0, last - first) / SAMPLE_RATE_HZ
        times = [(float(clock[a]), float(clock[b])) for a, b in pairwise(ends)]
        return _Piece(shaping.faded(mono[first:last], SAMPLE_RATE_HZ), times)


def _words(units: list[Spoken], times: list[tuple[float, float]]) -> list[Word]:
    """Words with times; units that were read for the same or overlapping written words become one."""
    words: list[Word] = []
    for unit, (start_s, end_s) in zip(units, times, strict=True):
        if not unit.is_word:
            continue
        if words and unit.start < words[-1].char_end:
            last = words.pop()
            start, end = min(last.char_start, unit.start), max(last.char_end, unit.end)
            words.append(Word(start, end, last.start_s, end_s))
        else:
            words.append(Word(unit.start, unit.end, start_s, end_s))
    return words
