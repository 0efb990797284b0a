"""Encoded masters kept by content: a finished chapter is not encoded twice.

The key is a hash of the stems' bytes and of everything else that decides the encoded ones. A damaged entry is made
again, not trusted; the least recently used entries go when the folder grows past its limit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import av
import numpy as np

from mixing.contracts import AudioFormat, Check, Loudness
from mixing.profiles import Profile
from mixing.results import Mastered
from mixing.waveform import Waveform

LIMIT_BYTES = 20_000_000_000  # about 350 hours of AAC
_RECIPE = "1"  # raise it when mastering itself changes


def digest(paths: Iterable[Path]) -> str:
    """Hash of the files' contents, in their order."""
    parts = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            parts.update(hashlib.file_digest(file, "sha256").digest())
    return parts.hexdigest()


class EncodeCache:
    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, limit_bytes

    def key(
        self, source: str, profile: Profile, audio_format: AudioFormat, fixed_gain_db: float | None
    ) -> str:
        """`source` is the `digest` of what is mastered."""
        codec = profile.codecs[audio_format]
        what = {
            "recipe": _RECIPE,
            "source": source,
            "format": audio_format,
            "codec": codec.model_dump(),
            "rate_hz": profile.rate_hz(audio_format),
            "ceiling_dbtp": profile.ceiling(audio_format),
            "limits": profile.limits,
            "target": [profile.integrated_lufs, profile.rms_dbfs, fixed_gain_db],
            "libraries": [av.ffmpeg_version_info, version("pedalboard"), version("soxr")],
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def fetch(self, key: str, path: Path) -> Mastered | None:
        """Copy the entry's file to `path`; None if there is none or it is damaged."""
        audio, facts = self._paths(key)
        try:
            with np.load(facts, allow_pickle=False) as arrays:
                kept = json.loads(str(arrays["facts"]))
                energies, peaks, squares = (arrays[name] for name in ("energies", "peaks", "squares"))
            shutil.copyfile(audio, path)
            if digest([path]) != kept["sha256"]:
                return None
            os.utime(audio)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, EOFError, TypeError):
            return None
        return Mastered(
            gain_db=kept["gain_db"],
            loudness=Loudness(**kept["loudness"]),
            limited_share=kept["limited_share"],
            energies=energies,
            waveform=Waveform(peaks, squares, kept["frames"], kept["rate_hz"]),
            warnings=kept["warnings"],
            checks=[Check(**check) for check in kept["checks"]],
        )

    def keep(self, key: str, path: Path, made: Mastered) -> None:
        """A cache that can't be written (a full disk) is no reason to fail."""
        audio, facts = self._paths(key)
        incoming = audio.with_suffix(f".{os.getpid()}")
        kept = {
            "sha256": digest([path]),
            "gain_db": made.gain_db,
            "loudness": made.loudness.model_dump(),
            "limited_share": made.limited_share,
            "frames": made.waveform.frames,
            "rate_hz": made.waveform.rate_hz,
            "warnings": made.warnings,
            "checks": [check.model_dump() for check in made.checks],
        }
        packed = io.BytesIO()
        np.savez_compressed(
            packed,
            facts=np.array(json.dumps(kept)),
            energies=made.energies,
            peaks=made.waveform.peaks,
            squares=made.waveform.squares,
        )
        try:
            audio.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, incoming)
            incoming.replace(audio)
            incoming.write_bytes(packed.getvalue())
            incoming.replace(facts)
            self._shrink()
        except OSError:
            for leftover in (incoming, audio, facts):
                with suppress(OSError):
                    leftover.unlink()

    def _paths(self, key: str) -> tuple[Path, Path]:
        stem = self._folder / key[:2] / key
        return stem.with_suffix(".audio"), stem.with_suffix(".npz")

    def _shrink(self) -> None:
        entries = sorted((p.stat().st_mtime, p.stat().st_size, p) for p in self._folder.rglob("*.audio"))
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries[:-1]:
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            path.with_suffix(".npz").unlink(missing_ok=True)
            total -= size
