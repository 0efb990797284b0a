"""From the people that attribution found to the characters of a novel: ids, names, aliases, gender, age and role."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from story.attribution.roster import Person, key, shown
from story.novel import Character, is_chinese
from story.people import age_of, gender_of

MIN_ALIAS = 2  # uses of a name, for it to be listed


def characters_of(
    people: Sequence[Person], lines: Counter[int], language: str, given: Sequence[Character]
) -> tuple[list[Character], dict[int, str]]:
    """Characters in order (narrator, given ones, then by lines) and the id of each person.

    A person without a line is left out unless a list gave them. There is always a narrator; in a first-person book
    that is whoever says "I".
    """
    by_id = {c.id: c for c in given}
    taken: set[str] = set(by_id)
    ids: dict[int, str] = {}
    found: list[Character] = []
    for index in sorted(range(len(people)), key=lambda i: (not people[i].narrator, -lines[i], i)):
        person = people[index]
        if person.given:
            ids[index] = person.id
            character = by_id[person.id].model_copy()
            if person.narrator:
                character.role = "narrator"
            found.append(character)
            continue
        if not lines[index] and not person.narrator:
            continue
        identifier = _free_id(person, taken, language)
        taken.add(identifier)
        ids[index] = identifier
        found.append(_character(person, identifier, language))
    order = {c.id: i for i, c in enumerate(given)}
    found.sort(key=lambda c: (c.role != "narrator", order.get(c.id, len(order))))
    if not any(c.role == "narrator" for c in found):
        found.insert(0, narrator(language, taken))
    return found, ids


def narrator(language: str, taken: set[str]) -> Character:
    name = "旁白" if is_chinese(language) else "Narrator"
    identifier = "narrator"
    while identifier in taken:
        identifier += "_"
    return Character(id=identifier, name=name, role="narrator")


def _character(person: Person, identifier: str, language: str) -> Character:
    aliases = [
        shown(a)
        for a, n in sorted(person.aliases.items(), key=lambda e: (-e[1], e[0]))
        if (n >= MIN_ALIAS or len(person.aliases) <= 4) and key(a) != key(person.name)
    ]
    name = person.name if is_chinese(language) else person.name[:1].upper() + person.name[1:]
    character = Character(
        id=identifier,
        name=name,
        aliases=list(dict.fromkeys(aliases)),
        gender=person.gender,
        age=person.age,
        role="narrator" if person.narrator else "crowd" if person.group else "minor",
    )
    if character.gender == "unknown":
        character.gender = gender_of(character, person.pronouns)[0]
    if character.age == "unknown":
        character.age = age_of(character)
    return character


def _free_id(person: Person, taken: set[str], language: str) -> str:
    if person.narrator and "narrator" not in taken:
        return "narrator"
    plain = unicodedata.normalize("NFKD", person.name).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") if not is_chinese(language) else ""
    base = base or re.sub(r"\W+", "_", person.name).strip("_") or "someone"
    identifier, n = base, 2
    while identifier in taken:
        identifier, n = f"{base}_{n}", n + 1
    return identifier
