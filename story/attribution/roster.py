"""The people of a book and the names they go by: discovery from the text, or a list that a person gave.

Discovery counts every capitalised name with its surroundings, keeps what behaves like a person (titles, verbs of
speech, being spoken to), and joins the names of one person: "Mr. Knightley", "Knightley" and "George Knightley".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from story.attribution.names import (
    Name,
    Parsed,
    given_names,
    not_names,
    parse,
    place_words,
    short_forms,
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


@dataclass(slots=True)
class Sighting:
    """A name in its surroundings, as discovery counts it."""

    count: int = 0
    inside: int = 0  # a sentence, where a capital means a name
    quoted: int = 0
    spoken_to: int = 0
    speaks: int = 0
    acts: int = 0
    placed: int = 0


_PLACE_BEFORE = re.compile(
    r"\b(?:in|at|near|from|to|through|into|toward|towards|via|across|of|the)\s+$", re.IGNORECASE
)
_STRONG_PLACE = re.compile(r"\b(?:in|at|near|through|into|via|across|the)\s+$", re.IGNORECASE)
_SENTENCE_BEFORE = re.compile(r"(?:^|[.!?:;“”\"‘’'—–(\n]|--)\s*$")
_ACTS = re.compile(
    r"(?:['’]s\b|\s+(?:was|had|is|has|did|could|would|should|might|must|looked|turned|came|went|took|gave|sat|stood|felt|knew|"
    r"thought|saw|heard|smiled|laughed|nodded|shook|rose|put|made|got|began|seemed|kept|left|never|\w{3,}ed)\b)"
)
_SPEAKS_AFTER = re.compile(
    r"\s+(?:said|asked|replied|answered|cried|exclaimed|returned|observed|remarked|added|whispered|muttered|murmured|shouted|"
    r"says|asks|continued|began|repeated|inquired|enquired|demanded|told)\b"
)
_SPEAKS_BEFORE = re.compile(
    r"\b(?:said|asked|replied|answered|cried|exclaimed|returned|observed|remarked|added|whispered|muttered|murmured|"
    r"shouted|says|asks|continued|began|repeated|inquired|enquired|demanded|rejoined|retorted)\s+$"
)
_SPOKEN_AFTER = re.compile(r"\s*(?:[,.!?;…]|--|[—–]|$)")
_SPOKEN_BEFORE = re.compile(
    r"(?:^|[,.!?;…—–“\"‘']|--|\b(?:dear|my|oh|o|ah|well|yes|no|you|good|poor))\s*$", re.IGNORECASE
)


class Sightings:
    """Counts the names of a whole book, chapter after chapter."""

    def __init__(self) -> None:
        self.by_words: dict[Words, Sighting] = defaultdict(Sighting)

    def add(self, text: str, names: Iterable[Name], quoted: Iterable[bool]) -> None:
        for name, in_quote in zip(names, quoted, strict=True):
            seen = self.by_words[name.words]
            seen.count += 1
            before = text[max(0, name.start - 14) : name.start]
            after = text[name.end : name.end + 14]
            if not _SENTENCE_BEFORE.search(before):
                seen.inside += 1
            if in_quote:
                seen.quoted += 1
                if _SPOKEN_AFTER.match(after) and _SPOKEN_BEFORE.search(before):
                    seen.spoken_to += 1
            elif _SPEAKS_BEFORE.search(before) or _SPEAKS_AFTER.match(after):
                seen.speaks += 1
            if _ACTS.match(after):
                seen.acts += 1
            if _STRONG_PLACE.search(before):
                seen.placed += 2
            elif _PLACE_BEFORE.search(before):
                seen.placed += 1


def is_person(words: Words, seen: Sighting, common: frozenset[str]) -> bool:
    """Whether a name behaves like a person's.

    Args:
        common: words the book also writes small.
    """
    known, count = titles(), len(words)
    core = [w for w in words if w not in known]
    if words[-1] in place_words() and not (words[0] in known and count == 2):
        return False
    if count > 1 and words[0] in known and words[0] not in soft_titles():
        return True
    if not core:
        return words[0] not in soft_titles() and seen.speaks >= 2
    if count == 1:
        word = words[0]
        if word.lower() in common and seen.speaks < 2 and word not in given_names():
            return False
        if word in not_names():
            return False
        if word.lower() in common and not (seen.acts or seen.speaks):
            return False
        if seen.quoted == seen.count and word not in given_names() and seen.count < 5:
            return False  # only ever heard: a cry, a foreign word
        if seen.inside == 0 and seen.speaks + seen.spoken_to == 0 and word not in given_names():
            return False
    score = 3 * seen.speaks + 1.5 * seen.spoken_to + seen.acts + (2 if core[0] in given_names() else 0)
    return score > seen.placed and score >= 2


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


def discover(sightings: Mapping[Words, Sighting], common: frozenset[str]) -> list[Person]:
    """The people of a book from the counts of its names, most mentioned first."""
    return _joined({w: s for w, s in sightings.items() if is_person(w, s, common)})


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
            b
            for b in bearers.get(person.name, ())
            if b.gender != "female" and _agree(b.gender, person.gender)
        ]
        if len(person.name.split()) == 1 and len(others) == 1:
            others[0].aliases.update(person.aliases)
        else:
            kept.append(person)
    return kept


_NOBLE = frozenset(
    ["Lady", "Sir", "Lord", "King", "Queen", "Saint", "St"]
)  # nobody calls Lady Catherine "Kitty"


def _joined(seen: Mapping[Words, Sighting]) -> list[Person]:
    """Names of the same person joined; see the module's docstring."""
    counts = {words: s.count for words, s in seen.items()}
    parsed = {words: parse(words) for words in counts}
    groups: list[_Group] = []
    by_first: dict[str, list[_Group]] = defaultdict(list)
    by_last: dict[str, list[_Group]] = defaultdict(list)

    def new(words: Words, p: Parsed) -> _Group:
        group = _Group(p.first, p.last, p.gender, bool(set(p.titles) - soft_titles()))
        groups.append(group)
        group.take(words, seen[words], p)
        if p.first:
            by_first[p.first].append(group)
        if p.last:
            by_last[p.last].append(group)
        return group

    ordered = sorted(counts, key=lambda w: (-counts[w], w))
    full = [w for w in ordered if parsed[w].first and parsed[w].last]
    told_firsts = Counter(
        {
            parsed[w].first: seen[w].count - seen[w].quoted
            for w in ordered
            if not parsed[w].last and not parsed[w].titles
        }
    )
    for words in full:
        p = parsed[words]
        same = [
            g
            for g in by_last[p.last]
            if g.first
            and _same_first(g.first, p.first)
            and _agree(g.gender, p.gender)
            # Tom and Thomas, both used alone by the narrator, are two (father and son)
            and not (g.first != p.first and min(told_firsts[g.first], told_firsts[p.first]) >= 5)
        ]
        if same:
            same[0].take(words, seen[words], p)
        else:
            new(words, p)
    titled_first = [w for w in ordered if parsed[w].first and not parsed[w].last and parsed[w].titles]
    bare_first = [w for w in ordered if parsed[w].first and not parsed[w].last and not parsed[w].titles]
    for words in [*bare_first, *titled_first]:
        p = parsed[words]
        hard = set(p.titles) - soft_titles()
        same = [g for g in by_first[p.first] if _agree(g.gender, p.gender)]
        if not same:
            same = [
                g
                for g in groups
                if g.first
                and _same_first(g.first, p.first)
                and _agree(g.gender, p.gender)
                and not g.titles & _NOBLE
            ]
        if same and not (hard and p.titles[0] in ("Saint", "St", "King", "Queen")):
            max(same, key=lambda g: g.total).take(words, seen[words], p)
        else:
            new(words, p)
    for words in [w for w in ordered if parsed[w].last and not parsed[w].first and parsed[w].titles]:
        p = parsed[words]
        owner = _bearer(p, by_last[p.last], seen[words])
        if owner is None:
            owner = new(words, p)
        else:
            owner.take(words, seen[words], p)
    for words in [w for w in ordered if not parsed[w].titles and parsed[w].last and not parsed[w].first]:
        p = parsed[words]
        bearers = by_last[p.last] or by_first[p.last]
        if bearers:
            men = [g for g in bearers if g.gender != "female"]
            max(men or bearers, key=lambda g: g.total).take(words, seen[words], p)
        else:
            new(words, p)
    for words in [w for w in ordered if not parsed[w].first and not parsed[w].last]:
        new(words, parsed[words])
    groups.sort(key=lambda g: -g.total)
    return [g.person() for g in groups]


