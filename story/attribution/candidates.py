"""Who may speak a turn: whom its tag names outright, else the people at hand with their features for the ranker."""

from __future__ import annotations

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from story.attribution.mentions import Mention
from story.attribution.nameless import noun_class, noun_name
from story.attribution.ranker import INDEX
from story.attribution.roster import Person, Roster
from story.attribution.turns import Turn

CANDIDATES = 14
SOMEONE = "someone"
NEAR = 40  # paragraphs within which someone counts as present


@dataclass(slots=True)
class Scene:
    """What the decoder knows of a chapter besides its turns: where each person is mentioned in narration.

    `mentions`: per block, (person, is subject-like) in order; `heard`: person → how often named in the book.
    """

    mentions: list[list[int]]
    weight: list[float]
    narrator: int | None = None


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
                static = [self._static(i, turn, c, last_seen) for c in candidates]
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

    def _static(self, i: int, turn: Turn, person: int, last_seen: dict[int, int]) -> dict[int, float]:
        f: dict[int, float] = {}
        who = self.roster.people[person]
        told = turn.tag
        if told is None and turn.gap_lead is not None:
            told = turn.gap_lead
        if told is not None and told.mention.gender != "unknown":
            if who.gender == "unknown":
                f[INDEX["gender_unknown"]] = 1
            elif who.gender == told.mention.gender and not who.group:
                f[INDEX["gender_match"]] = 1
            else:
                f[INDEX["gender_clash"]] = 1
        if who.group and (told is None or not told.mention.group):
            f[INDEX["gender_clash"]] = 1
        if (
            told is not None
            and person == self.scene.narrator
            and told.mention.kind == "pronoun"
            and told.mention.text != "I"
        ):
            f[INDEX["gender_clash"]] = 1  # whoever says "I" is not "he"
        if told is not None and told.mention.text == "I" and person == self.scene.narrator:
            f[INDEX["narrator"]] = 1
        action = turn.action
        if action is not None:
            named = self._person(action.mention)
            if named is not None:
                if named == person:
                    f[INDEX["action_name"]] = 1
            elif action.mention.gender != "unknown" and who.gender not in ("unknown", action.mention.gender):
                f[INDEX["action_clash"]] = 1
        if turn.gap_lead is not None and self._person(turn.gap_lead.mention) == person:
            f[INDEX["action_name"]] = 1
        for who_named, spoken in self._named_in[i]:
            if who_named == person:
                f[INDEX["spoken_to" if spoken else "spoken_of"]] = 1
        if i and (turn.gap or 0) <= 1:
            if (person, True) in self._named_in[i - 1]:
                f[INDEX["answers_call"]] = 1
            before = self.turns[i - 1].tag
            if (
                before is not None
                and before.addressee is not None
                and self._person(before.addressee) == person
            ):
                f[INDEX["addressed_before"]] = 1
        following = (
            self.turns[i + 1] if i + 1 < len(self.turns) and (self.turns[i + 1].gap or 0) <= 1 else None
        )
        if following and any(s and self.roster.find(n.words) == person for n, s in following.named):
            f[INDEX["called_next"]] = 1
        if (
            turn.tag is not None
            and turn.tag.addressee is not None
            and self._person(turn.tag.addressee) == person
        ):
            f[INDEX["addressee"]] = 1
        if turn.gap:
            named = self._person(turn.gap_subject) if turn.gap_subject is not None else None
            if named == person and person != self.scene.narrator:
                f[INDEX["gap_subject"]] = 1
            last = self.scene.mentions[turn.block - 1] if turn.block else []
            if last and last[-1] == person and person != self.scene.narrator:
                f[INDEX["gap_last"]] = 1
        own = self.scene.mentions[turn.block]
        if person in own and turn.tag is not None and turn.tag.mention.kind != "name":
            f[INDEX["own_block_object"]] = 1
        if self._antecedent(turn, person):
            f[INDEX["tag_antecedent"]] = 1
        seen = last_seen.get(person)
        if seen is None:
            f[INDEX["absent"]] = 1
            f[INDEX["distance"]] = math.log2(1 + NEAR)
        else:
            f[INDEX["distance"]] = math.log2(1 + max(0, turn.block - seen))
        f[INDEX["frequency"]] = math.log2(1 + self.scene.weight[person])
        tags = self._tags_by_person.get(person, [])
        at = bisect.bisect_left(tags, i)
        if at and tags[at - 1] >= i - 4:
            f[INDEX["near_tag_before"]] = 1
        after = at + (at < len(tags) and tags[at] == i)
        if after < len(tags) and tags[after] <= i + 4:
            f[INDEX["near_tag_after"]] = 1
        if who.nameless:
            if person == self.nouns[i] and turn.tag is not None:
                f[INDEX["self_" + noun_class(turn.tag.mention, self.scene.narrator is not None)]] = 1
                f[INDEX["self_count"]] = math.log2(1 + self.scene.weight[person])
            elif self.language != "zh":  # Chinese prose often leaves its people without a name
                f[INDEX["newcomer"]] = 1
        return f

    def _antecedent(self, turn: Turn, person: int) -> bool:
        """Whether the person is the last one of fitting gender in the narration before a tag by pronoun."""
        tag = turn.tag or turn.action
        if tag is None or tag.mention.kind == "name":
            return False
        gender = tag.mention.gender
        for block in range(turn.block, max(-1, turn.block - 3), -1):
            for who in reversed(self.scene.mentions[block]):
                known = self.roster.people[who].gender
                if gender == "unknown" or known in (gender, "unknown"):
                    return who == person
        return False
