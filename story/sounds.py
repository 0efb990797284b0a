"""The shared vocabulary of sounds: what a cue or a bed may be, and which class a free description means.

Everything that makes or plays a sound knows exactly the ids of data/sounds.json. Descriptions from foreign plans
and from `effect` segments are free text; `resolve_prompt` maps them to a class or admits that it doesn't know.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from pydantic import BaseModel

from story.errors import InputError
from story.lexicon import load_data, plain_chinese, stem


class SoundClass(BaseModel):
    """One kind of sound. level_db is relative to its bus's reference level."""

    id: str
    kind: Literal["bed", "effect"]
    ucs: str  # CatID of the Universal Category System
    prompt: str  # AudioCaps-style English
    duration_s: float | None = None  # None for beds: they last as long as their scene
    level_db: float = 0.0


@cache
def _classes() -> dict[str, SoundClass]:
    data = load_data("sounds")
    beds = (SoundClass(kind="bed", **entry) for entry in data["beds"])
    effects = (SoundClass(kind="effect", **entry) for entry in data["effects"])
    return {sound.id: sound for sound in (*beds, *effects)}


def sound_class(sound_id: str) -> SoundClass:
    """The class of that id. Raises InputError for an id that isn't in the vocabulary."""
    try:
        return _classes()[sound_id]
    except KeyError:
        raise InputError(
            f"there is no sound class {sound_id!r}",
            where="story/data/sounds.json",
            remedy="use one of: " + ", ".join(_classes()),
        ) from None


def sound_classes() -> list[SoundClass]:
    """All classes in the order of the vocabulary: beds, then effects."""
    return list(_classes().values())


@cache
def _names() -> list[tuple[frozenset[str], str]]:
    """English names as sets of stems, with the class each means."""
    table = load_data("sound_names")["names"]
    return [
        (frozenset(_stems(name)), sound) for sound, by_language in table.items() for name in by_language["en"]
    ]


@cache
def _names_zh() -> list[tuple[str, str]]:
    table = load_data("sound_names")["names"]
    return [(name, sound) for sound, by_language in table.items() for name in by_language["zh"]]


@cache
def _ucs_terms() -> list[tuple[frozenset[str], str, frozenset[str]]]:
    """(term, class, heading words): UCS synonyms of one CatID only, where that CatID stands for one class only."""
    by_catid: dict[str, list[str]] = {}
    for sound in sound_classes():
        by_catid.setdefault(sound.ucs, []).append(sound.id)
    owners: dict[str, set[str]] = {}
    ucs = load_data("ucs")["categories"]
    for catid, entry in ucs.items():
        for term in (*entry["synonyms_en"], *entry["synonyms_zh"]):
            owners.setdefault(term.lower(), set()).add(catid)
    terms = []
    for term, catids in owners.items():
        catid = next(iter(catids))
        sounds = by_catid.get(catid, [])
        if len(catids) == 1 and len(term) > 1 and len(sounds) == 1:
            heading = _stems(f"{ucs[catid]['category_en']} {ucs[catid]['subcategory_en']}")
            key = frozenset(_stems(term)) if term.isascii() else frozenset([term])
            terms.append((key, sounds[0], frozenset(heading)))
    return terms


def _stems(text: str) -> list[str]:
    return [stem(word) for word in re.findall(r"[a-z0-9]+", text.lower())]


def _best(scores: dict[str, int]) -> str | None:
    """The one best-scored class; None when there is none or two are level."""
    if not scores:
        return None
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return ranked[0][0] if len(ranked) == 1 or ranked[0][1] > ranked[1][1] else None


def resolve_prompt(prompt: str, kind: Literal["bed", "effect"] | None = None) -> str | None:
    """The class that a free description means ("[door slams]", "远处狗叫"), or None when unsure.

    Tried in order: an id, prompt or CatID of the vocabulary itself, the hand-made names (the longest wins; two
    equally good ones cancel out), then UCS synonyms that belong to one class alone.

    Args:
        prompt: English or Chinese.
        kind: only beds or only effects; None for either.
    """
    text = plain_chinese(prompt).strip().lower() if not prompt.isascii() else prompt.strip().lower()
    allowed = {sound.id: sound for sound in sound_classes() if kind in (None, sound.kind)}
    exact = [
        sound.id
        for sound in allowed.values()
        if text in (sound.id, sound.id.replace("_", " "), sound.prompt.lower(), sound.ucs.lower())
    ]
    if exact:
        return exact[0] if len(exact) == 1 else None
    words = frozenset(_stems(text))
    scores: dict[str, int] = {}
    for name, sound_id in _names():
        if sound_id in allowed and name and name <= words:
            scores[sound_id] = max(scores.get(sound_id, 0), len(name))
    for name, sound_id in _names_zh():
        if sound_id in allowed and name in text:
            scores[sound_id] = max(scores.get(sound_id, 0), len(name))
    if scores:
        return _best(scores)
    certain: set[str] = set()
    for term, sound_id, heading in _ucs_terms():
        chinese = not next(iter(term), "a").isascii()
        if sound_id in allowed and (next(iter(term)) in text if chinese else term <= words):
            scores[sound_id] = scores.get(sound_id, 0) + 1
            if chinese or heading & words:
                certain.add(sound_id)
    # One shared English word proves little ("barn" is under doors); a word of the heading beside it, or a Chinese
    # term of two characters, does.
    return _best({s: n for s, n in scores.items() if s in certain and (n >= 2 or not text.isascii())})
