"""Who is spoken of in a stretch of English narration: names, pronouns in the nominative, nouns for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from story.attribution.names import cut_names, find_names, name_pattern
from story.lexicon import load_data
from story.novel import Gender

Kind = Literal["name", "pronoun", "noun"]
GROUP = frozenset({"they", "we"})
_PRONOUNS: dict[str, Gender] = {"he": "male", "she": "female"}


@dataclass(slots=True)
class Mention:
    """One mention. `words`: of a name; `head`: of a noun, lower case; `group`: more than one person."""

    kind: Kind
    start: int
    end: int
    text: str
    gender: Gender = "unknown"
    words: tuple[str, ...] = ()
    head: str = ""
    group: bool = False
    definite: bool = True


@cache
def person_nouns() -> dict[str, Gender]:
    """Noun → gender told by it ("unknown" where none); groups included."""
    data = load_data("names_en")["nouns"]
    found: dict[str, Gender] = {}
    kinds: tuple[tuple[str, Gender], ...] = (
        ("any", "unknown"),
        ("group", "unknown"),
        ("female", "female"),
        ("male", "male"),
    )
    for kind, gender in kinds:
        found.update(dict.fromkeys(data[kind], gender))
    return found


@cache
def group_nouns() -> frozenset[str]:
    return frozenset(load_data("names_en")["nouns"]["group"])


DETERMINER = (
    r"(?:the|an?|his|her|my|our|their|your|its|this|that|these|those|one|another|every|each|some|both|all|several|"
    r"two|three|four|five|many|most|no)"
)
# "the man with the black beard", "the woman at the counter"
PLACE_TAIL = r"(?:(?<=man)\s+(?:with|in|at|on|of|from|behind)\s+(?:the|a|an)\s+(?:[a-z-]+\s+)?[a-z-]+)?"
_PLACE = re.compile(r"(?<=man)\s+(?:with|in|at|on|of|from|behind)\s")
_INDEFINITE = re.compile(r"(?:an?|one|another|some|two|three|several|every|each)\b", re.IGNORECASE)


@cache
def free_noun_pattern() -> str:
    """A noun phrase whose head need not be a known noun: only where a verb of speech makes it a person."""
    stop = (
        r"with|in|of|to|as|and|who|at|from|on|for|when|while|by|which|but|after|before|again|once|more|then|"
        r"one|this|that|every|some|all|rather|quite|very|almost|still|now|not|into|upon|without|through|under|over|looking|turning|\w+ly|\w+ing"
    )
    return (
        rf"{DETERMINER}\s+(?:\w+ly\s+)?(?:(?!(?:{stop})\b)(?:Mr\.|Mrs\.|Dr\.|[\w’'-]+)\s*){{1,5}}{PLACE_TAIL}"
    )


@cache
def _finder() -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:(?P<pronoun>[Hh]e|[Ss]he|[Tt]hey|[Ww]e|I)(?!['’]?\w)|(?P<noun>(?i:{DETERMINER})\s)|(?P<name>{name_pattern()}))"
    )


_WORD = re.compile(r"\s*(?:of\s+the\s+)?([\w’'-]+)(,?)")
_TAIL = re.compile(r"\s+(?:with|in|at|on|of|from|behind)\s+(?:the|a|an)\s+(?:[a-z-]+\s+)?[a-z-]+")
MAX_ADJECTIVES = 4


def find_mentions(text: str) -> list[Mention]:
    """Mentions in order. "I" is a pronoun of unknown gender."""
    found: list[Mention] = []
    finder, at = _finder(), 0
    while match := finder.search(text, at):
        at = match.end()
        if match.lastgroup == "noun":
            end = _noun_end(text, match.end())
            if end is not None:
                found.append(noun_mention(text[match.start() : end], match.start()))
                at = end
        else:
            found += read_mentions(match.group(), match.start(), match.lastgroup or "")
    return found


def _noun_end(text: str, at: int) -> int | None:
    """Where the noun phrase that a determiner begins ends, when its head is a noun for a person."""
    nouns = person_nouns()
    for _ in range(MAX_ADJECTIVES + 1):
        word = _WORD.match(text, at)
        if word is None:
            return None
        at = word.end()
        if word[1].lower() in nouns:
            tail = _TAIL.match(text, word.end(1)) if word[1].endswith("man") else None
            return tail.end() if tail else word.end(1)
    return None


def read_mentions(raw: str, at: int, group: str) -> list[Mention]:
    if group == "pronoun":
        word = raw if raw == "I" else raw.lower()
        return [
            Mention("pronoun", at, at + len(raw), word, _PRONOUNS.get(word, "unknown"), group=word in GROUP)
        ]
    if group == "noun":
        return [noun_mention(raw, at)]
    return [Mention("name", n.start, n.end, n.text, words=n.words) for n in cut_names(raw, at) if n.words]


def noun_mention(raw: str, at: int) -> Mention:
    """A noun phrase read; one that holds a name ("the gallant Mr. Elton") is that name."""
    named = (
        [n for n in find_names(raw) if n.start and not raw[n.end : n.end + 2].startswith(("'s", "’s"))]
        if raw[1:].lower() != raw[1:]
        else []
    )
    if named:
        name = named[-1]
        before = raw[: name.start].strip()
        text = f"The {name.text}" if before.lower() == "the" else name.text  # "the Invisible Man"
        return Mention("name", at + name.start, at + name.end, text, words=name.words)
    raw = raw.rstrip()
    whole = raw
    found = _PLACE.search(raw)
    if found:
        raw = raw[: found.start()]
    words = raw.rstrip().split()
    head = words[-1].lower().strip(",") if words else ""
    return Mention(
        "noun",
        at,
        at + len(whole),
        " ".join(whole.split()),
        person_nouns().get(head, "unknown"),
        head=head,
        group=head in group_nouns()
        or words[0].lower() in ("both", "all", "several", "two", "three", "four", "five", "many"),
        definite=not _INDEFINITE.match(raw),
    )
