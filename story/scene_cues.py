"""Finds effect cues in narration: which words are a sound, and whether it is heard there.

A cue depends on its own segment only, so editing one line never changes another line's cues.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from story.cue_rules import WORD, Rule, compiled, patterns_to_try
from story.lexicon import load_data
from story.novel import Segment
from story.pattern_tests import chinese_required, english_required, in_order
from story.polarity import polarity, sentence_bounds
from story.scene_models import Cue, Polarity
from story.scene_text import READ_TYPES, reading_text
from story.sounds import resolve_prompt, sound_class

# Narration runs at about 15 characters a second in English and 4.5 in Chinese; the same sound again within 1.2 s
# would be heard as a stutter.
_REPEAT_GAP = {"en": 18, "zh": 6}
# What goes on for a while (running, a ride, wheels) is told by several verbs; within ten seconds it is one event.
_CONTINUING_GAP = {"en": 150, "zh": 45}
# Characters of text that one cue needs, about eight English words; a segment may have two more than its share.
_CHARACTERS_A_CUE = {"en": 45, "zh": 14}
# Two sounds of a family this close in one sentence are one event told twice ("running hard, their feet beating").
_FAMILY_GAP = {"en": 60, "zh": 16}


@dataclass
class _Found:
    start: int
    end: int
    rule: Rule
    polarity: Polarity
    sentence: tuple[int, int]


@cache
def _families(language: str) -> dict[str, int]:
    return {
        sound: i for i, family in enumerate(load_data(f"cues_{language}")["families"]) for sound in family
    }


@cache
def _opposites(language: str) -> frozenset[frozenset[str]]:
    """Sounds of a family that are never one event: a door that opens and closes."""
    return frozenset(frozenset(pair) for pair in load_data(f"cues_{language}")["opposites"])


@cache
def _continuing(language: str) -> frozenset[str]:
    return frozenset(load_data(f"cues_{language}")["continuing"])


def _overlaps(rule: Rule, text: str, language: str, low: int, high: int, start: int, end: int) -> bool:
    """True when one of the rule's exceptions is found in text[low:high] over or touching text[start:end]."""
    unless = rule.unless
    if language == "en" and unless:
        words = [word.lower() for word in WORD.findall(text, low, high)]
        unless = tuple(p for p in unless if in_order(words, english_required(p)))
    elif unless:
        here = frozenset(text[low:high])
        unless = tuple(p for p in unless if not any(map(here.isdisjoint, chinese_required(p))))
    return any(
        hit.start <= end and start <= hit.end
        for pattern in unless
        for hit in compiled(pattern, language).finditer(text, low, high)
    )


def _candidates(text: str, language: str) -> list[_Found]:
    found = []
    missing: dict[int, bool] = {}  # rules whose segment lacks what they need
    for rule, source, first, last in patterns_to_try(text, language):
        if rule.needs_segment:
            if id(rule) not in missing:
                needs = (compiled(p, language) for p in rule.needs_segment)
                missing[id(rule)] = not any(p.search(text) for p in needs)
            if missing[id(rule)]:
                continue
        for hit in compiled(source, language).finditer(text, first, last):
            start, end = hit.anchor_start, hit.anchor_end
            if end <= start:
                continue
            low, high = sentence_bounds(text, hit.start, hit.end, language)
            if _overlaps(rule, text, language, low, high, hit.start, hit.end):
                continue
            if not all(compiled(p, language).search(text, low, high) for p in rule.needs):
                continue
            meant = rule.polarity or polarity(
                text, start, end, language, match_start=hit.start, noun=rule.noun
            )
            found.append(_Found(start, end, rule, meant, (low, high)))
    return found


def _one_cue_a_word(found: list[_Found]) -> list[_Found]:
    """Of cues on overlapping words keeps the one of higher priority, then the one of more words."""
    kept: list[_Found] = []
    for item in sorted(found, key=lambda f: (-f.rule.priority, -(f.end - f.start), f.start)):
        if all(item.end <= other.start or other.end <= item.start for other in kept):
            kept.append(item)
    return sorted(kept, key=lambda f: f.start)


def _one_cue_an_event(found: list[_Found], language: str) -> list[_Found]:
    """Drops what tells the same event again: the same sound in one sentence, its family close by."""
    families, opposites = _families(language), _opposites(language)
    kept: list[_Found] = []
    for item in found:
        again = False
        for other in reversed(kept[-8:]):
            if other.polarity != item.polarity:
                continue
            same_sentence = other.sentence == item.sentence
            same = other.rule.sound == item.rule.sound
            near = item.start - other.end
            family = families.get(item.rule.sound, -1)
            pair = frozenset((item.rule.sound, other.rule.sound))
            related = family >= 0 and family == families.get(other.rule.sound) and pair not in opposites
            gap = _CONTINUING_GAP if item.rule.sound in _continuing(language) else _REPEAT_GAP
            if (same and (same_sentence or near < gap[language])) or (
                related and same_sentence and near < _FAMILY_GAP[language]
            ):
                again = True
                if item.rule.priority > other.rule.priority:
                    kept[kept.index(other)] = item
                break
        if not again:
            kept.append(item)
    return sorted(kept, key=lambda f: f.start)


def _thinned(found: list[_Found], length: int, language: str) -> list[_Found]:
    """At most one asserted cue for each eight words, plus two; the less certain kinds go first."""
    allowed = 2 + math.floor(length / _CHARACTERS_A_CUE[language])
    asserted = [f for f in found if f.polarity == "asserted"]
    if len(asserted) <= allowed:
        return found
    ranked = sorted(asserted, key=lambda f: (-f.rule.priority, f.start))
    dropped = {id(f) for f in ranked[allowed:]}
    return [f for f in found if id(f) not in dropped]


def _effect_cue(segment: Segment) -> Cue:
    """The cue of an `effect` segment: it has no words to be read, only a description."""
    sound_id = resolve_prompt(segment.content, kind="effect")
    sound = sound_class(sound_id) if sound_id else None
    return Cue(
        id=f"{segment.id}-c1",
        segment=segment.id,
        char_start=0,
        char_end=len(segment.content),
        word=segment.content,
        sound=sound.id if sound else "",
        ucs=sound.ucs if sound else "",
        prompt=sound.prompt if sound else segment.content,
        anchor="start",
        duration_s=(sound.duration_s if sound else None) or 2.0,
        level_db=sound.level_db if sound else 0.0,
    )


def find_cues(segment: Segment, language: str) -> list[Cue]:
    """The cues of one segment in reading order, of every polarity.

    Args:
        segment: read when it is narration (quotations inside are skipped) or an `effect`; other types have none.
        language: "en" or "zh".
    """
    if segment.type == "effect":
        return [_effect_cue(segment)] if segment.content.strip() else []
    if segment.type not in READ_TYPES:
        return []
    text = reading_text(segment.content, language)
    found = _one_cue_an_event(_one_cue_a_word(_candidates(text, language)), language)
    cues = []
    for number, item in enumerate(_thinned(found, len(text), language), 1):
        sound = sound_class(item.rule.sound)
        cues.append(
            Cue(
                id=f"{segment.id}-c{number}",
                segment=segment.id,
                char_start=item.start,
                char_end=item.end,
                word=segment.content[item.start : item.end],
                sound=sound.id,
                ucs=sound.ucs,
                prompt=item.rule.prompt or sound.prompt,
                anchor=item.rule.anchor,
                duration_s=item.rule.duration_s or sound.duration_s or 1.0,
                level_db=sound.level_db if item.rule.level_db is None else item.rule.level_db,
                polarity=item.polarity,
            )
        )
    return cues
