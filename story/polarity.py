"""Is a sound in the text heard at that place, or is it denied, supposed, remembered, or a figure of speech?

Only what is asserted may sound, so every doubt ends here as `negated`, `hypothetical` (also: past, habitual, asked,
ordered, intended) or `figurative`. The words live in data/polarity_{en,zh}.json; this module knows only where to
look: the clause before the sound, the sentence before it, and what follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from story.lexicon import ChinesePattern, chinese, load_data
from story.pattern_tests import chinese_required, english_triggers
from story.scene_models import Polarity
from story.word_patterns import EnglishPattern, english

# A full stop after these ends no sentence.
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|St|Esq|Capt|Col|Gen|Lieut|Rev|Hon|Prof|Sr|Jr|No|vs|etc|[A-Z])\.$"
)
_ENDS = {
    "en": re.compile(r"[.!?…]+[\"”’')\]]*(?=\s|$)|\n\s*\n|[\"“”]"),
    "zh": re.compile(r"[。！？…]+|\n|[“”「」『』\"]"),
}
_WORD = re.compile("[a-z]+")
# Longest stretch of text looked at on either side of a sound: keeps time linear on text without punctuation.
_REACH = 400


@dataclass(frozen=True)
class _Rules:
    """One language's compiled polarity lexicon; see the JSON files for what each pattern is for."""

    clause_break: re.Pattern[str]
    patterns: dict[str, re.Pattern[str]]
    phrases: tuple[
        tuple[EnglishPattern | ChinesePattern, frozenset[str]], ...
    ]  # with trigger words (Chinese: characters); none: always tried

    def found(self, name: str, text: str) -> bool:
        """True when pattern `name` is in text and its exception `<name>_not_these` isn't."""
        pattern = self.patterns.get(name)
        if pattern is None or not pattern.search(text):
            return False
        exception = self.patterns.get(f"{name}_not_these")
        return exception is None or not exception.search(text)


@cache
def _rules(language: str) -> _Rules:
    data = load_data(f"polarity_{language}")
    flags = re.IGNORECASE if language == "en" else 0
    patterns = {
        f"{group}.{name}": re.compile(expression, flags)
        for group in ("negated", "hypothetical", "figurative")
        for name, expression in data[group].items()
        if isinstance(expression, str)
    }
    phrases = data["figurative"]["phrases"]
    compiled = tuple(
        (english(p), english_triggers(p))
        if language == "en"
        else (chinese(p), next(iter(chinese_required(p)), frozenset[str]()))
        for p in phrases
    )
    return _Rules(re.compile(data.get("clause_break", "[，；：、]|——"), flags), patterns, compiled)


def sentence_bounds(text: str, start: int, end: int, language: str) -> tuple[int, int]:
    """The sentence around text[start:end], at most _REACH characters to either side."""
    low, high = max(0, start - _REACH), min(len(text), end + _REACH)
    first, last = low, high
    for match in _ENDS[language].finditer(text, low, start):
        if not _ABBREVIATION.search(text, max(low, match.start() - 8), match.start() + 1):
            first = match.end()
    for match in _ENDS[language].finditer(text, end, high):
        if not _ABBREVIATION.search(text, max(low, match.start() - 8), match.start() + 1):
            last = match.end()
            break
    return first, last


def polarity(
    text: str, start: int, end: int, language: str, *, match_start: int | None = None, noun: bool = False
) -> Polarity:
    """How the sound at text[start:end] is meant.

    Args:
        text: a segment's content with everything quoted blanked out.
        start, end: the sound's own words (code points).
        language: "en" or "zh".
        match_start: where the whole expression begins (its subject), if before `start`.
        noun: the sound is named by a noun ("a knock"), which takes other figures of speech than a verb.
    """
    rules = _rules(language)
    begin = start if match_start is None else min(match_start, start)
    first, last = sentence_bounds(text, begin, end, language)
    sentence = text[first:last]
    words = frozenset(_WORD.findall(sentence.lower()) if language == "en" else sentence)
    for pattern, triggers in rules.phrases:
        if triggers and triggers.isdisjoint(words):
            continue
        if any(hit.start < end and start < hit.end for hit in pattern.finditer(text, first, last)):
            return "figurative"
    judge = _english if language == "en" else _chinese
    return judge(rules, text[first:begin], text[begin:start], text[start:end], text[end:last], noun)


