"""The words that carry speech ("said", "went on", 笑道), from data/speech_verbs.json."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from story.lexicon import load_data
from story.word_trie import trie_pattern


@cache
def english_verbs() -> frozenset[str]:
    """Past and present forms, single words, lower case."""
    data = load_data("speech_verbs")["en"]
    return frozenset([*data["past"], *data["present"]])


@cache
def weak_verbs() -> frozenset[str]:
    """Verbs that carry speech only sometimes."""
    return frozenset(load_data("speech_verbs")["en"]["weak"])


def verb_alternatives() -> str:
    """A regular expression body that matches any English verb or phrase of speech."""
    data = load_data("speech_verbs")["en"]
    return trie_pattern([*data["phrases"], *data["past"], *data["present"]])


_SUBJECT = (
    r"(?:(?:i|he|she|they|we|it|you|who|everybody|everyone|somebody|someone|another|one|others)\b"
    r"|(?:the|a|an|his|her|my|their|our|this|that|both|all|several|some|another|one)\s+(?:\w[\w'’-]*\s+){1,4}?"
    r"|(?-i:[A-Z])[\w.'’-]*(?:\s+(?:(?-i:[A-Z])[\w.'’-]*|de|von|van|la|le|du|of))*)"
)
_ADVERBS = (
    r"(?:\s+(?:\w+ly|then|now|still|only|just|at\s+last|again|had|has|would|did|also|even|never|suddenly|soon|here|"
    r"there|was|is|kept|could|not|once|more))*"
)


@cache
def _tag() -> re.Pattern[str]:
    verbs = verb_alternatives()
    return re.compile(
        rf"[\s,.;:—–)*_-]*(?:(?:and\s+|but\s+)?(?:{verbs})\b(?!\s+(?:to|by|of|as)\b)|{_SUBJECT}{_ADVERBS}\s+(?:{verbs})\b)"
        r"|[\s，,]*[^\s，。！？；：“”「」\"]{0,10}?(?:说|說|道|问|問|答|叫|喊|嚷|想)",
        re.IGNORECASE,
    )


@cache
def _lead() -> re.Pattern[str]:
    data = load_data("speech_verbs")["en"]
    english = trie_pattern([*data["past"], *data["present"], *data["participle"], *data["phrases"]])
    return re.compile(
        rf"\b(?:{english})(?:\s+(?:out|up|in|\w+ly|again|back|at\s+last|that|aloud))?\s*$"
        r"|(?:说|說|道|问|問|答|叫|喊|嚷|曰|云)(?:了|着|過|过)?(?:[一两几]?[句声聲遍])?\s*$",
        re.IGNORECASE,
    )


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


def starts_like_a_tag(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` begins with "said he", "Anna cried", 老栓说 …"""
    return _tag().match(text, start, min(end, start + 120)) is not None


def ends_like_a_lead(text: str) -> bool:
    """Whether narration ends in a verb of speech right before a mark."""
    return _lead().search(text[-40:]) is not None
