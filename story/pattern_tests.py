"""Cheap tests of whether a lexicon's pattern may match in a text at all, so that most are never compiled or run.

For each pattern they tell words (English) or characters (Chinese) that every match has; they may say yes to a text
without a match, never no to one with a match (tests/test_word_patterns.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from story.lexicon import lexicon_sets
from story.word_tokens import part_spellings

# Words of nearly every clause: a pattern that has a rarer sure word is looked up by that one.
_COMMON_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about across after again against all along an and another as at away back be before behind beside between both by came "
        "come down each every for forward forwards from front gave go going had has have he heard her high him himself his home "
        "i in into is it its left long me my of off on once one or our out over past round said she so some that the their them "
        "then there they through to toward towards two under up upon was way we went were who with without you",
    )
)


@cache
def english_triggers(pattern: str, lexicon: str = "cues_en") -> frozenset[str]:
    """Words of which one must be in a text for the pattern to match there: a cheap first test.

    They are the first words of its rarest sure token; empty where no token is sure.
    """
    sets = [words for words, _ in english_required(pattern, lexicon)]
    return min(
        sets, key=lambda words: sum(30 if w in _COMMON_WORDS else 1 for w in words), default=frozenset()
    )


_LETTERS = re.compile("[a-z]+(?![^\\W_0-9])")  # none where others follow
_PARTS = 3  # of a hyphenated word in a gap, at most


@cache
def english_required(pattern: str, lexicon: str = "cues_en") -> tuple[tuple[frozenset[str], int], ...]:
    """A pattern's sure words in order, each as (the words it may be, how many words after the one before at most).

    A second cheap test, so that most patterns need never be compiled: a word is a run of letters.
    """
    found: list[tuple[frozenset[str], int]] = []
    reach = 0
    for token in pattern.split():
        token = token.strip("[]")
        if token.startswith("~"):
            reach += _PARTS * int(token.lstrip("~,"))
            continue
        optional = token.startswith("?")
        first, length = _begins(token.removeprefix("?"), lexicon)
        if optional or "" in first:
            reach += length
            continue
        found.append((first, reach + 1))
        reach = length - 1
    return tuple(found)


@cache
def _begins(token: str, lexicon: str) -> tuple[frozenset[str], int]:
    """The runs of letters a token may begin with ("" among them: not sure), and how many it may have at most."""
    parts = [_part_begins(part, lexicon) for part in token.split("|")]
    return frozenset[str]().union(*(first for first, _ in parts)), max(length for _, length in parts)


@cache
def _part_begins(part: str, lexicon: str) -> tuple[frozenset[str], int]:
    found = part_spellings(part, lexicon)
    first = frozenset(match[0] if (match := _LETTERS.match(s.pieces[0])) else "" for s in found)
    return first, _PARTS * max(len(s.pieces) for s in found)


def in_order(words: Sequence[str], required: Sequence[tuple[frozenset[str], int]]) -> bool:
    """Whether a clause's words (lower case) have what `english_required` tells, in order and near enough."""
    at = [-1]  # where the token before may stand
    for number, (wanted, reach) in enumerate(required):
        stop = len(words) if number == 0 else 0
        at = [
            i
            for i in range(at[0] + 1, stop or min(len(words), at[-1] + reach + 1))
            if words[i] in wanted and (stop or any(0 < i - before <= reach for before in at))
        ]
        if not at:
            return False
    return True


@cache
def chinese_required(pattern: str, lexicon: str = "cues_zh") -> tuple[frozenset[str], ...]:
    """Sets of characters; of each, one must be in a text for the pattern to match there. The rarest set comes first."""
    sets = lexicon_sets(lexicon)
    expanded = re.sub(r"\{([a-z_]+)\}", lambda m: "(?:" + "|".join(sets[m[1]]) + ")", pattern)
    found, _ = _sure_characters(expanded.translate({ord("«"): None, ord("»"): None}))
    return tuple(sorted(found, key=_cost))


def _cost(characters: Iterable[str]) -> int:
    """How often one of the characters turns up, roughly."""
    return sum(_COSTS.get(character, 1) for character in characters)


_LOOKAROUND = re.compile(r"\(\?(?:=|!|<=|<!)[^()]*(?:\([^()]*\)[^()]*)*\)")


@cache
def crosses_commas(pattern: str) -> bool:
    """Whether a Chinese pattern may match over a comma; one that only ends with it does not."""
    body = _LOOKAROUND.sub("", pattern)
    gaps = re.findall(r"\[\^([^\]]*)\]", body)
    return any("，" not in gap for gap in gaps) or bool(
        re.search(r"，(?![|)\]，。])|\[，\]", re.sub(r"\[\^[^\]]*\]", "", body))
    )


# What a common character costs, a rare one 1.
_COSTS = dict.fromkeys(
    "的一了着不在是有人上下里出来去过得地个大小打开声响听手头门水风我他这们到时为子中你说那就和要她也后自以会家可而"
    "天能对多然心么之都好看起发当没成只如事把还用样道想作又从情己面女现前所同日行意动它长儿回分老因很两三几次身被高"
    "已进与正见马火放点入将向叫住命气口死边步便快走定名连落倒脚",
    8,
) | dict.fromkeys("的一了不是在上他", 40)
_QUANTIFIER = re.compile(r"[?*+]\??|\{(\d*)(?:,\d*)?\}\??")


def _sure_characters(expression: str, at: int = 0) -> tuple[list[frozenset[str]], int]:
    """Sets of characters of which every match has one each, of the (group of an) expression from `at` to its end."""
    branches: list[list[frozenset[str]]] = [[]]
    while at < len(expression) and expression[at] != ")":
        character, sure = expression[at], list[frozenset[str]]()
        if character == "|":
            branches.append([])
            at += 1
            continue
        if character == "(":
            looks = expression.startswith(("(?=", "(?!", "(?<"), at)
            sure, at = _sure_characters(expression, at + 3 if expression[at + 1] == "?" else at + 1)
            sure = [] if looks else sure
        elif character == "[":
            close = expression.index("]", at)
            inner = expression[at + 1 : close]
            sure = [frozenset(inner)] if inner[0] != "^" and "-" not in inner and "\\" not in inner else []
            at = close
        elif character == "\\":
            at += 1
        elif character not in ".~^$":
            sure = [_single(character)]
        at += 1
        if at < len(expression) and expression[at] in "?*+{":
            quantifier = _QUANTIFIER.match(expression, at)
            assert quantifier is not None, expression
            at = quantifier.end()
            if quantifier[0][0] in "?*" or quantifier[1] in ("", "0"):
                continue
        branches[-1] += sure
    if len(branches) == 1:
        return branches[0], at
    return ([_one_of_each(branches)] if all(branches) else []), at


@cache
def _single(character: str) -> frozenset[str]:
    return frozenset(character)


def _one_of_each(options: list[list[frozenset[str]]]) -> frozenset[str]:
    """Few and rare characters of which each alternative has one: what many alternatives share is preferred."""
    chosen: set[str] = set()
    left: list[list[str]] = []
    for sets in options:
        single = [character for some in sets if len(some) == 1 for character in some]
        if single:
            left.append(single)
        else:
            chosen |= min(sets, key=_cost)
    count = Counter(character for single in left for character in single)
    return frozenset(chosen.union(max(single, key=lambda c: (count[c] / _cost(c), c)) for single in left))
