"""Who may speak a turn: whom its tag names outright, else the people at hand with their features for the ranker."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from story.attribution.features import NEAR, Features, Scene
from story.attribution.mentions import Mention
from story.attribution.nameless import noun_class, noun_name
from story.attribution.roster import Person, Roster
from story.attribution.turns import Turn

CANDIDATES = 14
SOMEONE = "someone"


@dataclass(slots=True)
class Prepared:
    """A turn with its candidates and the part of their scores that does not depend on other turns."""

    turn: Turn
    fixed: int | None
    rule: str
    candidates: list[int]
    static: list[dict[int, float]]  # feature index → value, one per candidate
    adjacent: bool
    pronoun: bool


class Candidates:
    """The turns of one chapter with who may speak them.

    Attributes:
        prepared: one for each turn.
        nouns: whom a turn's tag by noun means, where that is somebody without a name.
    """

    def __init__(
        self, roster: Roster, scene: Scene, turns: Sequence[Turn], closed: bool, language: str = "en"
    ) -> None:
        self.language = language
        self.roster, self.scene, self.turns, self.closed = roster, scene, turns, closed
        self._known: dict[int, int | None] = {}
        self._named_in = [
            [(p, spoken) for n, spoken in t.named if (p := roster.find(n.words)) is not None] for t in turns
        ]
        self._fixed: list[tuple[int, str] | None] = [self._named(t) for t in turns]
        self.nouns = [self._noun_person(t) for t in turns]
        self._tags_by_person: dict[int, list[int]] = defaultdict(list)
        for i, fixed in enumerate(self._fixed):
            if fixed is not None:
                self._tags_by_person[fixed[0]].append(i)
        self.prepared = self._prepare()

    # what is said outright

    def _person(self, mention: Mention) -> int | None:
        if id(mention) not in self._known:  # mentions live as long as the turns
            self._known[id(mention)] = self._find(mention)
        return self._known[id(mention)]

    def _find(self, mention: Mention) -> int | None:
        if mention.kind == "name":
            return self.roster.find(mention.words)
        if mention.kind == "noun":
            return self.roster.find_text(mention.text)
        if mention.text == "I":
            return self.scene.narrator
        return None

    def _named(self, turn: Turn) -> tuple[int, str] | None:
        if turn.kin is not None and turn.tag is not None:
            return turn.kin, f"{turn.tag.rule} kin"
        for finding in turn.findings:
            person = self._person(finding.mention)
            if person is not None and not (
                finding.mention.kind == "noun" and self.roster.people[person].nameless
            ):
                kind = "I" if finding.mention.text == "I" else finding.mention.kind
                return person, f"{finding.rule} {kind}"
            if finding.rule in ("tag", "lead", "lead far"):
                break  # a tag by pronoun outweighs a weaker rule's name
        return None

    def _noun_person(self, turn: Turn) -> int | None:
        """Whom a tag by noun ("said the landlord") or by a name unknown so far means, when that is somebody new."""
        tag = turn.tag
        if self.closed or tag is None:
            return None
        mention = tag.mention
        if mention.kind == "name" and tag.rule in ("tag", "lead", "lead far"):
            found = self.roster.find(mention.words)
            if found is None:
                found = self.roster.add(Person("", mention.text, Counter({mention.text: 1})))
                self.roster.alias(" ".join(mention.words), found)
                self.scene.weight.append(1.0)
            return found
        if mention.text == "they":
            for block in range(turn.block, max(-1, turn.block - 4), -1):
                for who in reversed(self.scene.mentions[block]):
                    if self.roster.people[who].group:
                        return who
        if mention.kind == "noun" or mention.text == "they":
            return self.roster.find_text(noun_name(mention))
        return None

    # candidates and features

    def _prepare(self) -> list[Prepared]:
        prepared: list[Prepared] = []
        features = Features(
            self.roster,
            self.scene,
            self.turns,
            self.language,
            self._named_in,
            self._person,
            self.nouns,
            self._tags_by_person,
        )
        last_seen: dict[int, int] = {}  # person → block of the last mention in narration or tag
        block = 0
        recent_speakers: list[int] = []
        for i, turn in enumerate(self.turns):
            while block <= turn.last_block and block < len(self.scene.mentions):
                for person in self.scene.mentions[block]:
                    last_seen[person] = block
                block += 1
            fixed = self._fixed[i]
            tag = turn.tag
            pronoun = tag is not None and tag.mention.kind == "pronoun" and fixed is None
            candidates = self._candidates(i, turn, last_seen, recent_speakers) if fixed is None else []
            noun = self.nouns[i]
            if (
                fixed is None
                and tag is not None
                and tag.mention.kind == "name"
                and noun is not None
                and tag.rule in ("tag", "lead", "lead far")
            ):
                fixed = (noun, f"{tag.rule} name")
            if fixed is None and noun is not None and tag is not None:
                if tag.mention.group:
                    kind = "they" if tag.mention.kind == "pronoun" else "group"
                    fixed = (noun, f"{tag.rule} {kind}")
                elif (
                    self.language == "zh"
                    and noun_class(tag.mention, self.scene.narrator is not None) == "role"
                ):
                    fixed = (noun, f"{tag.rule} noun")
                elif noun not in candidates:
                    candidates.append(noun)
            if fixed is not None:  # nothing to choose
                candidates, static = [fixed[0]], [{}]
            else:
                candidates = candidates or [self._someone()]
                static = features.of(i, candidates, last_seen)
            adjacent = i > 0 and not turn.gap and not turn.same_block
            prepared.append(
                Prepared(
                    turn,
                    fixed[0] if fixed else None,
                    fixed[1] if fixed else "",
                    candidates,
                    static,
                    adjacent,
                    pronoun,
                )
            )
            if fixed is not None:
                recent_speakers.append(fixed[0])
                last_seen[fixed[0]] = turn.last_block
        return prepared

    def _someone(self) -> int:
        """A voice of whom the text says nothing."""
        found = self.roster.find_text(SOMEONE)
        if found is None:
            found = self.roster.add(Person("", SOMEONE, nameless=True))
            self.scene.weight.append(0.5)
        return found

    def _candidates(self, i: int, turn: Turn, last_seen: dict[int, int], recent: list[int]) -> list[int]:
        score: dict[int, float] = {}
        for person, seen in last_seen.items():
            if turn.block - seen <= NEAR:
                score[person] = 3.0 / (1 + max(0, turn.block - seen))
        for back, person in enumerate(reversed(recent[-12:])):
            score[person] = score.get(person, 0) + 2.0 / (1 + back)
        for ahead in range(i + 1, min(len(self.turns), i + 7)):
            fixed = self._fixed[ahead]
            if fixed is not None:
                score[fixed[0]] = score.get(fixed[0], 0) + 2.0 / (ahead - i)
        for other in range(max(0, i - 2), min(len(self.turns), i + 3)):
            for person, spoken in self._named_in[other]:
                if spoken:
                    score[person] = score.get(person, 0) + 0.5
        if self.scene.narrator is not None:
            score[self.scene.narrator] = score.get(self.scene.narrator, 0) + 0.5
        if len(score) < 2:
            for person in sorted(range(len(self.scene.weight)), key=lambda p: -self.scene.weight[p])[:3]:
                score.setdefault(person, 0.01)
        ordered = sorted(score, key=lambda p: (-score[p], p))
        return ordered[:CANDIDATES]
