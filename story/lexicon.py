"""Lexicons are JSON data in story/data: reading them, English word forms, and Chinese patterns.

English patterns are in a small language of words (see word_patterns), Chinese ones plain regular expressions with
`{set}` a named set, `~` up to eight characters within the clause, `«…»` the words that are the sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

_VOWELS = "aeiou"
_CHINESE_GAP = r"[^。！？；，、：…—\s“”「」『』\"]{0,8}?"


@cache
def load_data(name: str) -> dict[str, Any]:
    """The lexicon `story/data/<name>.json`."""
    return json.loads(resources.files("story").joinpath("data", f"{name}.json").read_text(encoding="utf-8"))


def stem(word: str) -> str:
    """A rough common stem of inflected English words ("bells" and "bell", "slamming" and "slam")."""
    for suffix in ("ing", "ed", "es", "s"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3 and not word.endswith("ss"):
            word = word[: -len(suffix)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


@cache
def verb_forms(verb: str) -> tuple[str, ...]:
    """All forms of an English verb: base, -s, past, participle, -ing; irregular ones from data/verbs_en.json."""
    forms = {verb}
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        forms.add(verb + "es")
    elif verb.endswith("y") and verb[-2] not in _VOWELS:
        forms.add(verb[:-1] + "ies")
    else:
        forms.add(verb + "s")
    doubles = (
        len(verb) > 2
        and verb[-1] not in _VOWELS + "wxy"
        and verb[-2] in _VOWELS
        and verb[-3] not in _VOWELS
        and verb not in load_data("verbs_en")["no_doubling"]
    )
    root = verb + verb[-1] if doubles else verb[:-1] if verb.endswith("e") and verb[-2:] != "ee" else verb
    forms.add(root + "ing")
    irregular = load_data("verbs_en")["irregular"].get(verb)
    if irregular:
        forms.update(irregular)
    else:
        forms.add(verb[:-1] + "ied" if verb.endswith("y") and verb[-2] not in _VOWELS else root + "ed")
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def noun_forms(noun: str) -> tuple[str, ...]:
    """Plural and singular of an English noun."""
    if noun.endswith("f"):
        return (noun[:-1] + "ves", noun)
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return (noun[:-1] + "ies", noun)
    return (noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s"), noun)


@cache
def lexicon_sets(lexicon: str) -> dict[str, list[str]]:
    return load_data(lexicon).get("sets", {})


class Hit(NamedTuple):
    """Where a pattern was found (code points); the anchor is the words that are the sound, if told the whole."""

    start: int
    end: int
    anchor_start: int
    anchor_end: int


class ChinesePattern:
    """One pattern, compiled."""

    def __init__(self, pattern: str, lexicon: str) -> None:
        sets = lexicon_sets(lexicon)
        expression = re.sub(r"\{([a-z_]+)\}", lambda m: "(?:" + "|".join(sets[m[1]]) + ")", pattern)
        expression = re.sub(r"(?<!\[\^)~", lambda _: _CHINESE_GAP, expression)
        self.expression = re.compile(expression.replace("«", "(?P<w>").replace("»", ")"))
        self._anchored = "w" in self.expression.groupindex

    def finditer(self, text: str, low: int = 0, high: int | None = None) -> Iterator[Hit]:
        """Every place in `text[low:high]`, without overlaps."""
        for match in self.expression.finditer(text, low, len(text) if high is None else high):
            anchored = self._anchored and match.start("w") >= 0
            yield Hit(*match.span(), *(match.span("w") if anchored else match.span()))

    def search(self, text: str, low: int = 0, high: int | None = None) -> Hit | None:
        return next(self.finditer(text, low, high), None)


@cache
def chinese(pattern: str, lexicon: str = "cues_zh") -> ChinesePattern:
    """A pattern compiled, once."""
    return ChinesePattern(pattern, lexicon)


@cache
def _chinese_forms() -> dict[int, str]:
    """Traditional characters to simplified, half-width punctuation to full: one to one, so offsets stay."""
    pairs = "".join(load_data("traditional")["pairs"])
    table = dict(zip(pairs[::2], pairs[1::2], strict=True))
    table |= dict(zip("．,;:!?", "。，；：！？", strict=True))
    return str.maketrans(table)


def plain_chinese(text: str) -> str:
    """Chinese text in the characters the lexicons are written in; same length."""
    return text.translate(_chinese_forms())
