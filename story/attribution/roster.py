"""The people of a book and the names they go by: whom a name means, and people from a list that a person gave."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from story.attribution.names import (
    not_names,
    parse,
    place_words,
    soft_titles,
    titles,
)
from story.novel import Age, Gender

Words = tuple[str, ...]
"""A name's words; never empty."""


@dataclass(slots=True)
class Person:
    """One character.

    Attributes:
        id: stable, unique in the book.
        name: as shown.
        aliases: surface → how often the text uses it.
        given: from a character list; such a person is kept whatever the text says.
        nameless: known only by a noun ("the landlord").
    """

    id: str
    name: str
    aliases: Counter[str] = field(default_factory=Counter)
    gender: Gender = "unknown"
    age: Age = "unknown"
    given: bool = False
    nameless: bool = False
    group: bool = False
    narrator: bool = False
    pronouns: Counter[str] = field(default_factory=Counter)


class Roster:
    """The people, and whom a name means."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = list(people)
        self._owner: dict[str, int] = {}
        for index, person in enumerate(self.people):
            for alias in [person.name, *person.aliases]:
                self._owner.setdefault(key(alias), index)
        self._nouns: dict[str, int] = {}

    def add(self, person: Person) -> int:
        self.people.append(person)
        index = len(self.people) - 1
        for alias in [person.name, *person.aliases]:
            self._owner.setdefault(key(alias), index)
        return index

    def alias(self, surface: str, index: int) -> None:
        self._owner.setdefault(key(surface), index)

    def find(self, words: Words) -> int | None:
        """Whom these words name: whole, then without soft titles, then by their longest known part."""
        found = self._owner.get(key(" ".join(words)))
        count = len(words)
        if found is not None or count == 1:
            return found
        soft, known = soft_titles(), titles()
        if words[0] in soft:
            return self.find(words[1:])
        if words[0] in known and count > 2:
            found = self._owner.get(key(" ".join((words[0], words[-1]))))
            if found is not None:
                return found
        if words[0] not in known:
            for part in (words[:-1], words[1:]):
                found = self._owner.get(key(" ".join(part)))
                if found is not None and words[-1] not in place_words():
                    return found
            return None
        found = self._owner.get(key(" ".join(words[1:])))
        if found is not None:
            person, told = self.people[found], titles()[words[0]]
            if "unknown" in (person.gender, told) or person.gender == told:
                return found
        return None

    def find_text(self, text: str) -> int | None:
        """Whom a noun phrase names, when it is somebody's alias ("the servant")."""
        found = self._owner.get(key(text))
        if found is None:
            stripped = re.sub(r"^(?:the|an?|his|her|my|this|that)\s+", "", text, flags=re.IGNORECASE)
            if stripped != text:
                found = self._owner.get("the " + key(stripped))
                if found is None:
                    found = self._owner.get(key(stripped))
        return found


@lru_cache(maxsize=1 << 16)
def key(surface: str) -> str:
    """A name as compared: case, dots and white space do not matter."""
    return re.sub(r"[.\s]+", " ", surface.replace("’", "'")).strip().casefold()


def from_list(characters: Iterable[tuple[str, str, Sequence[str], Gender, Age]]) -> list[Person]:
    """People from (id, name, aliases, gender, age), with unique first and last names as aliases of their own."""
    people = [
        Person(i, name, Counter(dict.fromkeys([name, *aliases], 1)), gender, age, given=True)
        for i, name, aliases, gender, age in characters
    ]
    people = _without_doubles(people)
    taken = {key(a) for p in people for a in p.aliases}
    parts: dict[str, set[int]] = defaultdict(set)
    for index, person in enumerate(people):
        for alias in list(person.aliases):
            words = tuple(w.rstrip(".") for w in alias.split())
            if len(words) < 2 or not words[-1][:1].isupper() or words[0].lower() in ("the", "a", "an"):
                continue
            parsed = parse(words)
            for part in (parsed.first, parsed.last):
                if part and part not in titles() and part not in not_names():
                    parts[part].add(index)
            if person.gender == "unknown" and parsed.gender != "unknown":
                person.gender = parsed.gender
    for part, owners in parts.items():
        if len(owners) == 1 and key(part) not in taken:
            people[next(iter(owners))].aliases[part] = 1
    return people


def _without_doubles(people: list[Person]) -> list[Person]:
    """Someone listed by a bare surname that another bears with a first name or Mr. is that other one."""
    bearers: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        words = tuple(w.rstrip(".") for w in person.name.split())
        parsed = parse(words)
        if len(words) > 1 and parsed.last and "Mrs" not in parsed.titles and "Miss" not in parsed.titles:
            bearers[parsed.last].append(person)
    kept = []
    for person in people:
        others = [
            b for b in bearers.get(person.name, ()) if b.gender != "female" and agree(b.gender, person.gender)
        ]
        if len(person.name.split()) == 1 and len(others) == 1:
            others[0].aliases.update(person.aliases)
        else:
            kept.append(person)
    return kept


def shown(name: str) -> str:
    """A name with the dots English writes: "Mr Weston" → "Mr. Weston"."""
    return re.sub(r"\b(Mr|Mrs|Ms|Dr|St|Mme|Mlle|Capt|Col|Gen|Lt|Sgt|Prof|Rev)\b(?!\.)", r"\1.", name)


def agree(a: Gender, b: Gender) -> bool:
    return "unknown" in (a, b) or a == b
