"""Who speaks with which voice: one cast a book, stable over chapters and runs, editable by hand.

Casting looks at the whole novel, never at the chapter being rendered. Order of choice: what the novel fixes, what
cast.json keeps, then the narrator, then main characters by how much they say, then the others. Each takes the voice of
least cost at that moment (story/voice_fit.py says what costs what), so the result is the same on every run.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel

from story.cast_file import read_cast_file as read_cast_file
from story.cast_file import write_cast_file as write_cast_file
from story.errors import InputError
from story.jsonfile import nearest, quote
from story.novel import Age, Character, Gender, Novel, Role
from story.people import age_of, coin, gender_of, pronoun_evidence
from story.speakers import said
from story.voice_fit import MISFIT, Wanted, best_voice, fit_cost, meeting_cost

NEIGHBOURS = 3  # lines: two who speak this close to one another are in conversation


class Voice(BaseModel):
    """A voice a speech model offers (the model's voices data file lists them)."""

    id: str
    model: str  # name in the catalog, e.g. "kokoro"
    languages: list[str]  # BCP 47 primary tags: ["en"]
    gender: Gender
    age: Age
    pitch_hz: float  # median f0 on neutral text
    narrator_rank: int | None = None  # 1 = most pleasant to hear for long; None = not for narration
    accent: str = ""
    description: str = ""
    parameters: dict[str, Any] = {}  # what the engine needs: preset name, blend weights, warp factors


class Assignment(BaseModel):
    character: str
    name: str
    voice_id: str
    why: str  # e.g. "narrator", "kept from cast.json", "male, old"
    role: Role = "minor"


class Cast(BaseModel):
    """A book's voices for one speech model."""

    format: Literal["soundbound.cast/1"] = "soundbound.cast/1"
    model: str
    assignments: list[Assignment]
    warnings: list[str] = []

    def voice_of(self, character: str) -> str:
        """The character's voice id; KeyError for someone not cast."""
        for assignment in self.assignments:
            if assignment.character == character:
                return assignment.voice_id
        raise KeyError(character)


def cast_novel(
    novel: Novel, voices: list[Voice], model: str, language: str, kept: Mapping[str, str] | None = None
) -> Cast:
    """A voice of `model` for every character of the novel.

    Args:
        voices: what the model offers; those of other models are ignored.
        language: BCP 47; only voices that speak it are chosen (kept and fixed ones may be others, with a warning).
        kept: character id → voice id, from cast.json. Wins over choosing; the novel's own voice_id wins over it.
    Raises:
        InputError: an unknown voice id in the novel or in `kept`, or no voice that speaks the language.
    """
    mine = {v.id: v for v in voices if v.model == model}
    primary = language.lower().split("-")[0]
    speaking = [v for v in mine.values() if primary in {t.lower().split("-")[0] for t in v.languages}]
    if not speaking:
        spoken = sorted({t for v in mine.values() for t in v.languages})
        remedy = (
            f"it speaks {', '.join(spoken)}; choose another speech model" if spoken else "install its voices"
        )
        raise InputError(
            f"{model} has no voice for the language {language}", where=novel.title, remedy=remedy
        )
    fixed = _fixed(novel, mine, model, kept or {})
    board = _Board(novel, fixed, mine)
    for character in _order_of_choice(novel, board.amounts):
        if character.id not in fixed:
            board.choose(character, speaking)
    return Cast(
        model=model,
        assignments=[
            Assignment(character=c.id, name=c.name, role=c.role, **board.chosen[c.id])
            for c in novel.characters
        ],
        warnings=[*_oddities(novel, fixed, mine, primary, kept or {}), *board.warnings()],
    )


def _fixed(
    novel: Novel, voices: dict[str, Voice], model: str, kept: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Character id → {voice_id, why} for what is not ours to choose; raises for voices that do not exist."""

    def check(voice_id: str, where: str) -> str:
        if voice_id not in voices:
            near = nearest(voice_id, list(voices)) or sorted(voices)[:3]
            remedy = f"did you mean {' or '.join(near)}? `soundbound voices` lists all of them"
            raise InputError(f"{model} has no voice {quote(voice_id, 40)}", where=where, remedy=remedy)
        return voice_id

    fixed = {}
    for character in novel.characters:
        if character.voice_id:
            voice = check(character.voice_id, f"{novel.title}, character {character.id}, field voice_id")
            fixed[character.id] = {"voice_id": voice, "why": "set in the novel"}
        elif character.id in kept:
            voice = check(kept[character.id], f"cast.json, models.{model}.{character.id}")
            fixed[character.id] = {"voice_id": voice, "why": "kept from cast.json"}
    for chapter in novel.chapters:
        for segment in chapter.segments:
            if segment.voice_id:
                place = f"{novel.title}, chapter {chapter.number}, segment {segment.id}, field voice_id"
                check(segment.voice_id, place)
    return fixed


def _order_of_choice(novel: Novel, amounts: Counter[str]) -> list[Character]:
    """Narrators, main characters, minor ones, crowds; within each in the book's own order. Silent ones last.

    Not by how much they say: then one edited line could change places, and with them other people's voices.
    """
    rank = {"narrator": 0, "major": 1, "minor": 2, "crowd": 3}
    position = {c.id: i for i, c in enumerate(novel.characters)}
    return sorted(
        novel.characters,
        key=lambda c: (amounts[c.id] == 0, rank[c.role], position[c.id]),
    )


def _oddities(
    novel: Novel,
    fixed: dict[str, dict[str, str]],
    voices: dict[str, Voice],
    primary: str,
    kept: Mapping[str, str],
) -> list[str]:
    """Warnings about what people fixed: voices of another language, entries for nobody."""
    known = {c.id for c in novel.characters}
    found = [
        f"cast.json names {quote(c, 40)}, who is no character of the novel" for c in kept if c not in known
    ]
    for character, entry in fixed.items():
        languages = {t.lower().split("-")[0] for t in voices[entry["voice_id"]].languages}
        if primary not in languages:
            found.append(
                f"{character}'s voice {entry['voice_id']} speaks {', '.join(sorted(languages))}, not {primary}"
            )
    return found


class _Board:
    """The casting in progress: who has which voice, and who meets whom."""

    def __init__(self, novel: Novel, fixed: dict[str, dict[str, str]], voices: dict[str, Voice]) -> None:
        self.amounts = said(s for c in novel.chapters for s in c.segments)
        self.chosen: dict[str, dict[str, str]] = {}
        self._people = {c.id: c for c in novel.characters}
        self._voices = voices
        self._pronouns = pronoun_evidence(novel)
        self._chapters, self._near = _meetings(novel)
        self._users: dict[str, _Users] = defaultdict(_Users)  # by voice id
        for character, entry in fixed.items():
            self._give(self._people[character], entry)

    def choose(self, character: Character, voices: list[Voice]) -> None:
        wanted, why = self._wanted(character)
        sharing = {v.id: self._sharing(character, self._users[v.id]) for v in voices}
        # Main characters must sound unlike each other; that others do as well matters less.
        heard = [(self._voices[v], 1.0 if u.main else 0.4) for v, u in self._users.items() if u.characters]
        self._give(character, {"voice_id": best_voice(wanted, voices, sharing, heard).id, "why": why})

    def _wanted(self, character: Character) -> tuple[Wanted, str]:
        """What fits the character, and in words what is known of it."""
        gender, why = gender_of(character, self._pronouns.get(character.id, Counter()))
        sure = gender != "unknown"
        narrator = character.role == "narrator"
        age = age_of(character)
        wanted = Wanted(
            gender if sure or narrator else coin(character.id), sure, age, narrator, self._main(character)
        )
        return wanted, ("narrator, " if narrator else "") + why + ("" if age == "unknown" else f", {age}")

    def _give(self, character: Character, entry: dict[str, str]) -> None:
        self.chosen[character.id] = entry
        users = self._users[entry["voice_id"]]
        users.characters.add(character.id)
        users.chapters |= self._chapters[character.id]
        users.main |= self._main(character)
        users.heard |= self.amounts[character.id] > 0

    def _main(self, character: Character) -> bool:
        return character.role in ("narrator", "major") and self.amounts[character.id] > 0

    def _sharing(self, character: Character, users: _Users) -> float:
        if not users.characters:
            return 0.0
        return meeting_cost(
            main=self._main(character) or users.main,
            near=not self._near[character.id].isdisjoint(users.characters),
            same_chapter=not self._chapters[character.id].isdisjoint(users.chapters),
            heard=self.amounts[character.id] > 0 and users.heard,
        )

    def warnings(self) -> list[str]:
        """Voices that do not fit, and those that two who speak have to share."""
        users: dict[str, list[str]] = defaultdict(list)
        misfits = []
        for character in self._people.values():
            if not self.amounts[character.id]:
                continue
            voice = self._voices[self.chosen[character.id]["voice_id"]]
            users[voice.id].append(character.name)
            wanted = replace(self._wanted(character)[0], narrator=False)
            if not character.voice_id and fit_cost(wanted, voice) >= MISFIT:
                misfits.append(
                    f"{character.name} has the voice {voice.id}, which does not fit ({voice.gender}, {voice.age})"
                )
        shared = [f"{_names(n)} share the voice {voice}" for voice, n in users.items() if len(n) > 1]
        return misfits + shared


@dataclass
class _Users:
    """Who has one voice: the characters, where they speak, whether a main one is among them, whether any speaks."""

    characters: set[str] = field(default_factory=set)
    chapters: set[str] = field(default_factory=set)
    main: bool = False
    heard: bool = False


def _meetings(novel: Novel) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """(chapters each character speaks in, whom each speaks within NEIGHBOURS lines of); narrators are everywhere."""
    chapters: dict[str, set[str]] = defaultdict(set)
    near: dict[str, set[str]] = defaultdict(set)
    narrators = {c.id for c in novel.characters if c.role == "narrator"}
    for chapter in novel.chapters:
        recent: deque[str] = deque(maxlen=NEIGHBOURS)
        for segment in chapter.segments:
            if not segment.spoken or segment.speaker in narrators:
                continue
            chapters[segment.speaker].add(chapter.id)
            for other in recent:
                near[segment.speaker].add(other)
                near[other].add(segment.speaker)
            recent.append(segment.speaker)
    return chapters, near


def _names(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
