"""What the narration beside a quotation says of its speaker (English): tags, leads and the action around it.

`"…" said Emma`, `he said, "…"`, `Emma laughed. "…"`: each finding is a mention and the name of the rule that read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from story.attribution.mentions import (
    DETERMINER,
    MAX_ADJECTIVES,
    PLACE_TAIL,
    Mention,
    find_mentions,
    free_noun_pattern,
    noun_mention,
    person_nouns,
    read_mentions,
)
from story.attribution.names import name_pattern
from story.attribution.verbs import speech_phrases
from story.lexicon import load_data

TAG_CHARS = 240  # of the narration beside a quotation: tags are short


@dataclass(slots=True)
class Finding:
    """A mention that may be the speaker, by a rule; `addressee` where the tag names one."""

    rule: str
    mention: Mention
    addressee: Mention | None = None


_OPENER = r"[\s,;:.…—–*_)-]*"
_PRONOUN = r"(?P<pronoun>[Hh]e|[Ss]he|[Tt]hey|[Ww]e|I)(?!['’]?\w)"
_ADVERB = (
    r"(?:\w+ly|then|now|still|only|just|at\s+last|at\s+length|again|had|has|have|would|could|also|even|never|soon|"
    r"once|more|both|all|merely|is|was|were|did|at\s+once|in\s+turn|too|here|there|himself|herself|myself|thus)"
)
_AFTER_VERB = (
    r"(?:\s+(?:out|in|up|on|back|off|aloud|again|too|also|\w+ly|at\s+last|at\s+length|at\s+once|to\s+(?:himself|herself|"
    r"myself|themselves|him|her|me|them|us)))?"
)
_OPENING = re.compile(_OPENER)
_CONJUNCTION = re.compile(r"(?:and|but|then)\s+")


def _somebodys() -> str:
    """“Emma's father”."""
    return rf"{name_pattern()}['’]s\s+(?:[a-z][\w-]*\s+)?[a-z][\w-]*"


@cache
def _after_verb() -> re.Pattern[str]:
    """What follows the verb of `” said Emma`."""
    return re.compile(
        rf"{_AFTER_VERB}\s*,?\s+"
        rf"(?:{_PRONOUN}|(?P<noun>(?i:{free_noun_pattern()})|{_somebodys()})|(?P<name>{name_pattern()}))"
    )


_CONJUNCTIONS = r"(?:(?:and|but|then|so|as|here|thus)\s+)?"
_GAP = rf"(?P<gap>(?:,[^.!?\"“”]{{1,80}}?,)?(?:\s+{_ADVERB}){{0,3}})\s+"
_DETERMINED = re.compile(rf"{_OPENER}{_CONJUNCTIONS}(?P<noun>(?i:{DETERMINER}\s+(?:of\s+the\s+)?))")
_NOUN = re.compile(r"[\w’'-]+")
_ADJECTIVE = re.compile(r"[a-z][\w’'-]*,?\s+", re.IGNORECASE)
_AFTER_NOUN = re.compile(rf"(?i:{PLACE_TAIL}){_GAP}")


@cache
def _before_verb() -> re.Pattern[str]:
    """What stands between a quotation and the verb of `” Emma said`."""
    return re.compile(
        rf"{_OPENER}{_CONJUNCTIONS}(?:{_PRONOUN}|(?P<noun>{_somebodys()})|(?P<name>{name_pattern()})){_GAP}"
    )


_SENTENCE = re.compile(
    r"[.!?](?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bM\.)(?<!\bMme\.)(?<!\bMlle\.)(?<!\bCapt\.)"
    r"(?<!\bCol\.)(?<!\bGen\.)(?<!\bRev\.)(?<!\bProf\.)(?<!\bLt\.)(?<!\bSgt\.)(?<!\b[A-Z]\.)[\"”’')\s]*\s+(?=[\"“‘'(]?[A-Z])"
)
_NOT_SUBJECT = re.compile(  # right before a mention: it is an object, a possessor's place or the like
    r"\b(?:to|at|with|of|from|for|by|on|upon|into|about|towards?|after|before|behind|beside|near|over|under|than|like|"
    r"against|between|through|round|without|him|her|it|me|them|let|tell|told|saw|heard|see)\s+$",
    re.IGNORECASE,
)
_NO_TAG = re.compile(  # after a verb: "spoke of the war" is no tag, "said to Harriet" is
    r"\s+(?:to|by|of)\s+(?!him|her|me|them|us|the|a|my|his|[A-Z])"
)
_LEAD_END = re.compile(r"(?:[,:;]|--|[—–]|\.\.\.|…)\s*$")
_TO = re.compile(r"\s+(?:to|at|with)\s+")


@cache
def _verbs() -> tuple[frozenset[str], re.Pattern[str]]:
    """Words of speech, and phrases of speech that end in none of them ("went on")."""
    data = load_data("speech_verbs")["en"]
    words = frozenset([*data["past"], *data["present"], *data["participle"]])
    phrases = [p for p in data["phrases"] if not words & set(p.split())]
    return words, re.compile(r"\b(?:" + "|".join(map(re.escape, phrases)) + r")\b", re.IGNORECASE)


_PLAIN_WORD = re.compile(r"[A-Za-z]+")


def _last_verb(sentence: str) -> tuple[int, int] | None:
    """Where the last word or phrase of speech stands."""
    words, phrases = _verbs()
    found = None
    for match in _PLAIN_WORD.finditer(sentence):
        if match[0].lower() in words:
            found = match.span()
    for match in phrases.finditer(sentence, found[0] if found else 0):
        found = match.span()
    return found


