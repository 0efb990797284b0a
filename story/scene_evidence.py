"""What narration says about where and when it happens: places, time of day, weather, mood, with the words it rests on.

A place that is only mentioned ("the road to town") counts little; being or arriving there ("along the road",
"reached the inn") counts much; leaving it, or denying or supposing it, counts nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from story.novel import Segment
from story.polarity import polarity
from story.scene_lexicon import WEAK, Kind, Lexicon, lexicon, matches, starts
from story.scene_text import READ_TYPES, reading_text

# How a place is named, from being there to talk of it; "hint" and "weak" are its furniture and people.
How = Literal["arrival", "stay", "beside", "mention", "left", "goal", "hint", "weak"]

# How much each way of naming a place tells; scene_place's ranker weighs the sums.
ARRIVAL, LOCATIVE, MENTION = 3.0, 2.0, 0.5
CUE_HINT = 0.6
LEFT_ROOM = 1.0  # who leaves a room is in the house
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Capt|Col|Gen|Rev|Lieut|Hon|Prof)\.$")
_NAMED = re.compile(r"\b(?!Mr|Mrs|Miss|Dr|Lady|Lord|Sir)[A-Z][a-z]+ $")
_ARTICLE = re.compile(
    r"\b(?:the|a|an|this|that|his|her|my|our|their|its|your|some|another|each|every|same|'s) "
    r"(?:(?:old|little|great|narrow|dark|darkened|long|small|big|whole|next|other|low|high|open|wide|steep|deep|wooden|"
    r"stone|front|back|upper|lower|main|inner|outer|private|public|new|empty|dim|dimly|dusky|lighted|lit|bare|cold|"
    r"damp|quiet|silent|winding|gloomy|dusty|broad|large|huge|tiny|own|very|first|second|third|iron|paved|shady|"
    r"green|rough|rocky|sandy|white|grey|gray|black|red),? ){0,2}$"
)
# Kinds whose words are also people's names.
_NAMEABLE = ("place", "weather", "time", "near")
# How much context to the left decides what a mention means.
_LEFT = {"en": 90, "zh": 16}
_RIGHT = {"en": 40, "zh": 8}


@dataclass(frozen=True)
class Finding:
    """One piece of evidence in a segment's content (code points)."""

    kind: Kind
    value: str  # class, time of day, weather …
    weight: float
    segment: str
    start: int
    end: int
    word: str
    arrival: bool = False
    hint: bool = False  # furniture and people of a place, not the place itself
    how: How = "mention"


def _says(book: Lexicon, name: str, text: str) -> bool:
    pattern = book.context.get(name)
    return bool(pattern and pattern.search(text))


_WEIGHTS: dict[How, float] = {
    "arrival": ARRIVAL,
    "stay": LOCATIVE,
    "beside": LOCATIVE / 2,
    "mention": MENTION,
    "left": LEFT_ROOM,
    "goal": MENTION / 2,
}


def _how(book: Lexicon, word: str, left: str, right: str) -> How | None:
    """How a place noun between `left` and `right` is named; None when it says nothing of where people are."""
    if _says(book, "not_after", right) or _says(book, "not_before", left):
        return None
    goal = "goal_hard" if "goal_hard" in book.context else "goal"
    if _says(book, "arrival", left) and not _says(book, goal, left):
        return "arrival"
    if _says(book, "within", left):
        return "stay"
    if _says(book, "departure", left):
        return "left" if word in book.data.get("inner", ()) else None
    if _says(book, "goal", left):
        return "goal"
    if _says(book, "inside_after", right):
        return "stay"
    if _says(book, "locative", left):
        return "stay" if "inside_after" not in book.context else "beside"
    return "mention"


def _weight(book: Lexicon, kind: Kind, word: str, left: str, right: str) -> tuple[float, How]:
    _, weight, hint = book.terms[kind].value_of[word]
    if kind == "place":
        if word in book.article_only and not (_ARTICLE.search(left) or _NAMED.search(left)):
            return 0.0, "mention"
        if hint:
            return weight, "weak" if weight == WEAK else "hint"
        how = _how(book, word, left, right)
        if how is None:
            return 0.0, "mention"
        found = _WEIGHTS[how]
        if len(word) == 1 and found < LOCATIVE:
            found *= book.data.get("short_mention", 1.0)  # one character alone is mostly part of a name
        return found * weight, how
    if kind == "time":
        refused = (
            _says(book, "time_not_after", right)
            or _says(book, "time_never", left)
            or (_says(book, "time_unless", left) and not _says(book, "time_allowed", left))
        )
        return (0.0 if refused else book.data["time_weight"].get(word, 1.0)), "mention"
    if kind == "weather":
        if _says(book, "weather_unless", left) or _says(book, "weather_not_after", right):
            return 0.0, "mention"
        sure = _says(book, "weather_sure_before", left) or _says(book, "weather_sure_after", right)
        if word in book.data["weather_bare_words"] and not sure:
            return book.data["weather_bare"], "mention"  # a mention may be of any time
        return book.data["weather_weight"].get(word, 1.0), "mention"
    return weight, "mention"


def findings(segment: Segment, language: str) -> tuple[Finding, ...]:
    """All evidence in one segment, in reading order; none for segments that aren't narration."""
    if segment.type not in READ_TYPES:
        return ()
    return _findings(segment.id, segment.content, language)


# Bounds and scenes ask for the same segments several times within one chapter.
@lru_cache(maxsize=1024)
def _findings(segment_id: str, content: str, language: str) -> tuple[Finding, ...]:
    book = lexicon(language)
    text = reading_text(content, language)
    found: list[Finding] = []
    plain = _lower(text) if language == "en" else text
    begins = starts(book, plain, language)
    for kind, terms in book.terms.items():
        for start, end in matches(terms, plain, begins[kind], language):
            word = plain[start:end]
            if language == "en" and kind in _NAMEABLE and _is_name(book, text, start, end):
                continue  # "Squire Hall", "Mr. Church", "Storm nodded"
            left = text[max(0, start - _LEFT[language]) : start].replace("\n", " ")
            right = text[end : end + _RIGHT[language]].replace("\n", " ")
            weight, how = _weight(book, kind, word, left, right)
            if weight and kind in ("place", "time", "weather", "near", "setting"):
                meant = polarity(text, start, end, language, noun=True)
                if meant != "asserted":
                    continue
            if weight:
                value, _, hint = terms.value_of[word]
                found.append(
                    Finding(
                        kind,
                        value,
                        weight,
                        segment_id,
                        start,
                        end,
                        content[start:end],
                        how == "arrival",
                        hint,
                        how,
                    )
                )
    return tuple(sorted(found, key=lambda f: (f.start, f.end, f.kind)))


def _lower(text: str) -> str:
    """Lower case and plain apostrophes, every character in its place (İ would become two)."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered.replace("’", "'")


def _is_name(book: Lexicon, text: str, start: int, end: int) -> bool:
    """A capital inside a sentence makes a name, and so does a verb of people after a capital at its beginning."""
    if not text[start].isupper():
        return False
    if text[start:end].lower() in book.data.get("named_places", ()) and _NAMED.search(text[:start]):
        return False  # "Dover Street" is a street
    return not _starts_sentence(text, start) or book.name_after.match(text[end : end + 24]) is not None


def _starts_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 12) : start].rstrip()
    if _TITLE.search(before):
        return False
    return not before or before[-1] in '.!?”"—:;'
