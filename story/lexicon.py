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
SEPARATOR = r"[ \n]+"
__LOOSE_SEPARATOR = r"(?:[,:]?[ \n]+|-{1,2}|[—–])"
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


@cache
def word_alternatives(token: str, lexicon: str) -> tuple[str, ...]:
    """Regular expressions of one token's alternatives."""
    found: list[str] = []
    for part in token.split("|"):
        if "_" in part:
            found.append(SEPARATOR.join(_word_expression(word, lexicon) for word in part.split("_")))
        elif part.startswith("$"):
            for entry in lexicon_sets(lexicon)[part[1:]]:
                words = [_word_expression(word, lexicon) for word in entry.split(" ")]
                found.append(SEPARATOR.join(words))
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
    return tuple(found)


@cache
def _word_expression(token: str, lexicon: str) -> str:
    alternatives = word_alternatives(token, lexicon)
    if len(alternatives) >= _MANY and all(a.replace(SEPARATOR, "").isalpha() for a in alternatives):
        return trie_pattern((a.replace(SEPARATOR, " ") for a in alternatives), SEPARATOR)
    return alternatives[0] if len(alternatives) == 1 else "(?:" + "|".join(alternatives) + ")"


@cache
def lexicon_sets(lexicon: str) -> dict[str, list[str]]:
    return load_data(lexicon).get("sets", {})


def english(pattern: str, lexicon: str = "cues_en") -> re.Pattern[str]:
    """Compiles one English pattern; group `w` is the bracketed words (the whole match when none are)."""
    tokens = pattern.split()
    first = next((i for i, token in enumerate(tokens) if token.startswith("[")), -1)
    last = max((i for i, token in enumerate(tokens) if token.endswith("]")), default=-1)
    expression, separator = r"(?i)(?<![\w’'])", ""
    for i, token in enumerate(tokens):
        token = token.removeprefix("[").removesuffix("]")
        if token.startswith("~"):
            loose = token.startswith("~,")
            gap_separator = __LOOSE_SEPARATOR if loose else SEPARATOR
            stop = "" if loose else _GAP_STOP
            expression += rf"(?:{separator}{stop}{_GAP_WORD})" + "{0," + token.lstrip("~,") + "}?"
            separator = gap_separator
            continue
        word = _word_expression(token.removeprefix("?"), lexicon)
        if token.startswith("?"):
            # An optional first word brings the separator after it, others the one before.
            expression += rf"(?:{separator}{word})?" if separator else rf"(?:{word}{SEPARATOR})?"
            continue
        expression += separator + ("(?P<w>" if i == first else "") + word + (")" if i == last else "")
        separator = SEPARATOR
    return re.compile(expression + r"(?![\w’']|-\w)")


def chinese(pattern: str, lexicon: str = "cues_zh") -> re.Pattern[str]:
    """Compiles one Chinese pattern; group `w` is the words between « and » (the whole match when none are)."""
    sets = lexicon_sets(lexicon)
    expression = re.sub(r"\{([a-z_]+)\}", lambda m: "(?:" + "|".join(sets[m[1]]) + ")", pattern)
    expression = re.sub(r"(?<!\[\^)~", lambda _: _CHINESE_GAP, expression)
    return re.compile(expression.replace("«", "(?P<w>").replace("»", ")"))


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