@dataclass(slots=True)
class _Group:
    first: str
    last: str
    gender: Gender
    titled: bool
    aliases: Counter[str] = field(default_factory=Counter)
    total: int = 0
    titles: set[str] = field(default_factory=set)
    told_first: int = 0  # how often narration calls them by the first name alone

    def take(self, words: Words, seen: Sighting, p: Parsed) -> None:
        self.aliases[" ".join(words)] += seen.count
        self.total += seen.count
        if p.first and not p.last and not p.titles:
            self.told_first += seen.count - seen.quoted
        self.titles |= set(p.titles)
        if self.gender == "unknown":
            self.gender = p.gender
        self.first = self.first or p.first
        self.last = self.last or p.last

    def person(self) -> Person:
        name = self.aliases.most_common(1)[0][0]
        longer = [
            a
            for a, n in self.aliases.items()
            if len(a.split()) > len(name.split()) and n >= 0.2 * self.aliases[name]
        ]
        if len(name.split()) == 1 and longer:
            name = max(longer, key=lambda a: (self.aliases[a], a))
        return Person(name, shown(name), self.aliases, self.gender)


def shown(name: str) -> str:
    """A name with the dots English writes: "Mr Weston" → "Mr. Weston"."""
    return re.sub(r"\b(Mr|Mrs|Ms|Dr|St|Mme|Mlle|Capt|Col|Gen|Lt|Sgt|Prof|Rev)\b(?!\.)", r"\1.", name)


