"""Speakers of an English book: names and people over all chapters first, then each chapter's turns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from story.attribution.decode import Decider
from story.attribution.discovery import Sightings, discover
from story.attribution.features import Scene
from story.attribution.kin import Kinship, resolve_kin
from story.attribution.nameless import add_nameless, sightings_by_noun
from story.attribution.names import Name, find_names
from story.attribution.quotations import Quote, Span
from story.attribution.reading import Prose, Spoken, spoken, tell_narrator
from story.attribution.roster import Person, Roster
from story.attribution.turns import Turn, cut_turns, name_turns

FIRST_PERSON_RATE = (
    0.006  # of the words of narration that are "I": between 0.001 (an author's aside) and 0.02
)
_I = re.compile(r"\bI\b(?!['’]?[A-Z.])")
_SMALL = re.compile(r"\b[a-z]{2,}\b")
_PRONOUN = re.compile(r"\b(?:(?P<male>he|him|his|himself)|(?P<female>she|her|hers|herself))\b|[.!?;]")


def attribute_english(
    chapters: Sequence[Prose], given: Sequence[Person] | None
) -> tuple[Roster, list[Spoken]]:
    """People and speakers of a book.

    Args:
        given: a closed list of people; None discovers them.
    """
    roster, prepared = prepare_english(chapters, given)
    return roster, [spoken(turns, decider.decode()) for turns, decider in prepared]


def prepare_english(
    chapters: Sequence[Prose], given: Sequence[Person] | None
) -> tuple[Roster, Iterator[tuple[list[Turn], Decider]]]:
    """Everything but the choice: the people, and each chapter's turns with their candidates, one chapter at a time."""
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
    cut = [cut_turns(c.text, c.spans, c.quotes) for c in chapters]
    kinship = Kinship(roster.people)
    for chapter, turns, found, owner, inside in zip(chapters, cut, names, owners, quoted, strict=True):
        name_turns(chapter.text, chapter.quotes, turns, found)
        told = [(n.start, o) for n, o, q in zip(found, owner, inside, strict=True) if o is not None and not q]
        resolve_kin(turns, _by_block(chapter.spans, told), roster, kinship)
    if given is None:
        add_nameless(roster, cut)
    weight += [max(1.0, sum(p.aliases.values()) / 2) for p in roster.people[len(weight) :]]
    cut.reverse()

    def prepared() -> Iterator[tuple[list[Turn], Decider]]:
        for chapter, found, owner, inside in zip(chapters, names, owners, quoted, strict=True):
            turns = cut.pop()  # not needed any more, once they are read
            told = [
                (n.start, o) for n, o, q in zip(found, owner, inside, strict=True) if o is not None and not q
            ]
            told += sightings_by_noun(chapter.text, chapter.spans, chapter.quotes, roster)
            told.sort()
            blocks = _by_block(chapter.spans, told)
            if narrator is not None:
                tell_narrator(chapter, blocks, narrator, _I)
            scene = Scene(blocks, weight, narrator)
            yield turns, Decider(roster, scene, turns, closed=given is not None)

    return roster, prepared()


def _inside(names: Sequence[Name], quotes: Sequence[Quote]) -> list[bool]:
    """For each name whether it stands inside a quotation."""
    found, k = [], 0
    for name in names:
        while k < len(quotes) and quotes[k].end <= name.start:
            k += 1
        found.append(k < len(quotes) and quotes[k].start <= name.start and quotes[k].kind != "word")
    return found


def _by_block(spans: Sequence[Span], told: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Whom each paragraph's narration names, in order."""
    found: list[list[int]] = [[] for _ in spans]
    block = 0
    for at, owner in told:
        while block < len(spans) - 1 and spans[block].end <= at:
            block += 1
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
        if (
            person.gender == "unknown"
            and max(female, male) >= 2
            and max(female, male) >= 2 * min(female, male)
        ):
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
