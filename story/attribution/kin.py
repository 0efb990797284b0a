"""Kin that a tag names by what they are to somebody: "his wife" beside Mr. Bennet is Mrs. Bennet.

A family is a last name. Its Mr. and Mrs. are known by their titles; "her mother" is the Mrs. of the family of a woman
who is at hand. Where nobody at hand has such kin, nothing is said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from story.attribution.mentions import Mention
from story.attribution.names import find_names, parse
from story.attribution.roster import Person, Roster
from story.attribution.turns import Turn
from story.novel import Gender

Tie = Literal["wife", "husband", "mother", "father"]
_TIES: dict[str, Tie] = {
    "wife": "wife",
    "husband": "husband",
    **dict.fromkeys(("mother", "mamma", "mama", "mum", "mom"), "mother"),
    **dict.fromkeys(("father", "papa", "dad"), "father"),
}
_SPOUSE_OF: dict[Tie, Gender] = {"wife": "male", "husband": "female"}
_OWNER: dict[str, Gender] = {"his": "male", "her": "female"}
_WIVES = ("Mrs", "Lady", "Mme", "Madame")
_HUSBANDS = ("Mr", "Sir", "Dr", "Doctor", "Captain", "Colonel", "Major", "General", "M", "Monsieur", "Lord")
REACH = 12  # paragraphs back within which somebody is at hand


@dataclass(slots=True)
class _House:
    """A family: who bears its name, its Mr. and its Mrs. (indices into the roster)."""

    members: set[int] = field(default_factory=set)
    wife: int | None = None
    husband: int | None = None


class Kinship:
    """The families of a book."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._houses: dict[str, _House] = defaultdict(_House)
        self._of: dict[int, list[_House]] = defaultdict(list)
        self._lasts: dict[str, set[str]] = defaultdict(set)  # first name → last names it is joined to
        uses = {"wife": defaultdict[str, int](int), "husband": defaultdict[str, int](int)}
        for index, person in enumerate(people):
            for alias, count in person.aliases.items():
                words = tuple(w.rstrip(".") for w in alias.split())
                if len(words) < 2:
                    continue
                parsed = parse(words)
                if not parsed.last:
                    continue
                if parsed.first:
                    self._lasts[parsed.first].add(parsed.last)
                house = self._houses[parsed.last]
                if index not in house.members:
                    house.members.add(index)
                    self._of[index].append(house)
                side = (
                    "wife"
                    if words[0] in _WIVES
                    else "husband"
                    if words[0] in _HUSBANDS and person.gender != "female"
                    else None
                )
                mostly = 2 * count >= sum(person.aliases.values())  # not Frank, once called Mr. Churchill
                if side and not parsed.first and mostly and count > uses[side][parsed.last]:
                    uses[side][parsed.last] = count
                    setattr(house, side, index)

    def kin(self, anchor: int, tie: Tie) -> int | None:
        """Who is the wife, husband, mother or father of this person; None where the names do not tell."""
        lasts = {last for alias in self._people[anchor].aliases for last in self._lasts.get(alias, ())}
        if tie in ("mother", "father") and len(lasts) > 1:
            return None  # a maiden name and a married one
        for house in self._of.get(anchor, ()):
            if tie == "wife":
                found = house.wife if anchor == house.husband else None
            elif tie == "husband":
                found = house.husband if anchor == house.wife else None
            elif anchor in (house.wife, house.husband):
                found = None
            else:
                found = house.wife if tie == "mother" else house.husband
            if found is not None and found != anchor:
                return found
        return None


def tie_of(mention: Mention) -> tuple[Tie, Gender] | None:
    """What tie a noun names, and the gender of whose kin it is ("unknown" where it does not tell)."""
    if mention.kind != "noun" or mention.group:
        return None
    first = mention.text.split()[0].lower()
    if mention.head == "lady" and first == "his":
        return "wife", "male"
    tie = _TIES.get(mention.head)
    if tie is None or first in ("my", "our", "a", "an", "another", "one", "every"):
        return None
    return tie, _OWNER.get(first, _SPOUSE_OF.get(tie, "unknown"))


_POSSESSOR = re.compile(r"^(.+?)['’]s\s")


def resolve_kin(
    turns: Sequence[Turn], told: Sequence[Sequence[int]], roster: Roster, kinship: Kinship
) -> None:
    """Sets `kin` of the turns whose tag names kin of somebody at hand.

    Args:
        told: whom each paragraph's narration names, in order.
    """
    for i, turn in enumerate(turns):
        tied = tie_of(turn.tag.mention) if turn.tag is not None else None
        if turn.tag is None or tied is None:
            continue
        tie, owner = tied
        possessor = _POSSESSOR.match(turn.tag.mention.text)
        if possessor:
            names = list(find_names(possessor[1]))
            anchor = roster.find(names[-1].words) if names else None
            turn.kin = kinship.kin(anchor, tie) if anchor is not None else None
            continue
        for anchor in _at_hand(i, turns, told, roster):
            gender = roster.people[anchor].gender
            if owner == "unknown" or gender in (owner, "unknown"):
                turn.kin = kinship.kin(anchor, tie)
                if turn.kin is not None or gender == owner:
                    break


def _at_hand(i: int, turns: Sequence[Turn], told: Sequence[Sequence[int]], roster: Roster) -> Iterable[int]:
    """People near turn i, the nearest first: whom it calls, whom narration names, whom the lines before call."""
    turn = turns[i]
    yield from _called(turn, roster)
    k = i - 1
    for block in range(turn.block, max(-1, turn.block - REACH), -1):
        yield from reversed(told[block])
        while k >= 0 and turns[k].block >= block:
            yield from _called(turns[k], roster)
            k -= 1


def _called(turn: Turn, roster: Roster) -> Iterable[int]:
    for name, spoken in turn.named:
        found = roster.find(name.words) if spoken else None
        if found is not None:
            yield found
