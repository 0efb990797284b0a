"""Chooses each turn's speaker: a sieve of rules for what the text says outright, a ranker for what it leaves open.

The ranker is a conditional logit over the people at hand: features of one candidate for one turn, given the two
speakers before it, with weights from data/speaker_ranker.json. A beam over the turns of a chapter finds the best
sequence, so that a name late in a dialogue also settles the lines before it. Linear in the number of turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from story.attribution.candidates import Candidates, Prepared
from story.attribution.features import Scene
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
        steps = [_Step(p, w) for p in self.prepared]
        people = _best_sequence(steps)
        return [self._decision(i, people, steps) for i in range(len(steps))]

    def _decision(self, i: int, people: list[int], steps: Sequence[_Step]) -> Decision:
        """The chosen speaker with the chance that the ranker gives it, its neighbours held fixed."""
        p, step = self.prepared[i], steps[i]
        if p.fixed is not None:
            return Decision(p.fixed, p.rule, precision_of(p.rule, self.language), margin=1.0)
        before = people[max(0, i - 3) : i]
        s1, s2 = _previous(before)
        after = list(zip(people[i + 1 : i + 3], steps[i + 1 : i + 3], strict=True))
        scores = []
        for person, value in zip(p.candidates, step.base, strict=True):
            value += step.transition(person, s1, s2)
            last, other = person, s1 if person != s1 else s2
            for follower, following in after:
                value += following.transition(follower, last, other)
                if follower != last:
                    last, other = follower, last
            scores.append(value)
        top = max(scores)
        shares = [math.exp(s - top) for s in scores]
        chosen = people[i]
        chance = shares[p.candidates.index(chosen)] / sum(shares)
        rule = self._rule(i, people)
        return Decision(chosen, rule, calibrated(rule, chance), chance)

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


class _Step:
    """A turn's candidates scored by themselves (`base`), and what the speakers before change."""

    __slots__ = ("abuts", "alternate", "base", "candidates", "far", "repeat")

    def __init__(self, p: Prepared, w: Sequence[float]) -> None:
        self.candidates = p.candidates
        self.base = [_weighed(f, w) for f in p.static]
        self.far = p.turn.gap is None or p.turn.gap > NEW_TALK
        self.abuts = p.turn.abuts
        self.repeat = w[INDEX["repeat_adjacent" if p.adjacent else "repeat_apart"]]
        if p.pronoun and p.adjacent:
            self.repeat += w[INDEX["repeat_pronoun"]]
        self.alternate = w[INDEX["alternate_adjacent" if p.adjacent else "alternate_apart"]]

    def transition(self, person: int, s1: int | None, s2: int | None) -> float:
        """What it changes that the last speaker was s1 and the last other one s2."""
        if s1 is None or self.far:
            return 0.0
        if self.abuts:  # ”“: the other one answers
            return ABUTTING if person == s2 else -ABUTTING if person == s1 or s2 is not None else 0.0
        if person == s1:
            return self.repeat
        return self.alternate if person == s2 else 0.0


def _weighed(features: Mapping[int, float], w: Sequence[float]) -> float:
    value = 0.0
    for k, v in features.items():
        value += w[k] * v
    return value


@dataclass(slots=True, frozen=True)
class _Node:
    person: int
    back: _Node | None


def _best_sequence(steps: Sequence[_Step]) -> list[int]:
    """Who speaks each turn, by a beam over (last speaker, last other speaker)."""
    beams: list[tuple[float, int | None, int | None, _Node | None]] = [(0.0, None, None, None)]
    for step in steps:
        least = max(step.base) - HOPELESS
        likely = [(person, b) for person, b in zip(step.candidates, step.base, strict=True) if b >= least]
        repeat, alternate = (0.0, 0.0) if step.far else (step.repeat, step.alternate)
        best: dict[tuple[int, int | None], tuple[float, int, int | None, _Node | None]] = {}
        for total, s1, s2, node in beams:
            for person, b in likely:
                value = total + b
                other = s2 if person == s1 else s1
                if step.abuts:
                    value += step.transition(person, s1, s2)
                elif person == s1:
                    value += repeat
                elif person == s2:
                    value += alternate
                kept = best.get((person, other))
                if kept is None or value > kept[0]:
                    best[person, other] = (value, person, other, node)
        beams = [
            (value, person, other, _Node(person, node))
            for value, person, other, node in sorted(best.values(), key=_total, reverse=True)[:BEAM]
        ]
    people: list[int] = []
    node = beams[0][3]
    while node is not None:
        people.append(node.person)
        node = node.back
    people.reverse()
    return people


_total = itemgetter(0)


def _previous(people: Sequence[int]) -> tuple[int | None, int | None]:
    """The last speaker and the last other one."""
    if not people:
        return None, None
    last = people[-1]
    return last, next((p for p in reversed(people) if p != last), None)
