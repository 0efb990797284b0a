"""The take store: every piece of audio a model ever made, found again by what it is.

A take's key is a hash of everything that can change its sound and of nothing else, never its place in the book.
So a re-render finds all of it, and an inserted line costs one take. Files are written under a temporary name,
checksummed, synced and renamed, the JSON last: a take either is whole or is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile as sf
from pydantic import BaseModel, ValidationError

from models.base import SoundRequest, SpeechRequest, Word
from models.quality import Checks

# Bump when what is done to audio between engine and store (trimming, checks that choose a take) changes its sound.
RECIPE_VERSION = 1


class Take(BaseModel):
    """One stored piece of audio; `file` is relative to the store's root."""

    format: Literal["soundbound.take/1"] = "soundbound.take/1"
    key: str
    file: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    sha256: str
    model: str
    version: str
    attempts: int
    checks: Checks
    words: list[Word] | None = None
    words_exact: bool = False
    request: dict[str, Any]


def take_key(model: str, version: str, request: SpeechRequest | SoundRequest) -> str:
    """The content address: sha256 (32 hex digits of it) over model, version, recipe and the request without its id."""
    content = asdict(request)
    del content["id"], content["attempt"]
    material = {"model": model, "version": version, "recipe": RECIPE_VERSION, "request": content}
    text = json.dumps(material, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class TakeStore:
    """Takes under `root`, as `<2 hex>/<key>.flac` beside `<key>.json`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, take: Take) -> Path:
        return self.root / take.file

    def get(self, key: str) -> Take | None:
        """The take, or None when it is missing or damaged (then it is to be made again; nothing is trusted)."""
        try:
            take = Take.model_validate_json(self._json(key).read_bytes())
            whole = take.key == key and _sha256(self.path(take)) == take.sha256
        except (OSError, ValidationError):
            return None
        return take if whole else None

    def put(
        self,
        key: str,
        samples: np.ndarray,
        sample_rate_hz: int,
        *,
        request: SpeechRequest | SoundRequest,
        model: str,
        version: str,
        attempts: int,
        checks: Checks,
        words: list[Word] | None = None,
        words_exact: bool = False,
    ) -> Take:
        """Store float32 `(channels, samples)` as 24-bit FLAC.

        A take that peaks over full scale is scaled down to fit: levels are set by measured loudness in the mix.
        """
        peak = float(np.abs(samples).max(initial=0.0))
        if peak > 0.999:
            samples = samples * np.float32(0.999 / peak)
        folder = self._json(key).parent
        folder.mkdir(parents=True, exist_ok=True)
        audio = folder / f"{key}.flac"
        with _replacing(audio) as tmp:
            sf.write(tmp, samples.T, sample_rate_hz, format="FLAC", subtype="PCM_24")
            digest = _sha256(tmp)
        take = Take(
            key=key,
            file=audio.relative_to(self.root).as_posix(),
            duration_s=round(samples.shape[1] / sample_rate_hz, 6),
            sample_rate_hz=sample_rate_hz,
            channels=samples.shape[0],
            sha256=digest,
            model=model,
            version=version,
            attempts=attempts,
            checks=checks,
            words=words,
            words_exact=words_exact,
            request=json.loads(json.dumps(asdict(request))),  # as it will be read again: lists, no tuples
        )
        with _replacing(self._json(key)) as tmp:
            tmp.write_text(take.model_dump_json(indent=1), encoding="utf-8")
        return take

    def _json(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"


class _replacing(contextlib.AbstractContextManager[Path]):
    """A temporary name beside `target`, synced and renamed onto it when the block ends well."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> Path:
        fd, name = tempfile.mkstemp(prefix=".", suffix=self.target.suffix + ".part", dir=self.target.parent)
        os.close(fd)
        self.tmp = Path(name)
        return self.tmp

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self.tmp.unlink(missing_ok=True)
            return
        with self.tmp.open("rb") as f:
            os.fsync(f.fileno())
        self.tmp.replace(self.target)


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
