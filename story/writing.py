"""Text files that appear whole or not at all, and say in a person's words why they can't."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from story.errors import InputError


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a UTF-8 file from its pieces, in place of one that may be there.

    Raises:
        InputError: it can't be written there; what was there stays.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        part = Path(name)
        with os.fdopen(fd, "wb") as f:
            f.writelines(piece.encode() for piece in pieces)
            f.flush()
            os.fsync(f.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        raise InputError(
            f"can't be written: {(problem.strerror or 'unknown').lower()}",
            where=str(path),
            remedy="free some space there" if full else "name another place",
        ) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
