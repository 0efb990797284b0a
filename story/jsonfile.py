"""Reading a JSON file that a person made: every way it can be wrong ends in one line they can act on.

Used for novels and for cast files. What comes back is plain and safe to walk: finite numbers, no duplicate keys, no
lone surrogates or control characters, nested no deeper than `MAX_DEPTH`.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from story.encodings import decode
from story.errors import InputError

MAX_DEPTH = 64  # a novel needs 6; Python's own reader gives up near 1000
_EMPTY = {"book": "copy or download the book again"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
Path_ = tuple[str | int, ...]
"""A place in a JSON tree: keys and list positions from the root."""


def mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


def read_json(path: Path, *, max_bytes: int, error: type[InputError] = InputError, kind: str = "file") -> Any:
    """The parsed content of a UTF-8 (or BOM-marked UTF-16/32) JSON file.

    Args:
        kind: what the file should be, for messages ("novel", "cast file").
    Raises:
        error: with the file's name, what is wrong and what to do.
    """
    return parse_json(decode(read_bytes(path, max_bytes, error, kind), str(path), error), str(path), error)


def parse_json(text: str, where: str, error: type[InputError] = InputError) -> Any:
    """`text` as a plain tree; raises `error` with line and column for anything but strict JSON."""
    if not text.strip("\ufeff \t\r\n"):
        raise error("the file is empty", where=where, remedy="write the JSON into it")

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(k for k, _ in pairs if k in seen or seen.add(k))
            start = clip(json.dumps(found, ensure_ascii=False, default=str), 60)
            raise error(
                f"the key {quote(twice)} stands twice in one object, which starts {start}",
                where=where,
                remedy="keep one of the two",
            )
        return found

    def no_constants(name: str) -> NoReturn:
        raise error(
            f"{name} is not a JSON number", where=where, remedy="write a number, or leave the field out"
        )

    def finite(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise error(
                f"the number {clip(digits, 20)} is too large", where=where, remedy="write a smaller one"
            )
        return value

    try:
        return json.loads(
            text, object_pairs_hook=no_duplicates, parse_constant=no_constants, parse_float=finite
        )
    except json.JSONDecodeError as problem:
        raise _broken(text, problem, where, error) from None
    except RecursionError:
        raise _too_deep(where, error) from None
    except ValueError:  # an integer of more digits than Python converts
        raise error(
            "a number has too many digits", where=where, remedy="write it as text in quotes"
        ) from None


def check_tree(
    data: Any, where: str, error: type[InputError] = InputError, place: Callable[[Path_], str] | None = None
) -> None:
    """Refuses what no part of the pipeline could handle, wherever it hides in the tree.

    Args:
        place: turns a path in the tree into words ("chapter 5, segment x, field content").
    Raises:
        error: not JSON-like types, too deep, NaN or infinity, lone surrogates, control characters.
    """

    def fail(message: str, at: Path_, remedy: str) -> NoReturn:
        spot = place(at) if place else ".".join(map(str, at))
        raise error(message, where=f"{where}, {spot}" if spot else where, remedy=remedy)

    stack: list[tuple[Any, Path_]] = [(data, ())]
    while stack:
        value, at = stack.pop()
        if len(at) > MAX_DEPTH:
            raise _too_deep(where, error)
        if isinstance(value, str):
            _check_text(value, at, fail)
        elif isinstance(value, dict):
            for key, child in value.items():
                if not isinstance(key, str):
                    fail(f"the key {key!r} is not text", at, "put it in quotes")
                _check_text(key, at, fail)
                stack.append((child, (*at, key)))
        elif isinstance(value, list):
            stack.extend((child, (*at, i)) for i, child in enumerate(value))
        elif isinstance(value, float):
            if not math.isfinite(value):
                fail("the number is not finite", at, "write a number, or leave the field out")
        elif not (value is None or isinstance(value, bool | int)):
            fail(f"a {type(value).__name__} is not JSON", at, "use text, numbers, lists and objects only")


def _check_text(text: str, at: Path_, fail: Callable[[str, Path_, str], NoReturn]) -> None:
    if found := _SURROGATE.search(text):
        code = f"\\u{ord(found[0]):04x}"
        fail(f"holds half a character ({code})", at, "write the character itself or both halves of the pair")
    if found := _CONTROL.search(text):
        code = f"\\u{ord(found[0]):04x}"
        fail(
            f"holds a control character ({code}) after {quote(text[: found.start()][-20:])}", at, "delete it"
        )


def _too_deep(where: str, error: type[InputError]) -> InputError:
    return error(
        f"nested deeper than {MAX_DEPTH} levels", where=where, remedy="flatten it, a novel needs six levels"
    )


def read_bytes(path: Path, max_bytes: int, error: type[InputError] = InputError, kind: str = "file") -> bytes:
    """A regular file's content, at most `max_bytes`; raises `error` with a remedy for everything that can be wrong."""
    where = str(path)
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            inside = [name for name in _names(path) if _is_kind(name, kind)]
            hint = (
                f"name a file in it, such as {', '.join(inside[:3])}"
                if inside
                else f"name the {kind} file itself"
            )
            raise error("this is a folder, not a file", where=where, remedy=hint)
        if not stat.S_ISREG(info.st_mode):
            raise error("this is not a regular file", where=where, remedy=f"name a {kind} file on disk")
        if info.st_size > max_bytes:
            raise _too_large(info.st_size, max_bytes, where, error)
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise error("no such file", where=where, remedy=_nearest_file(path, kind)) from None
    except PermissionError:
        raise error(
            "may not be read", where=where, remedy=f"give yourself the right: chmod u+r {path.name}"
        ) from None
    except ValueError:  # a null byte in the name
        raise error("this is no file name", where=repr(where), remedy=f"name a {kind} file") from None
    except OSError as problem:
        reason = (problem.strerror or "unreadable").lower()
        raise error(
            f"can't be read: {reason}", where=clip(where, 120), remedy="check the name and the disk"
        ) from None
    if len(raw) > max_bytes:
        raise _too_large(len(raw), max_bytes, where, error)
    if not raw:
        raise error(
            "the file is empty", where=where, remedy=_EMPTY.get(kind, f"write the {kind} into it, as JSON")
        )
    return raw


