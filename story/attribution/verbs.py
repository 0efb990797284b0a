"""The words that carry speech ("said", "went on", 笑道), from data/speech_verbs.json.

Looked up by first word instead of matched by one great regular expression: that compiles in no time, and a text without
such a word is done after a glance at its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

from story.lexicon import load_data

TAG_REACH = 120  # characters after a quotation within which a tag has its verb
_LEAD_REACH = 40  # before one
_LETTERS = re.compile(r"[^\W\d_]+")
_NEXT_LETTERS = re.compile(r"\s+([^\W\d_]+)")


class Phrases:
    """Words and phrases, found where their first word stands; upper and lower case are one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        rests: dict[str, set[tuple[str, ...]]] = {}
        for phrase in phrases:
            first, *rest = phrase.split()
            rests.setdefault(first, set()).add(tuple(rest))
        self._rests = {first: sorted(found, key=lambda r: (-len(r), r)) for first, found in rests.items()}

    def find(self, text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """(start, end) of every phrase in `text[start:end]`; of those that begin at one place the longest first."""
        end = len(text) if end is None else end
        for run in _LETTERS.finditer(text, start, end):
            if (rests := self._rests.get(run[0].casefold())) is not None:
                yield from ((run.start(), stop) for stop in _ends(text, run.end(), end, rests))

    def at(self, text: str, start: int) -> Iterator[int]:
        """Ends of the phrases that begin exactly at `start`, the longest first."""
        run = _LETTERS.match(text, start)
        if run is not None and (rests := self._rests.get(run[0].casefold())) is not None:
            yield from _ends(text, run.end(), len(text), rests)


def _ends(text: str, at: int, end: int, rests: Iterable[tuple[str, ...]]) -> Iterator[int]:
    for rest in rests:
        stop = at
        for word in rest:
            found = _NEXT_LETTERS.match(text, stop, end)
            if found is None or found[1].casefold() != word:
                break
            stop = found.end()
        else:
            if stop == end or not _is_word(text[stop]):
                yield stop


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


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
_CHINESE_LEAD = re.compile(r"(?:说|說|道|问|問|答|叫|喊|嚷|曰|云)(?:了|着|過|过)?(?:[一两几]?[句声聲遍])?\s*$")


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
        if (not begin or not _is_word(tail[begin - 1])) and _AFTER_LEAD.fullmatch(tail, stop):
            return True
    return _CHINESE_LEAD.search(tail) is not None


_SILENT: dict[Literal["thought", "letter"], tuple[str, str]] = {
    "thought": (r"thought|thinks?|mused|reflected|wondered", r"想道|想|心想|暗想|寻思|尋思|思忖|暗道"),
    "letter": (
        r"wrote|writes|read|ran|runs|began\s+the\s+letter|continued\s+the\s+letter",
        r"写道|寫道|上写|题曰",
    ),
}


@cache
def _silent_tags() -> dict[Literal["thought", "letter"], tuple[re.Pattern[str], re.Pattern[str]]]:
    return {
        kind: (
            re.compile(
                rf"[\s,.;—–-]*(?:(?:{english})\s+(?:{_SUBJECT})|{_SUBJECT}{_ADVERBS}\s+(?:{english})\b(?!\s+(?:aloud|out)))",
                re.IGNORECASE,
            ),
            re.compile(
                rf"(?:\b(?:{english})(?:\s+(?:to\s+)?\w+sel(?:f|ves))?|(?:{chinese}))[\s,，:：—-]*$",
                re.IGNORECASE,
            ),
        )
        for kind, (english, chinese) in _SILENT.items()
    }


def silent_kind(before: str, after: str) -> Literal["thought", "letter"] | None:
    """What a line is that its tag calls thought or written, not said."""
    for kind, (tag, lead) in _silent_tags().items():
        if tag.match(after[:120]) or lead.search(before[-40:]):
            return kind
    return None
