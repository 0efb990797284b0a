"""VoxNovel's table: CSV with the columns Text, Is Quote and Speaker, and perhaps Chapter."""

from __future__ import annotations

import csv
import io
import re

from story.errors import InputError
from story.importing.scripts.tree import NARRATOR, Tree
from story.speakers import is_narrator_name

_NEEDED = {"text", "speaker"}
_GENDER_END = re.compile(r"[.:_ ]\(?(?P<g>[MF])\)?(?:[.:_]\d+)?$")
_GENDERS = {"M": "male", "F": "female"}
_YES = {"true", "1", "yes", "wahr"}


def read_table(text: str, where: str) -> Tree:
    """
    Raises:
        InputError: it lacks the columns, or is no CSV.
    """
    csv.field_size_limit(1 << 24)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""))
        columns = {(name or "").strip().casefold(): name for name in rows.fieldnames or []}
        if not columns.keys() >= _NEEDED:
            have = ", ".join(n for n in columns.values() if n)[:120] or "none"
            raise InputError(
                f"the table lacks the columns Text and Speaker (it has: {have})",
                where=where,
                remedy="give VoxNovel's book.csv, or name the columns so",
            )
        tree = Tree()
        before: str | None = None
        for row in rows:
            chapter = (row.get(columns.get("chapter", "")) or "").strip()
            if chapter != before and (chapter or before is None):
                tree.chapter(f"Chapter {chapter}" if chapter.isdecimal() else chapter)
                before = chapter
            _row(tree, {key: (row.get(name) or "").strip() for key, name in columns.items()})
    except csv.Error as problem:
        raise InputError(
            f"this is no CSV table ({problem})", where=where, remedy="save it as CSV with commas, in UTF-8"
        ) from None
    return tree


def _row(tree: Tree, row: dict[str, str]) -> None:
    name = row["speaker"] or NARRATOR
    if found := _GENDER_END.search(name):
        name = name[: found.start()].strip() or name
        tree.genders[name] = _GENDERS[found["g"]]
    quote = row.get("is quote", row.get("is_quote", "")).casefold()
    told = is_narrator_name(name)
    spoken = quote in _YES if quote else not told
    text = " ".join(row["text"].split())
    if not any(c.isalnum() for c in text):
        return
    if told:
        name = NARRATOR
    tree.line(
        "dialogue" if spoken and not told else "narration",
        text.strip('"“”「」 ') if spoken and not told else text,
        name,
    )
