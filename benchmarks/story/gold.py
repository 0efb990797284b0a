"""Reads the gold quotations (`gold-quotes/1`): spans without marks, speakers merged by alias (STORY: Evaluator)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

QUOTE_MARKS = "\"“”‘’'`「」『』—– \n\u3000"


@dataclass
class GoldCharacter:
    id: str
    name: str
    aliases: list[str]
    gender: str = "U"


@dataclass
class GoldQuote:
    spans: list[tuple[int, int]]
    speaker: str | None  # GoldCharacter.id
    type: str = ""


@dataclass
class GoldBook:
    id: str
    language: str
    text: str
    characters: list[GoldCharacter]
    quotes: list[GoldQuote]
    not_speech: list[tuple[int, int]] = field(default_factory=list)


def load_book(path: Path) -> GoldBook:
    raw = json.loads(path.read_text(encoding="utf-8"))
    with (path.parent / raw["text_file"]).open(encoding="utf-8", newline="") as f:
        text = f.read()
    characters, owner = _merged(raw["characters"])
    marks_included = "included" in raw["offsets"]
    quotes, not_speech = [], []
    for q in raw["quotes"]:
        spans = [_inner(text, s, e, strip=marks_included) for s, e in q["spans"]]
        if q.get("type") == "not_speech":
            not_speech += spans
            continue
        speaker = owner.get(str(q["speaker"])) if q["speaker"] is not None else None
        quotes.append(GoldQuote(spans, speaker, str(q.get("type") or "")))
    return GoldBook(raw["id"], raw["lang"], text, characters, quotes, not_speech)


def load_books(folder: Path) -> list[GoldBook]:
    return [load_book(p) for p in sorted(folder.glob("*.json"))]


def _inner(text: str, start: int, end: int, *, strip: bool) -> tuple[int, int]:
    drop = QUOTE_MARKS if strip else " \n\u3000"
    while start < end and text[start] in drop:
        start += 1
    while end > start and text[end - 1] in drop:
        end -= 1
    return start, end


def _merged(raw: list[dict]) -> tuple[list[GoldCharacter], dict[str, str]]:
    """Characters whose main name is another's alias become one; unique first and last names become aliases."""
    characters = [
        GoldCharacter(
            str(c["id"]),
            c.get("name") or _name_of(str(c["id"])),
            list(dict.fromkeys([c.get("name") or _name_of(str(c["id"])), *c.get("aliases", [])])),
            c.get("gender", "U"),
        )
        for c in raw
    ]
    by_alias: dict[str, list[GoldCharacter]] = {}
    for c in characters:
        for a in c.aliases:
            by_alias.setdefault(a, []).append(c)
    owner = {c.id: c.id for c in characters}
    for c in characters:
        others = [o for o in by_alias[c.name] if o is not c and owner[o.id] == o.id]
        if len(others) == 1 and owner[c.id] == c.id:
            owner[c.id] = others[0].id
            others[0].aliases = list(dict.fromkeys([*others[0].aliases, *c.aliases]))
    kept = [c for c in characters if owner[c.id] == c.id]
    parts: dict[str, set[str]] = {}
    for c in kept:
        for a in c.aliases:
            words = a.split()
            if words[0] in ("The", "A", "An"):
                continue
            if len(words) > 1 and words[0] not in TITLES and words[0][0].isupper():
                parts.setdefault(words[0], set()).add(c.id)
            if len(words) > 1:
                parts.setdefault(words[-1], set()).add(c.id)
    for c in kept:
        taken = {a for o in kept if o is not c for a in o.aliases}
        c.aliases += [
            p for p, who in parts.items() if who == {c.id} and p not in taken and p not in c.aliases
        ]
    return kept, owner


TITLES = {"Mr.", "Mrs.", "Miss", "Ms.", "Dr.", "The", "A", "An", "Sir", "Lady", "Lord", "Captain", "Colonel"}


def _name_of(identifier: str) -> str:
    """LitBank's ids carry the name: `Jack_Durbeyfield-0`."""
    return identifier.rsplit("-", 1)[0].replace("__", ". ").replace("_", " ").replace("  ", " ").strip()


def iou(a: tuple[int, int], b: tuple[int, int]) -> float:
    overlap = min(a[1], b[1]) - max(a[0], b[0])
    return max(0, overlap) / (max(a[1], b[1]) - min(a[0], b[0]))
