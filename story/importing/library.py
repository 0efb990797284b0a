"""A book in any form as a novel file: imported once, kept by content, so that every command may be given the book.

The kept novel is named by a hash of the book, the choices made and the code that reads it: a changed book or a changed
Soundbound imports anew, and nothing stale is ever used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path

from story.importing.book import Imported, form_of, import_book
from story.importing.options import ReadOptions

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
        write_novel(import_book(path, options), kept)
    return kept


def write_novel(imported: Imported, path: Path) -> None:
    """Write the novel as JSON; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(novel_json(imported))
            f.flush()
            os.fsync(f.fileno())
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def novel_json(imported: Imported) -> bytes:
    """The novel's JSON, its defaults left out, with what was left out of it and why."""
    return (json.dumps(novel_tree(imported), ensure_ascii=False, indent=1) + "\n").encode()


def novel_tree(imported: Imported) -> dict:
    """The novel as a JSON tree; `import` says how it was made."""
    tree = imported.novel.model_dump(mode="json", exclude_defaults=True)
    tree = {
        "format": imported.novel.format,
        "title": imported.novel.title,
        "language": imported.novel.language,
    } | tree
    if imported.warnings or imported.left_out:
        left_out = [{"what": part.reason, "characters": len(part.text.strip())} for part in imported.left_out]
        tree["import"] = {"warnings": imported.warnings, "left_out": left_out}
    return tree


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