def _same_first(a: str, b: str) -> bool:
    if a == b:
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    forms = short_forms()
    left, right = {a, *forms.get(a, ())}, {b, *forms.get(b, ())}
    return bool(left & right)


def _agree(a: Gender, b: Gender) -> bool:
    return "unknown" in (a, b) or a == b


def _bearer(p: Parsed, groups: list[_Group], seen: Sighting) -> _Group | None:
    """Who of a family a title with the last name means; None: someone new.

    Narration that says both "Tom" and "Mr. Gradgrind" again and again means two people; "Miss Woodhouse" in others'
    mouths is the one narration calls Emma.
    """
    hard = [t for t in p.titles if t not in soft_titles()]
    title = hard[-1] if hard else ""
    told = seen.count - seen.quoted
    fitting = [
        g
        for g in groups
        if _agree(g.gender, p.gender) and not (told >= 8 and g.told_first >= 8 and told > 0.3 * seen.count)
    ]
    if p.gender == "unknown":  # Dr, Professor: anybody of that name without a title of another kind
        return fitting[0] if len(fitting) == 1 else None
    same_title = [g for g in fitting if title in g.titles]
    if same_title:
        return same_title[0] if len(same_title) == 1 else None
    if title in ("Mrs", "Mme", "Madame", "Lady"):
        fitting = [g for g in fitting if g.gender == "female" and not g.titles & {"Miss", "Mlle"}]
    if title == "Miss":
        fitting = [g for g in fitting if not g.titles & {"Mrs", "Mme", "Lady"}]
    if len(fitting) == 1:
        return fitting[0]
    return None
