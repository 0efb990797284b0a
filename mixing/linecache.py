"""Processed lines kept by content: after an edit only what the edit touches is processed again.

A file a line: one line of JSON, then the raw samples. A file that is damaged, cut short or of another kind is made
again. The cache has a size limit; what was used longest ago goes first.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from mixing.lines import ProcessedLine

_FORMAT = "soundbound.line/1"


class LineCache:
    """`hits` and `misses` are counted since it was opened."""

    def __init__(self, folder: Path, limit_bytes: int = 4 * 10**9) -> None:
        self._folder, self._limit = folder, limit_bytes
        self.hits = self.misses = 0

    def get(self, key: str) -> ProcessedLine | None:
        path = self._path(key)
        try:
            with path.open("rb") as file:
                head = json.loads(file.readline())
                body = file.read()
            os.utime(path)
            if head["format"] != _FORMAT or head["crc"] != zlib.crc32(body):
                raise ValueError("damaged")
            samples = np.frombuffer(body, np.float32)
            frames, wet = head["dry_frames"], head["wet_frames"]
            line = ProcessedLine(
                samples[:frames].reshape(1, frames),
                samples[frames:].reshape(2, wet) if wet else None,
                head["take_lufs"],
                head["lufs"],
                head["peak"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            self.misses += 1
            return None
        self.hits += 1
        return line

    def put(self, key: str, line: ProcessedLine) -> None:
        """Keep a line. A full disk is no error: the line is processed again next time."""
        parts = [line.dry.ravel()] + ([line.wet.ravel()] if line.wet is not None else [])
        body = np.concatenate(parts).tobytes()
        head = {
            "format": _FORMAT,
            "dry_frames": line.dry.shape[1],
            "wet_frames": 0 if line.wet is None else line.wet.shape[1],
            "take_lufs": line.take_lufs,
            "lufs": line.lufs,
            "peak": line.peak,
            "crc": zlib.crc32(body),
        }
        path = self._path(key)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(json.dumps(head).encode() + b"\n")
                file.write(body)
            unfinished.replace(path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()

    def prune(self) -> None:
        """Remove what was used longest ago until the cache is within its limit."""
        found = []
        for path in self._folder.glob("??/*.line"):
            with suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                break
            with suppress(OSError):
                path.unlink()
            total -= size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.line"