def _too_large(size: int, max_bytes: int, where: str, error: type[InputError]) -> InputError:
    return error(
        f"{mebibytes(size)} is over the limit of {mebibytes(max_bytes)}",
        where=where,
        remedy="split it into several files, a volume each",
    )


def _nearest_file(path: Path, kind: str) -> str:
    """Files with a similar name (the ending does not count as likeness), else those of its kind in its folder."""
    try:
        names = [
            n for n in _names(path.parent) if _is_kind(n, kind) or n.endswith(path.suffix.lower() or "\0")
        ]
    except OSError:
        return f"there is no folder {path.parent} either; check the path"
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(Path(name).stem.casefold(), []).append(name)
    near = difflib.get_close_matches(path.stem.casefold(), list(by_stem), n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join([n for stem in near for n in by_stem[stem]][:3])}?"
    alike = [n for n in names if Path(n).suffix.lower() == path.suffix.lower()] or [
        n for n in names if kind in _ENDINGS
    ]
    if not alike:
        return f"check the path of the {kind} file"
    more = f" and {len(alike) - 3} more" if len(alike) > 3 else ""
    return f"that folder has {', '.join(alike[:3])}{more}"


_ENDINGS = {"book": (".epub", ".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".fountain", ".csv")}


def _is_kind(name: str, kind: str) -> bool:
    return name.lower().endswith(_ENDINGS.get(kind, (".json",)))


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _broken(text: str, problem: json.JSONDecodeError, where: str, error: type[InputError]) -> InputError:
    lines = text.splitlines() or [""]
    line = lines[min(problem.lineno, len(lines)) - 1]
    start = max(0, problem.colno - 31)
    excerpt = line[start : problem.colno + 29].strip()
    excerpt = ("…" if start else "") + excerpt + ("…" if len(line) > problem.colno + 29 else "")
    reason, remedy = _reason(text, problem)
    message = f"broken JSON at line {problem.lineno}, column {problem.colno}: {reason}"
    return error(message + (f", near «{_printable(excerpt)}»" if excerpt else ""), where=where, remedy=remedy)


def _reason(text: str, problem: json.JSONDecodeError) -> tuple[str, str]:
    """(what is wrong, what to do) in a person's words for one of json's own messages."""
    here = text[problem.pos : problem.pos + 1]
    before = text[: problem.pos].rstrip()
    if not text[problem.pos :].strip() and "Unterminated" not in problem.msg:
        return "the file ends too early", "it was cut off: copy it again, or close the open brackets"
    if here in "“”‘’「」＂":
        return (
            f"a typographic quotation mark {here} stands where JSON needs a plain one",
            'use " around names and text',
        )
    if here == "'":
        return "single quotation marks", 'JSON needs " around names and text'
    if text.startswith(("//", "/*"), problem.pos) or here == "#":
        return "a comment", "JSON has no comments: delete it"
    if here in "}]" and before.endswith(","):
        return "a comma with nothing after it", f"delete the comma before {here}"
    if problem.pos and text[problem.pos - 1 : problem.pos] == "," and "property name" in problem.msg:
        return "a comma with nothing after it", "delete the comma"
    if here == "，":
        return "a full-width comma stands where JSON needs a plain one", "write , instead of ，"
    if problem.msg.startswith("Extra data"):
        return (
            "the JSON ends before here, yet more follows",
            "keep one value only; several need [ ] around them",
        )
    if problem.msg.startswith("Invalid control character"):
        return (
            "a raw line break or tab inside text",
            "write \\n for a line break, or close the quotation mark",
        )
    if problem.msg.startswith("Unterminated string"):
        return "a text that begins here never ends", 'close it with "'
    if problem.msg.startswith("Invalid \\"):
        return "a backslash that means nothing", "write \\\\ for a backslash"
    if "delimiter" in problem.msg:
        mark = problem.msg.split("'")[1] if "'" in problem.msg else ","
        return f"a {mark} is missing", f'add {mark}, and write \\" for a quotation mark inside text'
    return problem.msg[:1].lower() + problem.msg[1:], "check the brackets, commas and quotation marks there"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def clip(text: str, limit: int) -> str:
    """`text` on one line, cut to `limit` characters with an ellipsis."""
    text = " ".join(_printable(text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quote(text: str, limit: int = 60) -> str:
    return f"“{clip(text, limit)}”"


def nearest(word: str, candidates: list[str], count: int = 3) -> list[str]:
    """The candidates most like `word`, ignoring case; those that contain it or are contained count as near."""
    folded = {c: c.casefold() for c in candidates}
    target = word.casefold().strip()
    inside = [c for c, f in folded.items() if min(len(target), len(f)) > 1 and (target in f or f in target)]
    close = {f: c for c, f in reversed(folded.items())}
    like = [close[f] for f in difflib.get_close_matches(target, list(close), n=count, cutoff=0.5)]
    return list(dict.fromkeys([*like, *inside]))[:count]
