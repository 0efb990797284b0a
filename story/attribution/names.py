"""English names: where capitalised names stand in a text, and what their words tell (title, first and last name).

"Mr. Knightley", "Miss Emma", "M'Choakumchild", "de Bourgh": a name is capitalised words with titles before and
particles between. Words that open a sentence, months, streets and the like are nobody's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from story.lexicon import load_data
from story.novel import Gender


@cache
def _data() -> dict:
    return load_data("names_en")


@cache
def titles() -> dict[str, Gender]:
    """Title without its dot, capitalised → the gender it tells ("unknown" where none)."""
    kinds: dict[str, Gender] = {"female": "female", "male": "male", "any": "unknown"}
    return {t: kinds[kind] for kind, words in _data()["titles"].items() for t in words}


@cache
def soft_titles() -> frozenset[str]:
    """Adjectives before a name ("old", "poor"): part of the name only by chance."""
    return frozenset(_data()["soft_titles"])


@cache
def not_names() -> frozenset[str]:
    return frozenset(_data()["not_names"])


@cache
def place_words() -> frozenset[str]:
    return frozenset(_data()["places"])


@cache
def given_names() -> dict[str, Gender]:
    """Given name → gender; from this project's lists."""
    found: dict[str, Gender] = {}
    people = load_data("people_words")["gender"]
    genders: tuple[Gender, ...] = ("female", "male")
    for gender in genders:
        for name in [*_data()["given"][gender], *(w for w in people[gender]["en"] if w[:1].isupper())]:
            if found.setdefault(name, gender) != gender:
                found[name] = "unknown"
    for short, longs in short_forms().items():
        told: set[Gender] = {found[n] for n in longs if n in found}
        if short not in found and len(told) == 1:
            found[short] = told.pop()
    return found


@cache
def short_forms() -> dict[str, tuple[str, ...]]:
    """Short form → the given names it may stand for ("Lizzy" → Elizabeth)."""
    return {short: tuple(longs) for short, longs in _data()["short_forms"].items()}


_UPPER = r"A-ZÀ-ÖØ-Þ"
_WORD = rf"(?:[{_UPPER}][\w]*(?:['’-](?!s\b)[{_UPPER}a-z]\w+)*|[dD]['’][{_UPPER}]\w+)"
_DOTTED = r"(?:Mr|Mrs|Ms|Dr|St|Mme|Mlle|Capt|Col|Gen|Lieut|Lt|Sgt|Prof|Rev|Messrs|M|[A-Z])\s?\."


_BLANK = r"(?:[^\S\n]+|[^\S\n]*\n(?!\s*\n)[^\S\n]*)"  # never over a blank line


@cache
def name_pattern() -> str:
    """A regular expression body (no groups) for a capitalised name with its titles and particles."""
    particles = "|".join(p for p in _data()["particles"] if p not in ("the", "of"))
    return rf"(?:{_DOTTED}{_BLANK}|{_WORD}{_BLANK}(?:(?:{particles}){_BLANK}){{0,2}}(?=[{_UPPER}dD]))*{_WORD}"


@cache
def _name() -> re.Pattern[str]:
    return re.compile(name_pattern())


# A set of characters is what `re` finds fastest; what stands around is looked at after.
_MAY_BEGIN = re.compile(rf"[{_UPPER}d](?<!\w[{_UPPER}d])(?<!d(?!['’][{_UPPER}]))")


@dataclass(slots=True)
class Name:
    """A name where it stands, words without white space and titles without dots."""

    start: int
    end: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def find_names(text: str, start: int = 0, end: int | None = None) -> Iterator[Name]:
    """Names in `text[start:end]`, leading words that are nobody's name cut off."""
    end, match_name, done = len(text) if end is None else end, _name().match, start
    for begin in _MAY_BEGIN.finditer(text, start, end):
        at = begin.start()
        if at < done:
            continue
        match = match_name(text, at, end)
        if match is not None:
            yield from cut_names(match.group(), at)
            done = match.end()


_TOKEN = re.compile(r"[^\s.]+")


def cut_names(raw: str, at: int) -> Iterator[Name]:
    for begin, end, words in _pieces(raw):
        yield Name(at + begin, at + end, words)


@lru_cache(maxsize=1 << 14)
def _pieces(raw: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """The names in a run of capitalised words: "Emma But …" is parted at words that are nobody's name."""
    known, stop = titles(), not_names()
    found = []
    piece: list[tuple[str, int]] = []
    for match in (*_TOKEN.finditer(raw), None):
        token = match.group() if match else ""
        if match and (token not in stop or token in known):
            piece.append((token, match.start()))
            continue
        while piece and piece[-1][0] in stop:
            piece.pop()
        if piece:
            last, begin = piece[-1]
            found.append((piece[0][1], begin + len(last), tuple(normal_case(t) for t, _ in piece)))
        piece = []
    return found


def normal_case(word: str) -> str:
    """EMMA → Emma; McCoy, O’Brien and initials stay."""
    word = word.replace("’", "'")
    return word.capitalize() if len(word) > 2 and word.isupper() else word


@dataclass(frozen=True, slots=True)
class Parsed:
    """A name taken apart: ("Mr",), "George", "Knightley"."""

    titles: tuple[str, ...]
    first: str
    last: str
    gender: Gender


def parse(words: tuple[str, ...]) -> Parsed:
    """Titles, first and last name; a single word is `first` when it is a known given name, else `last`."""
    known = titles()
    i = 0
    while i < len(words) - 1 and words[i] in known:
        i += 1
    heads, rest = words[:i], words[i:]
    if not heads and len(rest) == 1 and rest[0] in known:
        heads = ()
    gender: Gender = "unknown"
    for head in heads:
        if known[head] != "unknown":
            gender = known[head]
    given = given_names()
    first = last = ""
    if len(rest) == 1:
        if rest[0] in given:
            first = rest[0]
        else:
            last = rest[0]
    else:
        first, last = rest[0], rest[-1]
        if len(rest) > 2 and rest[-2] in _data()["particles"]:
            last = " ".join(rest[-2:])
    if gender == "unknown" and first in given:
        gender = given[first]
    return Parsed(heads, first, last, gender)
