"""Writing a novel as JSON, piece by piece: a long book's text as one string would take more memory than the book."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from story.novel import Novel
from story.writing import write_whole

_FIRST = ("format", "title", "language")  # always written, at the top


def novel_pieces(novel: Novel, facts: dict[str, Any] | None = None) -> Iterator[str]:
    """The novel's JSON, defaults left out, a chapter at a time.

    Args:
        facts: what else to write at the end, beside the novel's own fields.
    """
    tree = novel.model_dump(mode="json", exclude_defaults=True, exclude={"chapters"})
    tree = {name: getattr(novel, name) for name in _FIRST} | tree
    extra = {name: tree.pop(name) for name in [*tree] if name not in Novel.model_fields} | (facts or {})
    yield "{\n"
    for name, value in tree.items():
        yield f" {_member(name, value)},\n"
    yield ' "chapters": ['
    for i, chapter in enumerate(novel.chapters):
        text = chapter.model_dump_json(indent=1, exclude_defaults=True)
        yield ("," if i else "") + "\n  " + text.replace("\n", "\n  ")
    yield "\n ]" if novel.chapters else "]"
    for name, value in extra.items():
        yield f",\n {_member(name, value)}"
    yield "\n}\n"


def _member(name: str, value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n ")
    return f"{json.dumps(name, ensure_ascii=False)}: {written}"


def write_novel(novel: Novel, path: Path, facts: dict[str, Any] | None = None) -> None:
    """Write the novel as JSON; it appears whole or not at all. For `facts` see novel_pieces.

    Raises:
        InputError: it can't be written there.
    """
    write_whole(path, novel_pieces(novel, facts))
