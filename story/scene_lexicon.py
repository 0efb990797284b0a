"""The scene lexicon of a language (data/scenes_<language>.json), compiled: which words stand for which place or hour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any, Literal

from story.lexicon import load_data

Kind = Literal["place", "time", "weather", "near", "mood", "setting", "season"]
# What furniture and people of a place tell: `hints` and `weak` words of the lexicon.
HINT, WEAK = 0.8, 0.4


@dataclass(frozen=True)
class Terms:
    """One kind's words by what they begin with, so that a thousand words cost a look-up at each place: an English word
    by its first word, a Chinese one by its first two characters (one, if it has no more)."""

    by_first: dict[str, list[str]]  # longest first
    value_of: dict[str, tuple[str, float, bool]]  # word -> value, weight, is a hint


@dataclass(frozen=True)
class Lexicon:
    """A language's compiled scene lexicon."""

    data: dict[str, Any]
    terms: dict[Kind, Terms]
    begins: dict[str, tuple[Kind, ...]]  # every `by_first` of them, and whose
    context: dict[str, re.Pattern[str]]
    article_only: frozenset[str]  # places only as "the hatch", "a dark passage"
    name_after: re.Pattern[str]
    time_shift: re.Pattern[str]


def _spellings(entry: str, language: str) -> list[str]:
    """All written forms of a lexicon word."""
    if language != "en":
        return [entry]
    phrase = entry.replace("_", " ").replace("’", "'")
    plural = phrase.endswith("+")
    phrase = phrase.removesuffix("+")
    forms = [phrase]
    if plural:
        forms.append(
            phrase[:-1] + "ies" if phrase.endswith("y") and phrase[-2] not in "aeiou" else phrase + "s"
        )
    return [spelled for form in forms for spelled in {form, form.replace("-", " ")}]


def _terms(groups: list[tuple[str, list[str], float, bool]], language: str) -> Terms:
    value_of: dict[str, tuple[str, float, bool]] = {}
    for value, words, weight, hint in groups:
        for entry in words:
            for word in _spellings(entry, language):
                value_of.setdefault(word, (value, weight, hint))
    firsts: dict[str, list[str]] = {}
    for word in sorted(value_of, key=lambda w: (-len(w), w)):
        match = _FIRST_WORD.match(word) if language == "en" else None
        firsts.setdefault(match[0].lower() if match else word[:2], []).append(word)
    return Terms(firsts, value_of)


_FIRST_WORD = re.compile(r"(?<![\w’'-])[A-Za-z]+")


def starts(book: Lexicon, text: str, language: str) -> dict[Kind, list[tuple[int, str]]]:
    """(place, beginning) of everything a term of each kind may begin with, in reading order.

    Args:
        text: in lower case where English.
    """
    begins = book.begins
    found: dict[Kind, list[tuple[int, str]]] = {kind: [] for kind in book.terms}
    if language == "en":
        for match in _FIRST_WORD.finditer(text):
            for kind in begins.get(match[0], ()):
                found[kind].append((match.start(), match[0]))
        return found
    for i, pair in enumerate(map("".join, zip_longest(text, text[1:], fillvalue=""))):
        if pair in begins:
            for kind in begins[pair]:
                found[kind].append((i, pair))
        if len(pair) == 2 and pair[0] in begins:
            for kind in begins[pair[0]]:
                found[kind].append((i, pair[0]))
    return found


def matches(
    terms: Terms, text: str, starts: list[tuple[int, str]], language: str
) -> Iterator[tuple[int, int]]:
    """Places of terms in reading order, the longest at each place, without overlaps.

    Args:
        starts: of the terms' kind.
    """
    free = 0
    for place, first in starts:
        if place < free:
            continue
        for word in terms.by_first[first]:
            end = place + len(word)
            if text.startswith(word, place) and not (
                language == "en" and (text[end : end + 1].isalnum() or text[end : end + 1] in ("_", "-"))
            ):
                free = end
                yield place, end
                break


@cache
def lexicon(language: str) -> Lexicon:
    """The scene lexicon of "en" or "zh"."""
    data = load_data(f"scenes_{language}")
    groups: dict[Kind, list[tuple[str, list[str], float, bool]]] = {
        "place": [(p["class"], p["nouns"], p.get("weight", 1.0), False) for p in data["places"]]
        + [(p["class"], p["hints"], HINT, True) for p in data["places"] if "hints" in p]
        + [(p["class"], p["weak"], WEAK, True) for p in data["places"] if "weak" in p],
        "setting": [(value, words, 1.0, False) for value, words in data["generic"].items()],
        "season": [("cold", data["season_cold"], 1.0, False)],
    }
    tables: tuple[tuple[Kind, str], ...] = (
        ("time", "times"),
        ("weather", "weather"),
        ("near", "near"),
        ("mood", "moods"),
    )
    for kind, table in tables:
        groups[kind] = [(value, words, 1.0, False) for value, words in data[table].items()]
    names = (
        "arrival",
        "locative",
        "departure",
        "goal",
        "not_before",
        "not_after",
        "inside_after",
        "time_unless",
        "goal_hard",
        "within",
    )
    names += ("time_never", "time_allowed", "time_not_after", "weather_unless", "weather_not_after")
    names += ("weather_sure_before", "weather_sure_after")
    context = {name: re.compile(data[name], re.IGNORECASE) for name in names if data.get(name)}
    terms: dict[Kind, Terms] = {kind: _terms(group, language) for kind, group in groups.items()}
    return Lexicon(
        data=data,
        terms=terms,
        begins={
            first: tuple(kind for kind, group in terms.items() if first in group.by_first)
            for first in {first for group in terms.values() for first in group.by_first}
        },
        context=context,
        article_only=frozenset(data.get("article_only", ())),
        name_after=re.compile(data.get("name_after", "(?!)")),
        time_shift=re.compile(data["time_shift"], re.IGNORECASE),
    )
