"""`characters.json`: who there is in a book, for people to read and edit. It wins over what the text seems to say.

    {"format": "soundbound.characters/1", "characters": [{"id": "pew", "name": "Pew", "aliases": ["the blind man"],
                                                          "gender": "male", "age": "old"}]}

Move an alias from one entry to another to split or merge people, delete an entry to drop it, then attribute anew. A
novel's own `characters` are read the same way, so are a bare list and `{"characters": […]}`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from story.errors import InputError
from story.jsonfile import check_tree, quote, read_json
from story.novel import Character
from story.speakers import folded

FORMAT = "soundbound.characters/1"
MAX_BYTES = 64 * 2**20  # a whole novel is read too


def read_characters(path: Path) -> list[Character]:
    """The characters of a file, in its order.

    Raises:
        InputError: the file can't be read, holds no characters, or two of them share an id.
    """
    data = read_json(path, max_bytes=MAX_BYTES, kind="characters file")
    check_tree(data, str(path))
    entries = data.get("characters") if isinstance(data, dict) else data
    if not isinstance(entries, list) or not entries:
        raise InputError(
            "no characters in this file",
            where=str(path),
            remedy='write {"characters": [{"name": "…", "aliases": ["…"]}]}',
        )
    return [_character(entry, i, path) for i, entry in enumerate(_with_ids(entries, path))]


def _with_ids(entries: list[Any], path: Path) -> list[dict[str, Any]]:
    found = []
    for i, entry in enumerate(entries):
        entry = {"name": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, dict):
            raise InputError(
                f"entry {i + 1} is neither a name nor an object",
                where=str(path),
                remedy="see docs/speakers.md",
            )
        entry = {k: v for k, v in entry.items() if v is not None}
        identifier = str(entry.get("id", entry.get("name", "")))
        found.append({**entry, "id": identifier, "name": entry.get("name", identifier)})
    twice = [i for i, n in Counter(e["id"] for e in found).items() if n > 1]
    if twice:
        raise InputError(
            f"two characters have the id {quote(twice[0], 40)}",
            where=str(path),
            remedy="give one of them another id",
        )
    return found


def _character(entry: dict[str, Any], i: int, path: Path) -> Character:
    gender = str(entry.get("gender", "")).strip().lower()
    entry["gender"] = {"f": "female", "m": "male", "n": "neutral", "u": "unknown", "": "unknown"}.get(
        gender, gender
    )
    try:
        return Character.model_validate(entry)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(p) for p in first["loc"])
        raise InputError(
            f"character {i + 1} ({quote(entry['id'], 40)}): {first['msg']}",
            where=f"{path}, field {field}",
            remedy="see docs/speakers.md",
        ) from None


def shared_names(characters: Sequence[Character]) -> list[str]:
    """Names and aliases that two characters have; the first one is meant by them."""
    owners = Counter(n for c in characters for n in {folded(a) for a in [c.name, *c.aliases]})
    return sorted(n for n, count in owners.items() if count > 1)


def characters_json(characters: Sequence[Character]) -> str:
    entries = [c.model_dump(mode="json", exclude_none=True) for c in characters]
    return json.dumps({"format": FORMAT, "characters": entries}, ensure_ascii=False, indent=1) + "\n"
