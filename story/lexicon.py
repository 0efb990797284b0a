"""Compiled matchers: lexicons are JSON data in story/data, written in a small pattern language for English and as
plain regular expressions with named sets for Chinese; this module turns them into regular expressions.

English patterns are words separated by spaces:
  `door` a word · `slam!` a verb in all its forms · `door+` a noun, singular or plural · `$set` a named set
  `a|b!|$c` any of them · `up_and_down` several words as one · `?word` optional · `@` a capitalised word · `*ly` any
  word in -ly
  `[…]` the words that are the sound · `~3` up to three words within the clause · `~,9` also over commas and "and"
Chinese patterns: `{set}` a named set, `~` up to eight characters within the clause, `«…»` the words that are the
sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from story.word_trie import trie_pattern

_VOWELS = "aeiou"
_MANY = 6  # words, from which on grouping them pays
# A gap stays within a clause: these words open another one.
_GAP_STOP = (
    r"(?!(?:and|but|or|as|when|while|then|than|that|which|who|whom|whose|where|if|until|till|because|for|so|before|after|"
    r"like)\b)"
)
_GAP_WORD = r"\w[\w'’-]*"
# Capitalised at the start of a sentence, but nobody's name.
_NO_NAME = (
    "It|Its|The|This|That|These|Those|There|Then|Thus|When|As|And|But|So|Now|His|Her|My|Their|Our|Your|In|On|At|An|If|To|Of|Or|"
    "For|With|By|From|After|Before|While|Not|No|Nor|What|Which|Where|How|Why|Down|Up|Out|Over|Here|Some|Such|All|Once|Only|Still|Even|"
    "Yet|Just|Again|Also|Through|Upon|Under|Above|Along|Across|Into|Away|Back|Two|Three|Four|Five|Ten|Every|Each|Nothing|Something"
)
_SEPARATOR = r"[ \n]+"
_LOOSE_SEPARATOR = r"(?:[,:]?[ \n]+|-{1,2}|[—–])"
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


def _noun_forms(noun: str) -> tuple[str, ...]:
    if noun.endswith("f"):
        return (noun[:-1] + "ves", noun)
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return (noun[:-1] + "ies", noun)
    return (noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s"), noun)


def _word_alternatives(token: str, sets: dict[str, list[str]]) -> list[str]:
    """Regular expressions of one token's alternatives."""
    found: list[str] = []
    for part in token.split("|"):
        if "_" in part:
            found.append(_SEPARATOR.join(_word_expression(word, sets) for word in part.split("_")))
        elif part.startswith("$"):
            for entry in sets[part[1:]]:
                words = [_word_expression(word, sets) for word in entry.split(" ")]
                found.append(_SEPARATOR.join(words))
        elif part == "*ly":
            found.append(r"\w+ly")
        elif part == "@":
            found.append(rf"(?-i:(?!(?:{_NO_NAME})\b)[A-Z][\w'’]+)")
        elif part.endswith("!"):
            found.extend(re.escape(form) for form in verb_forms(part[:-1]))
        elif part.endswith("+"):
            found.extend(re.escape(form) for form in _noun_forms(part[:-1]))
        else:
            found.append(re.escape(part).replace("'", "['’]").replace(r"\-", "[- ]?"))
    return found


def _word_expression(token: str, sets: dict[str, list[str]]) -> str:
    alternatives = _word_alternatives(token, sets)
    if len(alternatives) >= _MANY and all(a.replace(_SEPARATOR, "").isalpha() for a in alternatives):
        return trie_pattern((a.replace(_SEPARATOR, " ") for a in alternatives), _SEPARATOR)
    return alternatives[0] if len(alternatives) == 1 else "(?:" + "|".join(alternatives) + ")"


@cache
def _sets(lexicon: str) -> dict[str, list[str]]:
    return load_data(lexicon).get("sets", {})


def english(pattern: str, lexicon: str = "cues_en") -> re.Pattern[str]:
    """Compiles one English pattern; group `w` is the bracketed words (the whole match when none are)."""
    sets = _sets(lexicon)
    tokens = pattern.split()
    first = next((i for i, token in enumerate(tokens) if token.startswith("[")), -1)
    last = max((i for i, token in enumerate(tokens) if token.endswith("]")), default=-1)
    expression, separator = r"(?i)(?<![\w’'])", ""
    for i, token in enumerate(tokens):
        token = token.removeprefix("[").removesuffix("]")
        if token.startswith("~"):
            loose = token.startswith("~,")
            gap_separator = _LOOSE_SEPARATOR if loose else _SEPARATOR
            stop = "" if loose else _GAP_STOP
            expression += rf"(?:{separator}{stop}{_GAP_WORD})" + "{0," + token.lstrip("~,") + "}?"
            separator = gap_separator
            continue
        word = _word_expression(token.removeprefix("?"), sets)
        if token.startswith("?"):
            # An optional first word brings the separator after it, others the one before.
            expression += rf"(?:{separator}{word})?" if separator else rf"(?:{word}{_SEPARATOR})?"
            continue
        expression += separator + ("(?P<w>" if i == first else "") + word + (")" if i == last else "")
        separator = _SEPARATOR
    return re.compile(expression + r"(?![\w’']|-\w)")


