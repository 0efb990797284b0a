"""A novel out in other forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from story.exporting.fountain import to_fountain
from story.exporting.ssml import to_ssml
from story.novel import Novel

EXPORTS: dict[str, Callable[[Novel], str]] = {".fountain": to_fountain, ".ssml": to_ssml}


def export(novel: Novel, path: Path) -> None:
    """Write `novel` in the form that the ending of `path` names (a key of EXPORTS)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(EXPORTS[path.suffix.lower()](novel), encoding="utf-8")
