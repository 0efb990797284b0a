"""People without a name: "the landlord", "the old man", "several voices".

Found in tags over the whole book, then looked for in all of its narration, so that a pronoun may mean them too. Kin
of somebody ("her father") is not one of them: that is mostly somebody with a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from story.attribution.mentions import Mention
from story.attribution.quotations import Quote, Span
from story.attribution.roster import Person, Roster, key
from story.attribution.turns import Turn

VOICES = "several voices"
_KIN = frozenset(
    [
        "father",
        "mother",
        "husband",
        "wife",
        "son",
        "daughter",
        "brother",
        "sister",
        "aunt",
        "uncle",
        "cousin",
        "niece",
        "nephew",
        "mamma",
        "mama",
        "papa",
        "dad",
        "mum",
        "mom",
        "grandfather",
        "grandmother",
        "grandson",
        "granddaughter",
        "parent",
        "lover",
        "sweetheart",
        "betrothed",
        "master",
        "mistress",
        "friend",
        "companion",
        "relation",
        "relative",
        "hearer",
        "listener",
        "interlocutor",
        "latter",
        "former",
        "one",
        "other",
        "another",
        "speaker",
        "child",
        "creature",
        "person",
        "fellow",
    ]
)
_PLAIN = frozenset(["man", "woman", "lady", "gentleman", "girl", "boy", "youth", "lad"])
_WITH_ADJECTIVE = _PLAIN | frozenset(["voice", "figure", "officer", "stranger", "soldier", "servant", "maid"])
_ORDINAL = frozenset(
    [
        "first",
        "second",
        "third",
        "fourth",
        "other",
        "elder",
        "younger",
        "older",
        "eldest",
        "youngest",
        "tall",
        "fat",
        "thin",
        "old",
        "young",
        "little",
    ]
)
_POSSESSIVE = re.compile(r"^(?:his|her|my|their|our|its|your|[\w’'-]+['’]s)\s", re.IGNORECASE)
_NUMBERED = re.compile(r"^(?:an?|one|another|some)\s", re.IGNORECASE)


def noun_name(mention: Mention) -> str:
    """What a person told by a noun is called: "the old man", "the landlord" (also for "her landlord")."""
    if mention.kind == "pronoun":
        return VOICES
    if not mention.text.isascii() and not re.search("[a-zA-Z]", mention.text):
        return mention.text
    words = mention.text.split()
    rest = " ".join(w.lower().strip(",") for w in words[1:])
    if mention.group:
        return (
            "the " + rest
            if len(words) > 1 and words[0].lower() in ("the", "these", "those", "his", "her")
            else mention.text.lower()
        )
    if mention.head in _WITH_ADJECTIVE or any(w in _ORDINAL for w in rest.split()):
        return "the " + rest
    return "the " + mention.head


_KIN_ZH = re.compile(
    "(?:父亲|母亲|妈妈|爸爸|爹|娘|妻子|丈夫|老婆|女人|儿子|女儿|哥哥|弟弟|姐姐|妹妹|媳妇|奶奶|爷爷)$"
)


def noun_class(mention: Mention, first_person: bool = False) -> Literal["plain", "kin", "role"]:
    """ "the old man", "her father" or "the landlord": how likely a noun is somebody who has a name as well."""
    if not re.search("[a-zA-Z]", mention.text):  # "Mother" is a name to whoever tells of himself
        return "kin" if _KIN_ZH.fullmatch(mention.text) and not first_person else "role"
    if mention.head in _KIN or _POSSESSIVE.match(mention.text):
        return "kin"
    return "plain" if mention.head in _PLAIN and " with " not in mention.text else "role"


def add_nameless(roster: Roster, chapters: Iterable[Sequence[Turn]]) -> None:
    """Adds to the roster everybody whom a tag tells by a noun that is nobody's alias."""
    seen: Counter[str] = Counter()
    first: dict[str, Mention] = {}
    for turns in chapters:
        for turn in turns:
            for finding in turn.findings[:1]:
                if turn.kin is not None:
                    continue
                mention = finding.mention
                if finding.rule not in ("tag", "lead", "lead far", "tag far") or mention.kind == "name":
                    continue
                if mention.kind == "pronoun" and mention.text != "they":
                    continue
                if mention.kind == "noun" and roster.find_text(mention.text) is not None:
                    continue
                name = noun_name(mention)
                seen[name] += 1
                first.setdefault(name, mention)
    for name, count in sorted(seen.items(), key=lambda e: len(e[0])):
        shorter = _short_form(name, roster)
        if shorter is not None:
            roster.people[shorter].aliases[name] += count
            roster.alias(name, shorter)
            continue
        mention = first[name]
        roster.add(
            Person(
                "",
                name,
                Counter({name: count}),
                mention.gender,
                nameless=True,
                group=mention.group or name == VOICES,
            )
        )


def _short_form(name: str, roster: Roster) -> int | None:
    """花白胡子的人 is 花白胡子, and 满脸横肉的人 is 横肉的人."""
    if name.endswith("的人"):
        found = roster.find_text(name.removesuffix("的人"))
        if found is not None:
            return found
        for cut in range(1, len(name) - 3):
            found = roster.find_text(name[cut:])
            if found is not None:
                return found
    if not name.isascii() and len(name) > 1:
        longer = [
            i for i, p in enumerate(roster.people) if p.name.startswith(name) and len(p.name) > len(name)
        ]
        if len(longer) == 1:
            return longer[0]
    return None


def sightings_by_noun(
    text: str, spans: Sequence[Span], quotes: Sequence[Quote], roster: Roster
) -> list[tuple[int, int]]:
    """(position, person) wherever narration names someone by a noun that is theirs."""
    wanted: dict[str, int] = {}
    for index, person in enumerate(roster.people):
        for alias in [person.name, *person.aliases]:
            plain = key(alias)
            kin = (
                person.nameless and plain.removeprefix("the ") in _KIN
            )  # "his father" is mostly somebody with a name
            if plain.startswith("the ") and not person.group and not kin:
                wanted.setdefault(plain.removeprefix("the "), index)
    if not wanted:
        return []
    pattern = re.compile(
        r"\b(?:the|this|that|her|his|their|our|my)\s+(?:\w+\s+)?("
        + "|".join(sorted(map(re.escape, wanted), key=len, reverse=True))
        + r")\b",
        re.IGNORECASE,
    )
    found, at = [], 0
    for quote in [*quotes, None]:
        stop = quote.outer_start if quote else len(text)
        for match in pattern.finditer(text, at, stop):
            found.append((match.start(), wanted[key(match[1])]))
        at = max(at, quote.outer_end) if quote else stop
    return found