@cache
def english_triggers(pattern: str, lexicon: str = "cues_en") -> frozenset[str]:
    """Words of which one must be in a text for the pattern to match there: a cheap first test.

    They are the first words of the bracketed token's alternatives (of the first required token when none is).
    """
    tokens = [token for token in pattern.split() if not token.startswith(("~", "?"))]
    token = next((token for token in tokens if token.startswith("[")), tokens[0]).strip("[]")
    words: set[str] = set()
    for alternative in _word_alternatives(token, _sets(lexicon)):
        if alternative.startswith("(?"):
            return frozenset()  # a name or a nested choice: no cheap test
        words.add(re.split(r"\\|\[|\(| ", alternative, maxsplit=1)[0].lower())
    return frozenset(words)


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
        alternatives = _word_alternatives(token.removeprefix("?"), _sets(lexicon))
        words = [alternative.split(_SEPARATOR) for alternative in alternatives]
        length = _PARTS * max(map(len, words))
        if optional or not all(word[0].isascii() and word[0].isalpha() for word in words):
            reach += length
            continue
        found.append((frozenset(word[0].lower() for word in words), reach + 1))
        reach = length - 1
    return tuple(found)


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


def chinese(pattern: str, lexicon: str = "cues_zh") -> re.Pattern[str]:
    """Compiles one Chinese pattern; group `w` is the words between « and » (the whole match when none are)."""
    sets = _sets(lexicon)
    expression = re.sub(r"\{([a-z_]+)\}", lambda m: "(?:" + "|".join(sets[m[1]]) + ")", pattern)
    expression = re.sub(r"(?<!\[\^)~", lambda _: _CHINESE_GAP, expression)
    return re.compile(expression.replace("«", "(?P<w>").replace("»", ")"))


@cache
def chinese_triggers(pattern: str, lexicon: str = "cues_zh") -> frozenset[str]:
    """Characters of which one must be in a text for the pattern to match there; empty where none is sure."""
    sets = _sets(lexicon)
    expanded = re.sub(r"\{([a-z_]+)\}", lambda m: "(?:" + "|".join(sets[m[1]]) + ")", pattern)
    return _sure_characters(expanded.translate({ord("«"): None, ord("»"): None}))


_COMMON = frozenset("的一了着不在是有人上下里出来去过得地个大小打开声响听手头门水风")
_ELEMENT = re.compile(r"\(\?:|\(\?[=!<]+|\((?!\?)|\[\^?[^\]]*\]|\\.|[^()\[\]\\]")
_QUANTIFIER = re.compile(r"[?*+]\??|\{(\d*)(?:,\d*)?\}\??")


def _sure_characters(expression: str) -> frozenset[str]:
    """The rarest set of characters that every match has one of."""
    branches = _branches(expression)
    if len(branches) > 1:
        sets = [_sure_characters(branch) for branch in branches]
        return frozenset().union(*sets) if all(sets) else frozenset()
    best, best_cost = frozenset[str](), 1e9
    at = 0
    while at < len(expression):
        element = _ELEMENT.match(expression, at)
        if element is None:
            return best
        text, at = element[0], element.end()
        sure: frozenset[str] = frozenset()
        if text[0] == "(":
            close = _closing(expression, at)
            if text in ("(?:", "("):
                sure = _sure_characters(expression[at:close])
            at = close + 1
        elif text[0] == "[" and text[1] != "^" and "-" not in text and "\\" not in text:
            sure = frozenset(text[1:-1])
        elif len(text) == 1 and text not in ".~^$":
            sure = frozenset(text)
        quantifier = _QUANTIFIER.match(expression, at)
        if quantifier:
            at = quantifier.end()
            if quantifier[0][0] in "?*" or quantifier[1] in ("", "0"):
                continue
        cost = sum(5 if character in _COMMON else 1 for character in sure)
        if sure and cost < best_cost:
            best, best_cost = sure, cost
    return best


def _closing(expression: str, at: int) -> int:
    """Where the group that begins before `at` is closed."""
    depth, in_class = 1, False
    while depth:
        character = expression[at]
        if character == "\\":
            at += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        else:
            depth += (character == "(") - (character == ")")
        at += 1
    return at - 1


def _branches(expression: str) -> list[str]:
    """The alternatives of an expression's outermost level."""
    found, begin, at = [], 0, 0
    while at < len(expression):
        character = expression[at]
        if character == "\\":
            at += 1
        elif character == "(":
            at = _closing(expression, at + 1)
        elif character == "[":
            at = expression.index("]", at)
        elif character == "|":
            found.append(expression[begin:at])
            begin = at + 1
        at += 1
    return [*found, expression[begin:]]


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


def anchor_span(match: re.Match[str]) -> tuple[int, int]:
    """Where the sound's own words are in a match (code points)."""
    if "w" in match.re.groupindex and match.start("w") >= 0:
        return match.span("w")
    return match.span()
