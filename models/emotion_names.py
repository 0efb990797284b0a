"""Which row of models/data/emotions.json a person means by "angrily", "sad and weary" or “愤怒地”.

Apart from emotion.py because the model process asks too, and it has the standard library only.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

TABLE = Path(__file__).parent / "data" / "emotions.json"
Part = Literal["emotions", "styles"]
_BETWEEN = re.compile(r"[,;/|+&、，；和与]|\band\b|\bbut\b|\bwith\b|并且?|而又?|且")


@cache
def table() -> dict[str, Any]:
    """The mapping table as it stands in the file."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


@cache
def names(part: Part) -> dict[str, str]:
    """Every name and alias (as `key` writes it) → the row's name."""
    return {key(n): row["name"] for row in table()[part] for n in [row["name"], *row["aliases"]]}


@cache
def row(part: Part, name: str) -> dict[str, Any]:
    """The row of that exact name."""
    return next(r for r in table()[part] if r["name"] == name)


def key(name: str) -> str:
    """Names compare without case, hyphens, underscores and outer space."""
    return re.sub(r"[\s_-]+", " ", name.strip().lower())


def resolve(name: str, part: Part) -> str | None:
    """The row's name for what a person wrote, or None: exactly, as an adverb or noun, or by its first known part."""
    known = names(part)
    whole = key(name)
    parts = [p for p in (key(p) for p in _BETWEEN.split(whole)) if p]
    # then word by word from the end: "very angry", "in quiet despair"
    single = [word for p in parts for word in reversed(p.split(" "))]
    for form in [whole, *_stems(whole), *(f for p in [*parts, *single] for f in [p, *_stems(p)])]:
        if form in known and (form or not whole):
            return known[form]
    return None


def _stems(word: str) -> list[str]:
    """angrily → angry, sadly → sad, 愤怒地 → 愤怒, sadness → sad, 非常愤怒 → 愤怒."""
    out = []
    if word.endswith("ily"):
        out.append(word[:-3] + "y")
    if word.endswith("ly"):
        out += [word[:-2], word[:-2] + "e", word[:-1] + "e"]
    if word.endswith("ness"):
        out += [word[:-4], word[:-5] + "y"]
    out += [word[:-1]] if word[-1:] in {"地", "的", "着"} else []
    out += [re.sub(r"^(非常|十分|很|有点|有些|极度|极其|略带|略微|充满|感到)", "", w) for w in [word, *out]]
    return out
