"""Chooses each turn's speaker: a sieve of rules for what the text says outright, a ranker for what it leaves open.

The ranker is a conditional logit over the people at hand: features of one candidate for one turn, given the two
speakers before it, with weights from data/speaker_ranker.json. A beam over the turns of a chapter finds the best
sequence, so that a name late in a dialogue also settles the lines before it. Linear in the number of turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from story.attribution.candidates import Candidates, Prepared, Scene
from story.attribution.ranker import INDEX, calibrated, precision_of, weights
from story.attribution.roster import Roster
from story.attribution.turns import Turn

BEAM = 10
HOPELESS = 8.0  # a candidate this much worse by itself is not made good by who speaks before and after
ABUTTING = 3.0
NEW_TALK = 6  # paragraphs without speech after which another conversation begins


@dataclass(slots=True)
class Decision:
    """A turn's speaker: index into the roster, the rule that named it, how sure."""

    person: int
    rule: str
    confidence: float
    margin: float = 0.0
    alternatives: list[tuple[int, float]] = field(default_factory=list)


class Decider:
    """Prepares and decodes the turns of one chapter."""

    def __init__(
        self, roster: Roster, scene: Scene, turns: Sequence[Turn], closed: bool, language: str = "en"
    ) -> None:
        self.language = language
        candidates = Candidates(roster, scene, turns, closed, language)
        self.prepared, self._nouns = candidates.prepared, candidates.nouns

    def score(self, i: int, c: int, before: int | None, before_that: int | None) -> dict[int, float]:
        """All features of candidate `c` (position in the list) for turn i, given the two speakers before."""
        p = self.prepared[i]
        person = p.candidates[c]
        f = dict(p.static[c])
        far = p.turn.gap is None or p.turn.gap > NEW_TALK
        if before is not None and not far:
            if person == before:
                f[INDEX["repeat_adjacent" if p.adjacent else "repeat_apart"]] = 1
                if p.pronoun and p.adjacent:
                    f[INDEX["repeat_pronoun"]] = 1
            elif person == before_that:
                f[INDEX["alternate_adjacent" if p.adjacent else "alternate_apart"]] = 1
        return f

    def decode(self, w: Sequence[float] | None = None) -> list[Decision]:
        w = weights() if w is None else w
        beams: list[tuple[float, int | None, int | None, _Node | None]] = [(0.0, None, None, None)]
        bases: list[list[float]] = []
        for p in self.prepared:
            base = [sum(w[k] * v for k, v in f.items()) for f in p.static]
            bases.append(base)
            far = p.turn.gap is None or p.turn.gap > NEW_TALK
            best: dict[tuple[int, int | None], tuple[float, int | None, int | None, _Node | None]] = {}
            least = max(base) - HOPELESS
            likely = [(person, b) for person, b in zip(p.candidates, base, strict=True) if b >= least]
            for total, s1, s2, node in beams:
                for person, b in likely:
                    value = total + b
                    if not far and (person in (s1, s2) or p.turn.abuts):
                        value += self._transition(p, person, s1, s2, w)
                    state = (person, s2 if person == s1 else s1)
                    kept = best.get(state)
                    if kept is None or value > kept[0]:
                        best[state] = (value, *state, node)
            kept_states = sorted(best.values(), key=lambda b: -b[0])[:BEAM]
            beams = [
                (value, s1, s2, _Node(s1, node)) for value, s1, s2, node in kept_states if s1 is not None
            ]
        people: list[int] = []
        node = beams[0][3]
        while node is not None:
            people.append(node.person)
            node = node.back
        people.reverse()
        return [self._decision(i, people, base, w) for i, base in enumerate(bases)]

    def _transition(
        self, p: Prepared, person: int, s1: int | None, s2: int | None, w: Sequence[float]
    ) -> float:
        if s1 is None or p.turn.gap is None or p.turn.gap > NEW_TALK:
            return 0.0
        if p.turn.abuts:  # ”“: the other one answers
            return ABUTTING if person == s2 else -ABUTTING if person == s1 or s2 is not None else 0.0
        if person == s1:
            value = w[INDEX["repeat_adjacent" if p.adjacent else "repeat_apart"]]
            if p.pronoun and p.adjacent:
                value += w[INDEX["repeat_pronoun"]]
            return value
        if person == s2:
            return w[INDEX["alternate_adjacent" if p.adjacent else "alternate_apart"]]
        return 0.0

    def _decision(self, i: int, people: list[int], base: list[float], w: Sequence[float]) -> Decision:
        """The chosen speaker with the chance that the ranker gives it, its neighbours held fixed."""
        p = self.prepared[i]
        if p.fixed is not None:
            return Decision(p.fixed, p.rule, precision_of(p.rule, self.language), margin=1.0)
        scores = []
        for person, value in zip(p.candidates, base, strict=True):
            trial = [*people[max(0, i - 3) : i], person, *people[i + 1 : i + 3]]
            at = min(3, i)
            for offset in range(at, len(trial)):
                turn = i + offset - at
                s1, s2 = _previous(trial[:offset])
                value += self._transition(self.prepared[turn], trial[offset], s1, s2, w)
            scores.append(value)
        top = max(scores)
        total = sum(math.exp(s - top) for s in scores)
        chances = {c: math.exp(s - top) / total for c, s in zip(p.candidates, scores, strict=True)}
        chosen = people[i]
        rule = self._rule(i, people)
        others = sorted(((c, x) for c, x in chances.items() if c != chosen), key=lambda e: -e[1])[:4]
        return Decision(chosen, rule, calibrated(rule, chances[chosen]), chances[chosen], others)

    def _rule(self, i: int, people: list[int]) -> str:
        """The name of the strongest reason for a ranked choice."""
        p, person = self.prepared[i], people[i]
        f = p.static[p.candidates.index(person)]
        if p.turn.tag is not None and p.turn.tag.mention.kind == "pronoun":
            return "tag pronoun"
        if p.turn.tag is not None and p.turn.tag.mention.kind == "noun":
            return "tag noun" if person == self._nouns[i] else "tag noun guess"
        if INDEX["action_name"] in f:
            return "action"
        if p.turn.action is not None and p.turn.action.mention.kind == "pronoun":
            return "action pronoun"
        if INDEX["answers_call"] in f:
            return "answers when called"
        _, s2 = _previous(people[max(0, i - 4) : i])
        if p.adjacent and person == s2:
            return "alternation"
        if INDEX["gap_subject"] in f or INDEX["gap_last"] in f:
            return "last named"
        return "nearby"


@dataclass(slots=True, frozen=True)
class _Node:
    person: int
    back: _Node | None


def _previous(people: Sequence[int]) -> tuple[int | None, int | None]:
    """The last speaker and the last other one."""
    if not people:
        return None, None
    last = people[-1]
    return last, next((p for p in reversed(people) if p != last), None)
