"""The cue lexicons (data/cues_{en,zh}.json), and which of their patterns are worth trying on a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from story.lexicon import ChinesePattern, chinese, load_data
from story.pattern_tests import chinese_required, crosses_commas, english_required, english_triggers, in_order
from story.scene_models import Polarity
from story.word_patterns import EnglishPattern, english

WORD = re.compile(r"[A-Za-z]+")
_CLAUSE_ENDS = re.compile("[，。]")
_SENTENCE_ENDS = re.compile("。")
_LOOK_AHEAD = 16  # characters that a Chinese pattern may look at behind its match
_STOPS = re.compile('[.!?;“”"]+')


@dataclass(frozen=True)
class Rule:
    """One entry of cues_<language>.json; its patterns are compiled when their trigger words first turn up."""

    sound: str
    patterns: tuple[str, ...]
    unless: tuple[str, ...]
    needs: tuple[str, ...]
    needs_segment: tuple[str, ...]
    noun: bool
    priority: int
    polarity: Polarity | None
    duration_s: float | None
    level_db: float | None
    prompt: str | None
    anchor: Literal["start", "word", "end"]


@cache
def cue_rules(language: str) -> tuple[Rule, ...]:
    """The cue lexicon of "en" or "zh"."""
    return tuple(
        Rule(
            sound=entry["sound"],
            patterns=tuple(entry["patterns"]),
            unless=tuple(entry.get("unless", ())),
            needs=tuple(entry.get("needs", ())),
            needs_segment=tuple(entry.get("needs_segment", ())),
            noun=entry.get("noun", False),
            priority=entry.get("priority", 0),
            polarity=entry.get("polarity"),
            duration_s=entry.get("duration_s"),
            level_db=entry.get("level_db"),
            prompt=entry.get("prompt"),
            anchor=entry.get("anchor", "word"),
        )
        for entry in load_data(f"cues_{language}")["rules"]
    )


def compiled(pattern: str, language: str) -> EnglishPattern | ChinesePattern:
    return english(pattern) if language == "en" else chinese(pattern)


_Place = tuple[int, int]  # a rule and one of its patterns


@cache
def _by_character(over_commas: bool) -> dict[str, tuple[tuple[_Place, tuple[frozenset[str], ...]], ...]]:
    """Chinese patterns by the rarest character they can't do without ("": none), with the others they need."""
    table: dict[str, list[tuple[_Place, tuple[frozenset[str], ...]]]] = {}
    for i, rule in enumerate(cue_rules("zh")):
        for j, pattern in enumerate(rule.patterns):
            if crosses_commas(pattern) != over_commas:
                continue
            first, *others = chinese_required(pattern) or (frozenset({""}),)
            for character in first:
                table.setdefault(character, []).append(((i, j), tuple(others)))
    return {character: tuple(places) for character, places in table.items()}


_Required = tuple[tuple[frozenset[str], int], ...]


@cache
def _by_trigger() -> dict[str, tuple[tuple[_Place, _Required], ...]]:
    """English patterns by trigger word ("": none), with the words they need in order."""
    table: dict[str, list[tuple[_Place, _Required]]] = {}
    for i, rule in enumerate(cue_rules("en")):
        for j, pattern in enumerate(rule.patterns):
            for word in english_triggers(pattern) or {""}:
                table.setdefault(word, []).append(((i, j), english_required(pattern)))
    return {word: tuple(places) for word, places in table.items()}


def patterns_to_try(text: str, language: str) -> Iterator[tuple[Rule, str, int, int]]:
    """Rules with the patterns that may match in a text and where, in the lexicon's order: the clauses (English) or
    sentences (Chinese) that have a pattern's words. No pattern goes over a full stop."""
    rules = cue_rules(language)
    places = _english_places(text) if language == "en" else _chinese_places(text)
    for i, j, first, last in sorted(places):
        yield rules[i], rules[i].patterns[j], first, last


def _english_places(text: str) -> set[tuple[int, int, int, int]]:
    table = _by_trigger()
    found: set[tuple[int, int, int, int]] = set()
    first = 0
    for last in [*(match.end() for match in _STOPS.finditer(text)), len(text)]:
        words = [word.lower() for word in WORD.findall(text, first, last)]
        here = frozenset(words)
        for word in ("", *here) if "" in table else here:
            for place, required in table.get(word, ()):
                for wanted, _ in required:
                    if here.isdisjoint(wanted):
                        break
                else:
                    if len(required) < 2 or in_order(words, required):
                        found.add((*place, first, last))
        first = last
    return found


def _chinese_places(text: str) -> list[tuple[int, int, int, int]]:
    found: dict[_Place, tuple[int, int]] = {}  # from the first clause or sentence that may match to the last
    for stops, over_commas in ((_CLAUSE_ENDS, False), (_SENTENCE_ENDS, True)):
        table = _by_character(over_commas)
        known = frozenset(table) - {""}
        always = [""] if "" in table else []
        first = 0
        for last in [*(match.end() for match in stops.finditer(text)), len(text)]:
            here = frozenset(text[first:last])
            for character in [*always, *(here & known)]:
                for place, others in table[character]:
                    for some in others:
                        if here.isdisjoint(some):
                            break
                    else:
                        found[place] = (found[place][0] if place in found else first, last)
            first = last
    return [(i, j, first, last + _LOOK_AHEAD) for (i, j), (first, last) in found.items()]
