"""The people of a book found by its names: what behaves like a person, and which names are one person's.

Discovery counts every capitalised name with its surroundings, keeps what behaves like a person (titles, verbs of
speech, being spoken to), and joins the names of one person: "Mr. Knightley", "Knightley" and "George Knightley".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
from story.attribution.roster import Person, Words, agree, shown
from story.novel import Gender


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


def spoken_to(before: str, after: str) -> bool:
    """Whether a name inside a speech is whom it speaks to, from the words around it."""
    return bool(_SPOKEN_AFTER.match(after) and _SPOKEN_BEFORE.search(before))


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
                if spoken_to(before, after):
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


def discover(sightings: Mapping[Words, Sighting], common: frozenset[str]) -> list[Person]:
    """The people of a book from the counts of its names, most mentioned first."""
    return _joined({w: s for w, s in sightings.items() if is_person(w, s, common)})


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
            and agree(g.gender, p.gender)
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
        same = [g for g in by_first[p.first] if agree(g.gender, p.gender)]
        if not same:
            same = [
                g
                for g in groups
                if g.first
                and _same_first(g.first, p.first)
                and agree(g.gender, p.gender)
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


def _same_first(a: str, b: str) -> bool:
    if a == b:
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    forms = short_forms()
    left, right = {a, *forms.get(a, ())}, {b, *forms.get(b, ())}
    return bool(left & right)


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
        if agree(g.gender, p.gender) and not (told >= 8 and g.told_first >= 8 and told > 0.3 * seen.count)
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
