"""Several novel files as one book: a serial whose chapters come one file at a time. Pure.

A chapter's id comes from its file's name, so it stays what it is however many files come before or after it.
"""

from __future__ import annotations

import re
from collections import Counter

from story.novel import Chapter, Character, Novel


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts "chapter 9" before "chapter 10"."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]


def file_id(name: str) -> str:
    """A file's name as an id and a folder's name."""
    return re.sub(r"[^\w]+", "-", name.casefold()).strip("-_")[:60] or "part"


def merge(parts: list[tuple[str, Novel]]) -> Novel:
    """One novel from (file name without ending, novel), in natural order of the names.

    Title, author and language are the first part's. A character two files know is one; its aliases are put together.
    Numbers are kept if no two chapters share one, otherwise chapters are counted from 1.
    """
    parts = sorted(parts, key=lambda p: natural_key(p[0]))
    first = parts[0][1]
    chapters = [
        _as_own(chapter, name, len(novel.chapters) == 1)
        for name, novel in parts
        for chapter in novel.chapters
    ]
    shared = max(Counter(c.number for c in chapters).values()) > 1
    if shared:
        chapters = [c.model_copy(update={"number": n}) for n, c in enumerate(chapters, 1)]
    return first.model_copy(
        update={
            "characters": _characters([novel for _, novel in parts]),
            "pronunciation": {w: p for _, novel in parts for w, p in novel.pronunciation.items()},
            "chapters": sorted(chapters, key=lambda c: c.number),
        }
    )


def _as_own(chapter: Chapter, name: str, only: bool) -> Chapter:
    own = file_id(name) if only else f"{file_id(name)}-{chapter.id}"
    segments = [s.model_copy(update={"id": f"{own}-{n:04d}"}) for n, s in enumerate(chapter.segments, 1)]
    return chapter.model_copy(update={"id": own, "segments": segments})


def _characters(novels: list[Novel]) -> list[Character]:
    found: dict[str, Character] = {}
    for character in (c for novel in novels for c in novel.characters):
        known = found.get(character.id)
        if known is None:
            found[character.id] = character
        else:
            aliases = dict.fromkeys([*known.aliases, *character.aliases])
            found[character.id] = known.model_copy(update={"aliases": list(aliases)})
    return list(found.values())
