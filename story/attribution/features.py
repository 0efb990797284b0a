"""What speaks for and against each candidate of a turn, whoever spoke before: the ranker's static features.

Everything that is the same for all candidates of a turn is found once (`Around`), the rest is looked up per candidate.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from story.attribution.mentions import Mention
from story.attribution.nameless import noun_class
from story.attribution.ranker import INDEX
from story.attribution.roster import Roster
from story.attribution.turns import Turn

NEAR = 40  # paragraphs within which someone counts as present
TAG_REACH = 4  # turns within which somebody named by a tag is near

_GENDER_CLASH, _GENDER_MATCH, _GENDER_UNKNOWN = (
    INDEX["gender_clash"],
    INDEX["gender_match"],
    INDEX["gender_unknown"],
)
_ACTION_NAME, _ACTION_CLASH, _NARRATOR = INDEX["action_name"], INDEX["action_clash"], INDEX["narrator"]
_SPOKEN_TO, _SPOKEN_OF = INDEX["spoken_to"], INDEX["spoken_of"]
_ANSWERS_CALL, _ADDRESSED_BEFORE = INDEX["answers_call"], INDEX["addressed_before"]
_CALLED_NEXT, _ADDRESSEE = INDEX["called_next"], INDEX["addressee"]
_GAP_SUBJECT, _GAP_LAST, _OWN_BLOCK = INDEX["gap_subject"], INDEX["gap_last"], INDEX["own_block_object"]
_ANTECEDENT, _ABSENT, _DISTANCE = INDEX["tag_antecedent"], INDEX["absent"], INDEX["distance"]
_FREQUENCY, _NEWCOMER, _SELF_COUNT = INDEX["frequency"], INDEX["newcomer"], INDEX["self_count"]
_TAG_BEFORE, _TAG_AFTER = INDEX["near_tag_before"], INDEX["near_tag_after"]


@dataclass(slots=True)
class Scene:
    """What the decoder knows of a chapter besides its turns: where each person is mentioned in narration.

    `mentions`: per block, (person, is subject-like) in order; `heard`: person → how often named in the book.
    """

    mentions: list[list[int]]
    weight: list[float]
    narrator: int | None = None


@dataclass(slots=True)
class Around:
    """What surrounds a turn; people are indices into the roster.

    Attributes:
        told: its tag, or what leads in to it from the paragraphs before.
        acting: whom the action beside it names.
        called: of the people named inside it, the features that gives each, in order.
        answers: whom the turn before calls; `addressed`: whom its tag says it is said to.
        called_next: whom the turn after calls.
        antecedent: whom a pronoun in its tag most likely means.
        own: who is mentioned in its paragraph, where its tag is no name.
        noun: whom its tag by noun means, where that is somebody without a name.
    """

    told: Mention | None
    action: Mention | None
    acting: int | None
    led_by: int | None
    called: dict[int, dict[int, None]] = field(default_factory=dict)
    answers: set[int] = field(default_factory=set)
    addressed: int | None = None
    called_next: set[int] = field(default_factory=set)
    addressee: int | None = None
    gap_subject: int | None = None
    gap_last: int | None = None
    own: Sequence[int] = ()
    antecedent: int | None = None
    noun: int | None = None
    noun_class: str = ""


class Features:
    """The static features of a chapter's turns.

    Args:
        called: per turn, (person, whether spoken to) of the names inside it that were known from the beginning.
        person: whom a mention means.
        nouns: per turn, whom its tag by noun means.
        tags: person → the turns whose tag names them.
    """

    def __init__(
        self,
        roster: Roster,
        scene: Scene,
        turns: Sequence[Turn],
        language: str,
        called: Sequence[Sequence[tuple[int, bool]]],
        person: Callable[[Mention], int | None],
        nouns: Sequence[int | None],
        tags: Mapping[int, Sequence[int]],
    ) -> None:
        self._roster, self._scene, self._turns, self._language = roster, scene, turns, language
        self._called, self._person, self._nouns, self._tags = called, person, nouns, tags

    def of(self, i: int, candidates: Sequence[int], last_seen: Mapping[int, int]) -> list[dict[int, float]]:
        """For each candidate of turn i: feature → value.

        Args:
            last_seen: person → the paragraph where they were last mentioned before the turn's end.
        """
        around = self._around(i)
        return [self._features(i, around, c, last_seen) for c in candidates]

    def _around(self, i: int) -> Around:
        turn, scene, find = self._turns[i], self._scene, self._person
        tag, action = turn.tag, turn.action
        told = tag if tag is not None else turn.gap_lead
        around = Around(
            told.mention if told is not None else None,
            action.mention if action is not None else None,
            find(action.mention) if action is not None else None,
            find(turn.gap_lead.mention) if turn.gap_lead is not None else None,
        )
        for person, spoken in self._called[i]:
            around.called.setdefault(person, {})[_SPOKEN_TO if spoken else _SPOKEN_OF] = None
        if i and (turn.gap or 0) <= 1:
            around.answers = {p for p, spoken in self._called[i - 1] if spoken}
            before = self._turns[i - 1].tag
            if before is not None and before.addressee is not None:
                around.addressed = find(before.addressee)
        if i + 1 < len(self._turns) and (self._turns[i + 1].gap or 0) <= 1:
            around.called_next = {
                p for n, s in self._turns[i + 1].named if s and (p := self._roster.find(n.words)) is not None
            }
        if tag is not None:
            if tag.addressee is not None:
                around.addressee = find(tag.addressee)
            if tag.mention.kind != "name":
                around.own = scene.mentions[turn.block]
        if turn.gap:
            around.gap_subject = find(turn.gap_subject) if turn.gap_subject is not None else None
            last = scene.mentions[turn.block - 1] if turn.block else ()
            around.gap_last = last[-1] if last else None
        around.antecedent = self._antecedent(turn)
        around.noun = self._nouns[i]
        if around.noun is not None and tag is not None:
            around.noun_class = noun_class(tag.mention, scene.narrator is not None)
        return around

    def _antecedent(self, turn: Turn) -> int | None:
        """The last person of fitting gender in the narration before a tag by pronoun."""
        tag = turn.tag or turn.action
        if tag is None or tag.mention.kind == "name":
            return None
        gender, people = tag.mention.gender, self._roster.people
        for block in range(turn.block, max(-1, turn.block - 3), -1):
            for who in reversed(self._scene.mentions[block]):
                if gender == "unknown" or people[who].gender in (gender, "unknown"):
                    return who
        return None

    def _features(
        self, i: int, around: Around, person: int, last_seen: Mapping[int, int]
    ) -> dict[int, float]:
        f: dict[int, float] = {}
        turn, who, narrator = self._turns[i], self._roster.people[person], self._scene.narrator
        told, action = around.told, around.action
        if told is not None and told.gender != "unknown":
            if who.gender == "unknown":
                f[_GENDER_UNKNOWN] = 1
            elif who.gender == told.gender and not who.group:
                f[_GENDER_MATCH] = 1
            else:
                f[_GENDER_CLASH] = 1
        if who.group and (told is None or not told.group):
            f[_GENDER_CLASH] = 1
        if told is not None and person == narrator:
            if told.kind == "pronoun" and told.text != "I":
                f[_GENDER_CLASH] = 1  # whoever says "I" is not "he"
            if told.text == "I":
                f[_NARRATOR] = 1
        if action is not None:
            if around.acting is not None:
                if around.acting == person:
                    f[_ACTION_NAME] = 1
            elif action.gender != "unknown" and who.gender not in ("unknown", action.gender):
                f[_ACTION_CLASH] = 1
        if around.led_by == person:
            f[_ACTION_NAME] = 1
        for feature in around.called.get(person, ()):
            f[feature] = 1
        if person in around.answers:
            f[_ANSWERS_CALL] = 1
        if around.addressed == person:
            f[_ADDRESSED_BEFORE] = 1
        if person in around.called_next:
            f[_CALLED_NEXT] = 1
        if around.addressee == person:
            f[_ADDRESSEE] = 1
        if person != narrator:
            if around.gap_subject == person:
                f[_GAP_SUBJECT] = 1
            if around.gap_last == person:
                f[_GAP_LAST] = 1
        if person in around.own:
            f[_OWN_BLOCK] = 1
        if around.antecedent == person:
            f[_ANTECEDENT] = 1
        seen = last_seen.get(person)
        if seen is None:
            f[_ABSENT] = 1
            f[_DISTANCE] = math.log2(1 + NEAR)
        else:
            f[_DISTANCE] = math.log2(1 + max(0, turn.block - seen))
        f[_FREQUENCY] = math.log2(1 + self._scene.weight[person])
        tags = self._tags.get(person, ())
        at = bisect.bisect_left(tags, i)
        if at and tags[at - 1] >= i - TAG_REACH:
            f[_TAG_BEFORE] = 1
        after = at + (at < len(tags) and tags[at] == i)
        if after < len(tags) and tags[after] <= i + TAG_REACH:
            f[_TAG_AFTER] = 1
        if who.nameless:
            if person == around.noun and around.noun_class:
                f[INDEX["self_" + around.noun_class]] = 1
                f[_SELF_COUNT] = math.log2(1 + self._scene.weight[person])
            elif self._language != "zh":  # Chinese prose often leaves its people without a name
                f[_NEWCOMER] = 1
        return f
