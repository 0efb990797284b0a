"""The words that carry speech ("said", "went on", 笑道), from data/speech_verbs.json."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from story.lexicon import load_data
from story.phrases import Phrases, is_word_character

TAG_REACH = 120  # characters after a quotation within which a tag has its verb
_LEAD_REACH = 40  # before one


@cache
def speech_phrases() -> Phrases:
    """English verbs and phrases that carry speech, past and present."""
    data = load_data("speech_verbs")["en"]
    return Phrases([*data["phrases"], *data["past"], *data["present"]])


@cache
def _lead_phrases() -> Phrases:
    data = load_data("speech_verbs")["en"]
    return Phrases([*data["phrases"], *data["past"], *data["present"], *data["participle"]])


_SUBJECT = (
    r"(?:(?:i|he|she|they|we|it|you|who|everybody|everyone|somebody|someone|another|one|others)\b"
    r"|(?:the|a|an|his|her|my|their|our|this|that|both|all|several|some|another|one)\s+(?:\w[\w'’-]*\s+){1,4}?"
    r"|(?-i:[A-Z])[\w.'’-]*(?:\s+(?:(?-i:[A-Z])[\w.'’-]*|de|von|van|la|le|du|of))*)"
)
_ADVERBS = (
    r"(?:\s+(?:\w+ly|then|now|still|only|just|at\s+last|again|had|has|would|did|also|even|never|suddenly|soon|here|"
    r"there|was|is|kept|could|not|once|more))*"
)
# What may stand between a quotation and the verb of its tag: `” she softly` said, `” and` said.
_OPENER = r"[\s,.;:—–)*_-]*"
_BARE = re.compile(rf"{_OPENER}(?:and\s+|but\s+)?", re.IGNORECASE)
_WITH_SUBJECT = re.compile(rf"{_OPENER}{_SUBJECT}{_ADVERBS}\s+", re.IGNORECASE)
_PREPOSITION = re.compile(r"\s+(?:to|by|of|as)\b", re.IGNORECASE)
_CHINESE_TAG = re.compile(r"[\s，,]*[^\s，。！？；：“”「」\"]{0,10}?(?:说|說|道|问|問|答|叫|喊|嚷|想)")
_AFTER_LEAD = re.compile(r"(?:\s+(?:out|up|in|\w+ly|again|back|at\s+last|that|aloud))?\s*", re.IGNORECASE)
_CHINESE_LEAD = re.compile(
    r"(?:说|說|道|问|問|答|叫|喊|嚷|曰|云)(?:了|着|過|过)?(?:[一两几]?[句声聲遍])?\s*$"
)


def starts_like_a_tag(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` begins with "said he", "Anna cried", 老栓说 …"""
    end = min(end, start + TAG_REACH)
    for begin, stop in speech_phrases().find(text, start, end):
        if _BARE.fullmatch(text, start, begin) and not _PREPOSITION.match(text, stop, end):
            return True
        if _WITH_SUBJECT.fullmatch(text, start, begin):
            return True
    return _CHINESE_TAG.match(text, start, end) is not None


def ends_like_a_lead(text: str) -> bool:
    """Whether narration ends in a verb of speech right before a mark."""
    tail = text[-_LEAD_REACH:]
    for begin, stop in _lead_phrases().find(tail):
        if (not begin or not is_word_character(tail[begin - 1])) and _AFTER_LEAD.fullmatch(tail, stop):
            return True
    return _CHINESE_LEAD.search(tail) is not None


_Silent = Literal["thought", "letter"]
_SILENT: dict[_Silent, tuple[Phrases, re.Pattern[str]]] = {
    "thought": (
        Phrases(["thought", "think", "thinks", "mused", "reflected", "wondered"]),
        re.compile(r"(?:想道|想|心想|暗想|寻思|尋思|思忖|暗道)[\s,，:：—-]*$"),
    ),
    "letter": (
        Phrases(["wrote", "writes", "read", "ran", "runs", "began the letter", "continued the letter"]),
        re.compile(r"(?:写道|寫道|上写|题曰)[\s,，:：—-]*$"),
    ),
}
_THEN_SUBJECT = re.compile(rf"\s+{_SUBJECT}", re.IGNORECASE)
_ALOUD = re.compile(r"\s+(?:aloud|out)", re.IGNORECASE)
_AFTER_SILENT_LEAD = re.compile(r"(?:\s+(?:to\s+)?\w+sel(?:f|ves))?[\s,，:：—-]*", re.IGNORECASE)


def silent_kind(before: str, after: str) -> _Silent | None:
    """What a line is that its tag calls thought or written, not said."""
    tag, lead = after[:TAG_REACH], before[-_LEAD_REACH:]
    for kind, (phrases, chinese) in _SILENT.items():
        if tag and _is_silent_tag(tag, phrases):
            return kind
        if lead and (_is_silent_lead(lead, phrases) or chinese.search(lead)):
            return kind
    return None


def _is_silent_tag(text: str, phrases: Phrases) -> bool:
    for begin, stop in phrases.find(text):
        if _THEN_SUBJECT.match(text, stop) and _BARE.fullmatch(text, 0, begin):
            return True
        if not _ALOUD.match(text, stop) and _WITH_SUBJECT.fullmatch(text, 0, begin):
            return True
    return False


def _is_silent_lead(text: str, phrases: Phrases) -> bool:
    return any(_AFTER_SILENT_LEAD.fullmatch(text, stop) for _, stop in phrases.find(text))