def after(text: str, closed_by_comma: bool) -> Finding | None:
    """The tag at the beginning of the narration after a quotation."""
    text = text[:TAG_CHARS]
    return _inverted_tag(text) or _straight_tag(text, closed_by_comma)


def _inverted_tag(text: str) -> Finding | None:
    """`” said Emma`."""
    opened = _OPENING.match(text)
    at = opened.end() if opened else 0
    conjunction = _CONJUNCTION.match(text, at)
    for begin in ([conjunction.end()] if conjunction else []) + [at]:
        for stop in speech_phrases().at(text, begin):
            if (match := _after_verb().match(text, stop)) is not None:
                mention = _mention(match)
                return (
                    Finding("tag", mention, _addressee(text[mention.end :])) if mention is not None else None
                )
    return None


def _straight_tag(text: str, closed_by_comma: bool) -> Finding | None:
    """`” Emma said`, `” Emma, rising, said`."""
    best: tuple[Mention | None, str, int] | None = None
    length = 0  # of the best one's name: Old Pipes may be called a verb
    for begin, stop in speech_phrases().find(text):
        if _NO_TAG.match(text, stop):
            continue
        noun = _noun_before(text, begin)
        if noun is not None:
            best = *noun, stop
            break
        match = _before_verb().fullmatch(text, 0, begin)
        if match is None:
            continue
        if best is None or len(match["name"] or "") > length:
            best, length = (_mention(match), match["gap"], stop), len(match["name"] or "")
        if not match["name"]:
            break
    if best is None:
        return None
    mention, gap, stop = best
    if mention is None or _NOT_SUBJECT.search(text[: mention.start]):
        return None
    rule = (
        "tag"
        if closed_by_comma or text[mention.start : mention.start + 1].islower() or not gap
        else "tag far"
    )
    return Finding(rule, mention, _addressee(text[stop:]))


def _noun_before(text: str, verb: int) -> tuple[Mention, str] | None:
    """`” the old landlord, rising,` with what stands between it and the verb, when that begins at `verb`."""
    opened = _DETERMINED.match(text, 0, verb)
    if opened is None:
        return None
    at = opened.end()
    for _ in range(MAX_ADJECTIVES + 1):
        word = _NOUN.match(text, at, verb)
        if word is not None and word[0].lower() in person_nouns():
            after = _AFTER_NOUN.fullmatch(text, word.end(), verb)
            if after is not None:
                start = opened.start("noun")
                return noun_mention(text[start : after.start("gap")].rstrip(" ,"), start), after["gap"]
        adjective = _ADJECTIVE.match(text, at, verb)
        if adjective is None:
            return None
        at = adjective.end()
    return None


def _mention(match: re.Match[str]) -> Mention | None:
    for group in ("pronoun", "name", "noun"):
        if match[group]:
            if group == "noun":
                raw = match["noun"]
                return noun_mention(raw.rstrip(" ,"), match.start("noun"))
            found = read_mentions(match[group], match.start(group), group)
            return found[0] if found else None
    return None


def _addressee(rest: str) -> Mention | None:
    """`… to Harriet`, right after a tag."""
    to = _TO.match(rest[:6])
    if not to:
        return None
    found = find_mentions(rest[to.end() : to.end() + 60])
    return found[0] if found and found[0].start == 0 else None


def before(text: str) -> Finding | None:
    """The lead at the end of the narration before a quotation: its last sentence, when it ends like a lead."""
    sentence = last_sentence(text)
    verb = _last_verb(sentence)
    lead = bool(_LEAD_END.search(sentence[-8:]))
    if verb and not lead and sentence[verb[1] :].strip(" ,:;—–-"):
        return None  # a whole sentence that happens to tell of speaking
    if not verb and not lead:
        return None
    mentions = find_mentions(sentence)
    if not mentions:
        return None
    if verb:
        subject = _subject_of(sentence, mentions, verb[0])
        follows = next((m for m in mentions if 0 <= m.start - verb[1] <= 1), None)
        if follows is not None and (subject is None or _inverted(sentence, verb[0])):
            return Finding("lead", follows)
        if subject is not None:
            return Finding("lead", subject, _addressee(sentence[verb[1] :]))
    subject = _subject_of(sentence, mentions, len(sentence))
    return (
        Finding("colon" if sentence.rstrip().endswith(":") else "lead action", subject) if subject else None
    )


def _inverted(sentence: str, verb_start: int) -> bool:
    return not sentence[:verb_start].strip(" ,;") or sentence[:verb_start].rstrip().lower().endswith(
        ("then", "here")
    )


def _subject_of(sentence: str, mentions: list[Mention], stop: int) -> Mention | None:
    """The subject a verb at `stop` most likely has: the sentence's first mention that is one."""
    candidates = [
        m
        for m in mentions
        if m.end <= stop and not _NOT_SUBJECT.search(sentence[max(0, m.start - 12) : m.start])
    ]
    return candidates[0] if candidates else None


def last_sentence(text: str) -> str:
    text = text[-600:]
    at = 0
    for match in _SENTENCE.finditer(text):
        at = match.end()
    return text[at:]


def first_sentence(text: str) -> str:
    match = _SENTENCE.search(text[:400])
    return text[: match.end()] if match else text[:400]


def subject(sentence: str) -> Mention | None:
    """The subject of a sentence of action."""
    mentions = find_mentions(sentence)
    return _subject_of(sentence, mentions, len(sentence))
