"""A novel out in other forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from story.exporting.fountain import to_fountain
from story.exporting.ssml import to_ssml
from story.novel import Novel
from story.writing import write_whole

EXPORTS: dict[str, Callable[[Novel], str]] = {".fountain": to_fountain, ".ssml": to_ssml}


def export(novel: Novel, path: Path) -> None:
    """Write `novel` in the form that the ending of `path` names (a key of EXPORTS)."""
    write_whole(path, [EXPORTS[path.suffix.lower()](novel)])
