"""A book in a request's body: streamed to a file, never held in memory by the event loop, parsed in a thread."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Request

from app.problems import Problem


@contextlib.asynccontextmanager
async def body_file(request: Request, folder: Path, suffix: str) -> AsyncIterator[Path]:
    """The body in a temporary file; app/api/limits.py has bounded its size and time."""
    folder.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(prefix=".incoming-", suffix=suffix, dir=folder)
    path = Path(name)
    try:
        with os.fdopen(fd, "wb") as f:
            async for chunk in request.stream():
                f.write(chunk)
        yield path
    finally:
        path.unlink(missing_ok=True)


def require_json(request: Request) -> None:
    """A browser sends JSON to another site only after asking; other kinds it would send unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "unsupported_media_type", "send the body as Content-Type: application/json")
