"""What a folder of recordings holds: UCS file names, a manifest, and a hash of its content.

Professional libraries name files `CatID_Name_Creator_Source.wav` (Universal Category System); a `library.json`
beside the recordings can name them instead: a list of `{"file", "ucs" | "sound", "title", "prompt", "licence",
"attribution", "kind"}`, where `sound` is an id of story/data/sounds.json and `kind` is bed or effect.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from story.errors import InputError

MANIFEST = "library.json"
MANIFEST_KEYS = {"file", "ucs", "sound", "title", "prompt", "licence", "attribution", "kind"}
EXTENSIONS = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"}


@dataclass(frozen=True)
class Recording:
    """One file of the library and what is known of it."""

    path: Path
    name: str  # relative to the folder, with forward slashes: the stable identity and sorting key
    ucs: str
    sound: str
    words: frozenset[str]
    credit: str = ""
    kind: str = ""  # bed | effect | "" for either


@dataclass(frozen=True)
class _Digest:
    """A file's content hash, valid while its size and time stay."""

    size: int
    mtime_ns: int
    sha256: str


_DIGESTS: dict[Path, _Digest] = {}  # of this process: several engines may look at one folder
_LOCK = threading.Lock()


def read_folder(folder: Path) -> list[Recording]:
    """Everything usable in a folder: the manifest's entries, then UCS-named files it does not list; sorted.

    Raises:
        InputError: the manifest is wrong; names the entry.
    """
    found = {r.name: r for r in _manifest(folder)}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if (
            name in found
            or path.suffix.lower() not in EXTENSIONS
            or any(p.startswith(".") for p in path.parts[-2:])
        ):
            continue
        catid = _catid(path.stem)
        if catid and path.is_file():
            rest = path.stem[len(catid) :]
            found[name] = Recording(path, name, catid, "", words_of(rest))
    return [found[name] for name in sorted(found)]


def _catid(stem: str) -> str:
    """The CatID a UCS file name starts with, without a user category (`DOORWood-Slam_…`), or ""."""
    head, bar, _ = stem.partition("_")
    catid = head.partition("-")[0]
    # CATShort in capitals, then a capitalised subcategory: DOORWood, AMBSea; some stand alone: RAIN, THUN
    return catid if bar and re.fullmatch(r"[A-Z]{2,6}(?:[A-Z][a-z0-9]\w*)?", catid) else ""


def words_of(text: str) -> frozenset[str]:
    """Word stems of a name or prompt (slams, Slamming → slam); CJK characters one by one."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return frozenset(
        {_stem(w) for w in re.findall(r"[a-z]{3,}", spaced.lower())} | set(re.findall(r"[一-鿿]", text))
    )


def _stem(word: str) -> str:
    """English endings off: enough to match a prompt's verb with a file name's noun."""
    stem = re.sub(r"(?:ing|ed|es|s|e)$", "", word)
    stem = word if len(stem) < 3 else stem
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem


def _manifest(folder: Path) -> list[Recording]:
    """The entries of library.json, checked one by one."""
    path = folder / MANIFEST
    if not path.exists():
        return []
    where = str(path)
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the manifest can't be read: {error}", where=where, remedy="save it as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"the manifest is not JSON: {error.msg} at line {error.lineno} column {error.colno}", where=where
        ) from error
    if not isinstance(rows, list):
        raise InputError(
            "the manifest must be a list of recordings", where=where, remedy='write [{"file": …, "ucs": …}]'
        )
    return [_entry(folder, row, f"{where}: entry {i}") for i, row in enumerate(rows, 1)]


def _entry(folder: Path, row: Any, where: str) -> Recording:
    """One manifest entry; raises InputError for what is missing, unknown or outside the folder."""
    if not isinstance(row, dict):
        raise InputError("an entry must be an object", where=where)
    unknown = sorted(set(row) - MANIFEST_KEYS)
    if unknown:
        raise InputError(
            f"unknown key {unknown[0]!r}", where=where, remedy=f"use {', '.join(sorted(MANIFEST_KEYS))}"
        )
    for key, value in row.items():
        if not isinstance(value, str):
            raise InputError(f"{key!r} must be text", where=where)
    if not row.get("file"):
        raise InputError("`file` is missing", where=where)
    if not row.get("ucs") and not row.get("sound"):
        raise InputError("an entry needs `ucs` or `sound`", where=where, remedy="say what the recording is")
    if row.get("kind", "") not in ("", "bed", "effect"):
        raise InputError("`kind` must be bed or effect", where=where)
    path = (folder / row["file"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError(
            f"{row['file']} lies outside the library", where=where, remedy="keep recordings inside it"
        )
    if not path.is_file():
        raise InputError(
            f"{row['file']} does not exist", where=where, remedy="correct the name or drop the entry"
        )
    name = path.relative_to(folder.resolve()).as_posix()
    words = words_of(" ".join((row.get("title", ""), row.get("prompt", ""), Path(name).stem)))
    credit = row.get("attribution", "")
    if credit and row.get("licence"):
        credit = f"{credit} ({row['licence']})"
    return Recording(path, name, row.get("ucs", ""), row.get("sound", ""), words, credit, row.get("kind", ""))


def content_hash(recordings: list[Recording]) -> str:
    """A hash of what can be heard and said: every recording's name, meaning and content."""
    total = hashlib.sha256()
    for r in recordings:
        row = [r.name, r.ucs, r.sound, sorted(r.words), r.kind, _sha256(r.path)]
        total.update(json.dumps(row, ensure_ascii=False).encode())
    return total.hexdigest()[:16]


def _sha256(path: Path) -> str:
    """A file's content hash, remembered while its size and modification time stay the same."""
    try:
        stat = path.stat()
        with _LOCK:
            known = _DIGESTS.get(path)
        if known and (known.size, known.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return known.sha256
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"the recording can't be read: {error.strerror}", where=str(path)) from error
    with _LOCK:
        _DIGESTS[path] = _Digest(stat.st_size, stat.st_mtime_ns, digest)
    return digest
