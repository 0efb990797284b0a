"""Finds the words that tell a feeling: lexicons in story/data/emotions_{en,zh}.json, matched by first word.

An index by first word (first character in Chinese) instead of one great regular expression: a line is short and the
lexicons are long, and this way a book's lines cost milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

from story.lexicon import load_data, plain_chinese, verb_forms
from story.word_trie import trie_pattern

Part = Literal["narration", "line"]
_TOKEN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|[?!,]")
# How far `~` reaches: words in English, characters in Chinese.
_GAP = {"en": 2, "zh": 4}
# How far before a clue a denial of it stands.
_DENIAL_REACH = {"en": 3, "zh": 3}


class Clue(NamedTuple):
    """Words that point to an emotion, a style or both; offsets are code points of the text searched."""

    start: int
    end: int
    word: str
    emotion: str
    style: str
    intensity: float
    weight: float


class _Entry(NamedTuple):
    parts: tuple[str, ...]  # words, or stretches of characters; "~" a gap
    group: dict[str, Any]  # empty: words that mean something else, matched so that nothing else is


@dataclass(frozen=True)
class Punctuation:
    pattern: re.Pattern[str]
    emotion: str
    style: str
    intensity: float
    weight: float
    needs: str  # characters one of which is in every match: most lines have none, and are done

    def search(self, line: str) -> re.Match[str] | None:
        if self.needs and not any(c in line for c in self.needs):
            return None
        return self.pattern.search(line)


def _adverb(adjective: str) -> str:
    if adjective.endswith("ic"):
        return adjective + "ally"
    if adjective.endswith("le"):
        return adjective[:-1] + "y"
    if adjective.endswith("y") and len(adjective) > 3:
        return adjective[:-1] + "ily"
    return adjective + ("y" if adjective.endswith("ll") else "ly")


def _english_spellings(word: str) -> list[tuple[str, ...]]:
    """All written forms of one lexicon entry, as tokens."""
    forms: list[list[str]] = [[]]
    for token in word.split():
        if token in ("!", "?", ",", "~"):
            options = [token]
        elif token.endswith("!"):
            options = list(verb_forms(token[:-1]))
        elif token.endswith("*"):
            options = [token[:-1], _adverb(token[:-1])]
        else:
            options = [token]
        forms = [[*form, option] for form in forms for option in options]
    return [tuple(form) for form in forms]


@cache
def _data(language: str) -> dict[str, Any]:
    return load_data(f"emotions_{language}")


@cache
def _index(language: str, part: str) -> dict[str, list[_Entry]]:
    """Entries by their first word or character, the longest first."""
    data = _data(language)
    groups = [*data[part], {"words": data["ignore"], "ignored": True}]
    index: dict[str, list[_Entry]] = {}
    for group in groups:
        meaning = {} if group.get("ignored") else group
        for word in group["words"]:
            spellings = (
                _english_spellings(word)
                if language == "en"
                else [tuple(piece for piece in re.split("(~)", word) if piece)]
            )
            for parts in spellings:
                key = parts[0] if language == "en" else parts[0][0]
                index.setdefault(key, []).append(_Entry(parts, meaning))
    for entries in index.values():
        if len(entries) > 1:
            entries.sort(key=lambda e: -len("".join(e.parts)))
    return index


@cache
def punctuation(language: str) -> tuple[Punctuation, ...]:
    """Marks inside a line that tell a feeling."""
    return tuple(
        Punctuation(
            re.compile(p["pattern"]),
            p["emotion"],
            p.get("style", ""),
            p["intensity"],
            p["weight"],
            p.get("needs", ""),
        )
        for p in _data(language)["punctuation"]
    )


@cache
def families() -> dict[str, str]:
    """Emotion → its family (data/emotion_families.json)."""
    table = load_data("emotion_families")["families"]
    return {name: family for family, names in table.items() for name in names}


def clues(text: str, language: str, part: Part, plain: str | None = None) -> list[Clue]:
    """The clues in a text, in order, without those that are denied ("not angrily", 没有哭).

    Args:
        text: narration beside a line, or the line itself.
        language: "en" or "zh".
        part: which lexicon: what is told about a speaker, or what he says himself.
        plain: a Chinese text in simplified characters, where that is at hand.
    """
    return _english(text, part) if language == "en" else _chinese(text, part, plain or plain_chinese(text))


def _clue(text: str, start: int, end: int, group: dict[str, Any], degree: float) -> Clue:
    return Clue(
        start=start,
        end=end,
        word=text[start:end],
        emotion=group.get("emotion", ""),
        style=group.get("style", ""),
        intensity=min(1.0, max(0.2, group.get("intensity", 0.5) + degree)),
        weight=group.get("weight", 1.0),
    )


def _match_words(words: list[str], at: int, parts: tuple[str, ...]) -> int:
    """Index after the match of `parts` at words[at:], or -1."""
    i, gap = at, 0
    for piece in parts:
        if piece == "~":
            gap = _GAP["en"]
            continue
        while gap and i < len(words) and words[i] != piece:
            i, gap = i + 1, gap - 1
        if i >= len(words) or words[i] != piece:
            return -1
        i, gap = i + 1, 0
    return i


@cache
def _negation() -> frozenset[str]:
    return frozenset(_data("en")["negation"])


@cache
def _english_degrees() -> list[tuple[list[str], float]]:
    return [(w.split(), d["by"]) for d in _data("en")["degrees"] for w in d["words"]]


@cache
def _anchors(part: str) -> dict[str, list[tuple[int, int, _Entry]]]:
    """English entries by the longest word before their first gap: (its place in the entry, rank, entry).

    Found by its longest word an entry is tried seldom; by its first ("you", "my") it would be at every line.
    """
    anchors: dict[str, list[tuple[int, int, _Entry]]] = {}
    for entries in _index("en", part).values():
        for rank, entry in enumerate(entries):
            fixed = entry.parts[: entry.parts.index("~")] if "~" in entry.parts else entry.parts
            place = fixed.index(max(fixed, key=len))
            anchors.setdefault(fixed[place], []).append((place, rank, entry))
    return anchors


def _english(text: str, part: str) -> list[Clue]:
    anchors = _anchors(part)
    words = _TOKEN.findall(text.lower().replace("’", "'"))
    if anchors.keys().isdisjoint(words):
        return []
    matches = [
        (i - place, rank, end, entry.group)
        for i, word in enumerate(words)
        if word in anchors
        for place, rank, entry in anchors[word]
        if i >= place and (end := _match_words(words, i - place, entry.parts)) > 0
    ]
    if not matches:
        return []
    matches.sort(key=lambda match: match[:2])  # the first in the text, of those the longest
    tokens = list(_TOKEN.finditer(text))
    negation = _negation()
    found: list[Clue] = []
    taken: set[int] = set()  # words inside a match deny nothing
    done = 0
    for start, _, end, group in matches:
        if start < done:
            continue
        near = range(max(0, start - _DENIAL_REACH["en"]), start)
        before = [words[j] for j in near]
        denied = part == "narration" and any(words[j] in negation and j not in taken for j in near)
        if group and not denied:
            degree = sum(by for phrase, by in _english_degrees() if before[-len(phrase) :] == phrase)
            found.append(_clue(text, tokens[start].start(), tokens[end - 1].end(), group, degree))
        taken.update(range(start, end))
        done = end
    return found


@cache
def _openers(part: str) -> re.Pattern[str]:
    """Where a Chinese entry may begin."""
    index = _index("zh", part)
    firsts = {entry.parts[0] for entries in index.values() for entry in entries}
    return re.compile(f"(?=[{''.join(index)}]){trie_pattern(firsts)}")


def _match_characters(text: str, at: int, parts: tuple[str, ...]) -> int:
    i, gap = at, 0
    for piece in parts:
        if piece == "~":
            gap = _GAP["zh"]
            continue
        j = text.find(piece, i, i + gap + len(piece))
        if j < 0 or any(c in "，。！？；：" for c in text[i:j]):
            return -1
        i, gap = j + len(piece), 0
    return i


@cache
def _chinese_negation() -> tuple[str, ...]:
    return tuple(_data("zh")["negation"])


@cache
def _chinese_degrees() -> tuple[tuple[tuple[str, ...], float], ...]:
    return tuple((tuple(d["words"]), d["by"]) for d in _data("zh")["degrees"])


def _chinese(text: str, part: str, plain: str) -> list[Clue]:
    index, negation = _index("zh", part), _chinese_negation()
    found: list[Clue] = []
    free = 0  # end of the match before: its characters deny nothing
    i, openers = 0, _openers(part)
    while (opener := openers.search(plain, i)) is not None:
        i = opener.start()
        for entry in index[plain[i]]:
            end = _match_characters(plain, i, entry.parts)
            if end < 0:
                continue
            before = plain[max(free, i - _DENIAL_REACH["zh"]) : i]
            denied = part == "narration" and (before.endswith(negation) or before[:-1].endswith(negation))
            if entry.group and not denied:
                degree = sum(by for words, by in _chinese_degrees() if before.endswith(words))
                found.append(_clue(text, i, end, entry.group, degree))
            free = end
            i = end - 1
            break
        i += 1
    return found
