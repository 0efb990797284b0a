"""What the workers of cloning engines share. Runs under their own interpreters: standard library and numpy only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from models.base import CannotMake, SpeechRequest
from models.emotion_names import resolve


def clip_for(request: SpeechRequest, folder: str, with_emotion: bool = True) -> tuple[Path, bool]:
    """The voice's clip for the line: (its .wav in `folder`/<voice>/, whether it has the line's emotion itself)."""
    clips = request.voice.get("clips") or {}
    emotion = (resolve(request.emotion, "emotions") or "neutral") if with_emotion else "neutral"
    chosen = clips.get(emotion) or clips.get("neutral")
    if chosen is None:
        raise CannotMake("the voice has no neutral clip")
    wav = Path(folder) / request.voice["name"] / f"{chosen['file']}.wav"
    return wav, emotion != "neutral" and emotion in clips


def language_of(request: SpeechRequest, known: dict[str, Any]) -> Any:
    """The engine's own name for the line's language."""
    primary = request.language.lower().split("-")[0]
    if primary not in known:
        raise CannotMake(f"it does not speak {request.language} (it speaks {', '.join(sorted(known))})")
    return known[primary]


def seed_of(request: SpeechRequest) -> int:
    """Another attempt is another seed."""
    return (request.seed + 7919 * request.attempt) % 2**31


def seed_everything(seed: int) -> None:
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # every device's generator


def weights_version(engine: str, code: str, folder: Path, settings: dict[str, Any]) -> str:
    """Version of code, weights (names and sizes of all files, contents of the small ones) and other settings; "" if
    there are no weights."""
    files = (
        sorted(p for p in folder.rglob("*") if p.is_file() and ".cache" not in p.parts)
        if folder.is_dir()
        else []
    )
    if not any(p.stat().st_size > 0 for p in files):
        return ""
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size} ".encode())
        with path.open("rb") as f:
            digest.update(f.read(1 << 16))
            f.seek(max(0, size - (1 << 16)))
            digest.update(f.read())
    heard = {k: v for k, v in sorted(settings.items()) if k not in ("weights", "voices")}
    return f"{engine}/{code}/{digest.hexdigest()[:12]}/{json.dumps(heard, sort_keys=True)}"
