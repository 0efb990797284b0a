"""A book in any form as a novel file: imported once, kept by content, so that every command may be given the book.

The kept novel is named by a hash of the book, the choices made and the code that reads it: a changed book or a changed
Soundbound imports anew, and nothing stale is ever used.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from story.importing.book import Imported, form_of, import_book
from story.importing.options import ReadOptions
from story.novel_file import write_novel

BOOKS = "books"  # the folder of kept novels in Soundbound's home
_CODE = Path(__file__).parents[1]


def novel_file(path: Path, shelf: Path, options: ReadOptions | None = None) -> Path:
    """The novel JSON for a book: the file itself if it is one, otherwise one kept in `shelf`.

    Raises:
        InputError: the book can't be read.
    """
    path = Path(path)
    if form_of(path) == "json":
        return path
    options = options or ReadOptions()
    kept = shelf / f"{_safe(path.stem)}-{_key(path, options)}.json"
    if not kept.is_file():
        write_imported(import_book(path, options), kept)
    return kept


def write_imported(imported: Imported, path: Path) -> None:
    """Write the novel as JSON, with what was left out of it and why; it appears whole or not at all."""
    write_novel(imported.novel, path, import_facts(imported))


def import_facts(imported: Imported) -> dict[str, Any]:
    """What the novel's file says of its making, under "import"."""
    if not imported.warnings and not imported.left_out:
        return {}
    left_out = [{"what": part.reason, "characters": len(part.text.strip())} for part in imported.left_out]
    return {"import": {"warnings": imported.warnings, "left_out": left_out}}


def _key(path: Path, options: ReadOptions) -> str:
    digest = hashlib.sha256(_code_digest())
    digest.update(f"{path.suffix.lower()}\0{path.stem}\0{options.model_dump_json()}\0".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


@cache
def _code_digest() -> bytes:
    digest = hashlib.sha256()
    for file in sorted(_CODE.rglob("*")):
        if file.suffix in {".py", ".json"}:
            digest.update(file.read_bytes())
    return digest.digest()


def _safe(stem: str) -> str:
    return "".join(c if c.isalnum() or c in "-_ " else "-" for c in stem)[:60].strip() or "book"