def _clause_tail(rules: _Rules, left: str) -> str:
    """What of `left` belongs to the clause that ends at its end."""
    cut = 0
    for match in rules.clause_break.finditer(left):
        cut = match.end()
    return left[cut:]


def _english(rules: _Rules, before: str, inside: str, word: str, right: str, noun: bool) -> Polarity:
    before = rules.patterns["negated.no_sooner"].sub(";", before)
    before = before[before.rfind(";") + 1 :]
    clause = _clause_tail(rules, before)
    whole = clause + inside
    if not noun:
        whole = _own_clause(rules, whole, word)
    # "He had scarcely shut the door when …": it is shut, and now.
    just = rules.patterns["negated.just"].search(whole) and rules.found("negated.just_when", right)
    if just:
        whole = rules.patterns["negated.just"].sub(" ", whole)
    if rules.found("figurative.left", before.rpartition(",")[2] + inside) or rules.found(
        "figurative.right", right
    ):
        return "figurative"
    if noun and re.search(r"\bas (?:a|an|any|some)(?: [\w'’-]+){0,3} $", before + inside):
        return "figurative"
    if rules.patterns["negated.left"].search(rules.patterns["negated.not_these"].sub(" ", whole)):
        return "negated"
    if rules.found("negated.wide", before) or rules.found("negated.right", right):
        return "negated"
    if rules.found("hypothetical.sentence", before + inside) or rules.found("hypothetical.question", right):
        return "hypothetical"
    if rules.found("hypothetical.clause", whole):
        return "hypothetical"
    if rules.found("hypothetical.past", whole) and not (
        just or rules.found("hypothetical.past_now", before + inside)
    ):
        return "hypothetical"
    if not noun and rules.found("hypothetical.infinitive", whole):
        return "hypothetical"
    if rules.found("hypothetical.right", right) or rules.found("hypothetical.relative_past", right):
        return "hypothetical"
    return "asserted"


def _own_clause(rules: _Rules, clause: str, word: str) -> str:
    """A clause without what can't govern its verb `word`: "asked me to come in and" closed, "without a word" he closed."""
    adverbial = rules.patterns["hypothetical.adverbial"].search(clause)
    if adverbial:
        clause = clause[adverbial.end() :]
    if rules.patterns["hypothetical.past_form"].search(word):
        joined = rules.patterns["hypothetical.joined"].search(clause)
        if joined and not rules.patterns["hypothetical.governs_past"].search(clause):
            return clause[joined.end("and") :]
    return clause


def _chinese(rules: _Rules, before: str, inside: str, word: str, right: str, noun: bool) -> Polarity:
    before = before[before.rfind("；") + 1 :]
    clause = _clause_tail(rules, before) + inside
    within = rules.patterns["negated.not_these"].sub("", clause + word)
    if rules.found("figurative.right", right):
        return "figurative"
    cleaned = rules.patterns["figurative.left_not_these"].sub("", clause)
    if rules.patterns["figurative.left"].search(cleaned):
        return "figurative"
    if rules.patterns["negated.left"].search(within) or rules.found("negated.right", right):
        return "negated"
    sentence = rules.patterns["hypothetical.sentence_not_these"].sub("", before + inside)
    if rules.patterns["hypothetical.sentence"].search(sentence):
        return "hypothetical"
    if rules.found("hypothetical.question", right):
        return "hypothetical"
    clause_text = rules.patterns["hypothetical.clause_not_these"].sub("", clause)
    if rules.patterns["hypothetical.clause"].search(clause_text):
        return "hypothetical"
    if rules.found("hypothetical.past", clause):
        return "hypothetical"
    return "asserted"
