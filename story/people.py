"""What a text tells of a character's gender and age where the character list does not say.

First the words people are called by ("Mrs", "old", 大妈), then the pronouns narration uses right after their lines and
their names. Evidence decides only when it is clear; otherwise nothing is known, and the cast says so.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files

from story.novel import Age, Character, Gender, Novel, Segment
from story.speakers import folded

_AGES: tuple[Age, ...] = ("child", "young", "old")  # those that words tell (data/people_words.json)
CLEAR = 3.0  # times as much evidence for one gender as for the other
ENOUGH = 2  # pronouns; a single one may be someone else's
_TAG_CHARS = 60  # of the narration after a line: `he cried, "…`
_NEAR_CHARS = 80  # after a name, to the end of its sentence at most


def gender_of(character: Character, pronouns: Counter[str]) -> tuple[Gender, str]:
    """(gender, why) from the list, the name, the description, or pronoun counts {"female": n, "male": m}."""
    if character.gender != "unknown":
        return character.gender, character.gender
    for texts in ([character.name, *character.aliases], [character.description or ""]):
        votes = _votes("gender", texts)
        if votes["female"] != votes["male"]:
            best = max(("female", "male"), key=lambda g: votes[g])
            return best, f"{best} by name or description"
    female, male = pronouns["female"], pronouns["male"]
    if max(female, male) >= ENOUGH and max(female, male) >= CLEAR * min(female, male):
        best = "female" if female > male else "male"
        return best, f"{best} by {max(female, male)} pronouns"
    return "unknown", "gender unknown"


def age_of(character: Character) -> Age:
    if character.age != "unknown":
        return character.age
    votes = _votes("age", [character.name, *character.aliases, character.description or ""])
    best = max(_AGES, key=lambda age: votes[age])
    return best if votes[best] else "unknown"


def coin(character_id: str) -> Gender:
    """A gender for someone the text says nothing of: about half and half, always the same for the same id."""
    return "female" if hashlib.sha256(folded(character_id).encode()).digest()[0] % 2 else "male"


def pronoun_evidence(novel: Novel) -> dict[str, Counter[str]]:
    """For each character of unknown gender, how often narration near their lines and names says she or he."""
    unknown = {c.id: c for c in novel.characters if c.gender == "unknown" and c.role != "narrator"}
    evidence = {i: Counter[str]() for i in unknown}
    narration = "\n".join(s.content for c in novel.chapters for s in c.segments if s.type == "narration")
    patterns = _pronouns(she_is_written="她" in narration)
    for chapter in novel.chapters:
        for line, after in zip(chapter.segments, chapter.segments[1:], strict=False):
            if line.speaker in unknown and line.type == "dialogue" and _same_breath(line, after):
                for gender, pattern in patterns.items():
                    evidence[line.speaker][gender] += len(pattern.findall(after.content[:_TAG_CHARS]))
    for character in unknown.values():
        for name in {character.name, *character.aliases}:
            if len(name) < 2:
                continue
            for found in re.finditer(re.escape(name), narration):
                near = re.split(r"[.!?。！？;；\n]", narration[found.end() : found.end() + _NEAR_CHARS])[0]
                for gender, pattern in patterns.items():
                    evidence[character.id][gender] += bool(pattern.search(near))
    return evidence


def _same_breath(line: Segment, after: Segment) -> bool:
    return after.type == "narration" and (after.paragraph is None or after.paragraph == line.paragraph)


@cache
def _words() -> dict:
    return json.loads(files("story").joinpath("data/people_words.json").read_text(encoding="utf-8"))


def _pronouns(*, she_is_written: bool) -> dict[str, re.Pattern[str]]:
    """Before the 1920s Chinese wrote 他 for everyone: 他 is evidence only in a book that also writes 她."""
    table = _words()["pronouns"]
    found = {}
    for gender in ("female", "male"):
        chinese = table[gender]["zh"] if she_is_written else []
        found[gender] = re.compile(
            "|".join([rf"\b(?:{'|'.join(table[gender]['en'])})\b", *chinese]), re.IGNORECASE
        )
    return found


@cache
def _patterns(kind: str) -> dict[str, re.Pattern[str]]:
    found = {}
    for value, languages in _words()[kind].items():
        chinese = [f"{w[1:]}$" if w.startswith("$") else re.escape(w) for w in languages["zh"]]
        english = rf"\b(?:{'|'.join(languages['en'])})\b"
        found[value] = re.compile("|".join([english, *chinese]), re.IGNORECASE)
    return found


def _votes(kind: str, texts: list[str]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for text in texts:
        for value, pattern in _patterns(kind).items():
            votes[value] += bool(pattern.search(text))
    return +votes
