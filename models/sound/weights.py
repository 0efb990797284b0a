"""A version for gigabytes of weights, without reading all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SAMPLE = 1 << 20  # bytes read at the beginning, the middle and the end of each file


def revision(folder: Path, names: Iterable[str]) -> str:
    """A hash of the files' names, sizes and samples, 12 digits; "" if one is not there.

    safetensors begin with a table of every tensor, so another model, precision or shape is always another revision;
    the samples tell weights of the same shape apart.
    """
    digest = hashlib.sha256()
    for name in sorted(names):
        try:
            state = (folder / name).stat()
        except OSError:
            return ""
        digest.update(f"{name} {state.st_size} ".encode())
        digest.update(_sample(folder / name, state.st_size, state.st_mtime_ns))
    return digest.hexdigest()[:12]


@cache
def _sample(path: Path, size: int, mtime_ns: int) -> bytes:
    """`size` and `mtime_ns` make the cache forget a file that was replaced."""
    with path.open("rb") as f:
        digest = hashlib.sha256()
        for start in (0, size // 2, max(0, size - SAMPLE)):
            f.seek(start)
            digest.update(f.read(SAMPLE))
    return digest.digest()
