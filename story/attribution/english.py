"""Speakers of an English book: names and people over all chapters first, then each chapter's turns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from story.attribution.decode import Decider, Decision, Scene
from story.attribution.names import Name, find_names
from story.attribution.quotations import Quote, Span
from story.attribution.roster import Person, Roster, Sightings, discover
from story.attribution.turns import Turn, cut_turns, name_turns

FIRST_PERSON_RATE = 0.006  # of the words of narration that are "I": between 0.001 (an author's aside) and 0.02
_I = re.compile(r"\bI\b(?!['’]?[A-Z.])")
_SMALL = re.compile(r"\b[a-z]{2,}\b")
_PRONOUN = re.compile(r"\b(?:(?P<male>he|him|his|himself)|(?P<female>she|her|hers|herself))\b|[.!?;]")


@dataclass(slots=True)
class Prose:
    """One chapter as attribution sees it."""

    text: str
    spans: list[Span]
    quotes: list[Quote]


@dataclass(slots=True)
class Read:
    """A chapter read: its turns and who speaks each."""

    turns: list[Turn]
    decisions: list[Decision]


def attribute_english(chapters: Sequence[Prose], given: Sequence[Person] | None) -> tuple[Roster, list[Read]]:
    """People and speakers of a book.

    Args:
        given: a closed list of people; None discovers them.
    """
    names = [list(find_names(c.text)) for c in chapters]
    quoted = [_inside(n, c.quotes) for n, c in zip(names, chapters, strict=True)]
    sightings = Sightings()
    for chapter, found, inside in zip(chapters, names, quoted, strict=True):
        sightings.add(chapter.text, found, inside)
    if given is None:
        common = frozenset(w for c in chapters for w in set(_SMALL.findall(c.text)))
        roster = Roster(discover(sightings.by_words, common))
    else:
        roster = Roster(given)
    owners = [[roster.find(n.words) for n in found] for found in names]
    weight = [0.0] * len(roster.people)
    for row in owners:
        for owner in row:
            if owner is not None:
                weight[owner] += 1
    _learn_genders(roster, chapters, names, owners, quoted)
    narrator = _narrator(roster, chapters, owners, quoted, closed=given is not None)
    if narrator is not None:
        while len(weight) < len(roster.people):
            weight.append(1.0)
    reads = []
    for chapter, found, owner, inside in zip(chapters, names, owners, quoted, strict=True):
        turns = cut_turns(chapter.text, chapter.spans, chapter.quotes)
        name_turns(chapter.text, chapter.quotes, turns, found)
        scene = Scene(_by_block(chapter.spans, found, owner, inside), weight, narrator)
        decider = Decider(roster, scene, turns, closed=given is not None)
        reads.append(Read(turns, decider.decode()))
    return roster, reads


def _inside(names: Sequence[Name], quotes: Sequence[Quote]) -> list[bool]:
    """For each name whether it stands inside a quotation."""
    found, k = [], 0
    for name in names:
        while k < len(quotes) and quotes[k].end <= name.start:
            k += 1
        found.append(k < len(quotes) and quotes[k].start <= name.start and quotes[k].kind != "word")
    return found


def _by_block(
    spans: Sequence[Span], names: Sequence[Name], owners: Sequence[int | None], inside: Sequence[bool]
) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in spans]
    block = 0
    for name, owner, quoted in zip(names, owners, inside, strict=True):
        while block < len(spans) - 1 and spans[block].end <= name.start:
            block += 1
        if owner is not None and not quoted:
            found[block].append(owner)
    return found


def _learn_genders(
    roster: Roster,
    chapters: Sequence[Prose],
    names: Sequence[Sequence[Name]],
    owners: Sequence[Sequence[int | None]],
    quoted: Sequence[Sequence[bool]],
) -> None:
    """Genders from the pronouns that follow a name in its sentence, where the name does not tell."""
    for chapter, found, owner, inside in zip(chapters, names, owners, quoted, strict=True):
        for i, (name, who, in_quote) in enumerate(zip(found, owner, inside, strict=True)):
            if who is None or in_quote or roster.people[who].gender != "unknown":
                continue
            stop = found[i + 1].start if i + 1 < len(found) else name.end + 90
            match = _PRONOUN.search(chapter.text, name.end, min(stop, name.end + 90))
            if match and match.lastgroup:
                roster.people[who].pronouns[match.lastgroup] += 1
    for person in roster.people:
        female, male = person.pronouns["female"], person.pronouns["male"]
        if person.gender == "unknown" and max(female, male) >= 2 and max(female, male) >= 2 * min(female, male):
            person.gender = "female" if female > male else "male"


def _narrator(
    roster: Roster,
    chapters: Sequence[Prose],
    owners: Sequence[Sequence[int | None]],
    quoted: Sequence[Sequence[bool]],
    *,
    closed: bool,
) -> int | None:
    """Who says "I" in narration: somebody named in others' speech but hardly ever by the narration itself."""
    words = said = 0
    for chapter in chapters:
        at = 0
        for quote in [*chapter.quotes, None]:
            stop = quote.outer_start if quote else len(chapter.text)
            said += len(_I.findall(chapter.text, at, stop))
            words += (stop - at) // 6
            at = quote.outer_end if quote else at
    if words == 0 or said / words < FIRST_PERSON_RATE or said < 5:
        return None
    for alias in ("i", "narrator", "the narrator"):
        found = roster.find_text(alias)
        if found is not None:
            roster.people[found].narrator = True
            return found
    spoken, told = Counter[int](), Counter[int]()
    for row, inside in zip(owners, quoted, strict=True):
        for owner, quote in zip(row, inside, strict=True):
            if owner is not None:
                (spoken if quote else told)[owner] += 1
    fitting = [p for p in spoken if spoken[p] >= 3 and told[p] <= 0.34 * spoken[p]]
    if fitting:
        best = max(fitting, key=lambda p: (spoken[p] - 2 * told[p], -p))
        roster.people[best].narrator = True
        return best
    if closed:
        return None
    return roster.add(Person("narrator", "Narrator", Counter({"I": 1}), narrator=True))
