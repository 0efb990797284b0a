"""Who a segment's `speaker` means, and the character list of a novel that brings none.

A speaker resolves by id, name or alias, exactly first, then without regard to case and character width. What resolves
to nobody, or to two people, is for the caller to report: nobody is ever quietly read by the narrator.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from story.novel import Character, Segment

NARRATOR_NAMES = frozenset(
    {
        "narrator",
        "narration",
        "thenarrator",
        "storyteller",
        "旁白",
        "系统旁白",
        "旁白者",
        "叙述者",
        "叙述",
        "叙事者",
        "解说",
        "說書人",
    }
    | {"说书人", "敘述者", "敘述", "解說"}
)
MAJOR_SHARE = (
    0.05  # of what all characters but the narrator say: about the main cast of a novel of 20 speakers
)


def folded(name: str) -> str:
    """`name` as compared: NFKC (full and half width are one), case folded, inner spaces single."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_narrator_name(name: str) -> bool:
    return re.sub(r"[\s_\-.]+", "", folded(name)) in NARRATOR_NAMES


@dataclass(frozen=True)
class Match:
    """What a speaker's name matched: one character, several (ambiguous), or none."""

    characters: tuple[Character, ...]


class SpeakerIndex:
    """Finds characters by id, name or alias; exact beats folded, id beats name beats alias."""

    def __init__(self, characters: Sequence[Character]) -> None:
        self._levels: list[dict[str, list[Character]]] = []
        for fold in (str, folded):
            for names_of in (_ids, _names, _aliases):
                level: dict[str, list[Character]] = {}
                for character in characters:
                    for name in dict.fromkeys(fold(n) for n in names_of(character)):
                        level.setdefault(name, []).append(character)
                self._levels.append(level)
        self._narrators = [c for c in characters if c.role == "narrator"]

    def find(self, speaker: str) -> Match:
        for level, key in zip(self._levels, [speaker.strip()] * 3 + [folded(speaker)] * 3, strict=True):
            if key in level:
                return Match(tuple(level[key]))
        if is_narrator_name(speaker) and self._narrators:  # the word itself, in whichever language
            return Match(tuple(self._narrators))
        return Match(())


def _ids(character: Character) -> Iterable[str]:
    return (character.id,)


def _names(character: Character) -> Iterable[str]:
    return (character.name,)


def _aliases(character: Character) -> Iterable[str]:
    return character.aliases


def derive_characters(speakers: Iterable[str]) -> list[Character]:
    """A character for every distinct speaker name (folded), in order of appearance; id and name are as first written."""
    found: dict[str, Character] = {}
    for speaker in speakers:
        name = " ".join(speaker.split())
        key = folded(speaker)
        if name and key not in found:
            role = "narrator" if is_narrator_name(name) else "minor"
            found[key] = Character(id=name, name=name, role=role)
    return list(found.values())


def said(segments: Iterable[Segment]) -> Counter[str]:
    """How much each character says: words for spaced scripts, characters for Chinese and Japanese."""
    amount: Counter[str] = Counter()
    for segment in segments:
        if segment.spoken:
            amount[segment.speaker] += word_count(segment.content)
    return amount


_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\U00020000-\U0003134f"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_SPACED_WORD = re.compile(r"\w+(?:['’]\w+)*")


def word_count(text: str) -> int:
    """Words of spaced scripts; every Chinese or Japanese character counts as one."""
    spaced, runs = _HAN_RUN.subn(" ", text)
    return len(text) - len(spaced) + runs + len(_SPACED_WORD.findall(spaced))


def infer_roles(characters: list[Character], given: set[str], segments: Sequence[Segment]) -> None:
    """Sets `role` of the characters whose id is not in `given`, in place.

    Narrator: by name; where nobody is, whoever speaks most of what is typed narration (a first-person book's "I").
    Major: at least `MAJOR_SHARE` of what the characters other than narrators say. Else minor.
    """
    for character in characters:
        if character.id not in given:
            named = is_narrator_name(character.name) or is_narrator_name(character.id)
            character.role = "narrator" if named else "minor"
    if not any(c.role == "narrator" for c in characters):
        narrated = said(s for s in segments if s.type == "narration")
        free = [c for c in characters if c.id not in given and narrated[c.id]]
        if free:
            max(free, key=lambda c: narrated[c.id]).role = "narrator"
    tellers = {c.id for c in characters if c.role == "narrator"}
    amounts = said(s for s in segments if s.speaker not in tellers)
    total = sum(amounts[c.id] for c in characters if c.role != "narrator")
    for character in characters:
        enough = total and amounts[character.id] >= MAJOR_SHARE * total
        if character.id not in given and character.role == "minor" and enough:
            character.role = "major"
