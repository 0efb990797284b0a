"""The names of a Chinese book, learnt from how its lines are led in: what stands again and again before 道 or 笑道."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from story.attribution.chinese_tags import (
    _NO_NAME,
    Names,
    clauses,
    connective,
    nouns,
    predicate,
    speech_verb,
    surname,
    titled,
)
from story.lexicon import load_data

MIN_LEADS = 2
MAX_LENGTH = 5


@cache
def _not_people() -> frozenset[str]:
    return frozenset(load_data("names_zh")["not_people"])


def names_of(leads: Iterable[str], narration: Iterable[str] = ()) -> Names:
    """Names from leads (narration that ends at a line's mark) and from the clauses of all narration."""
    counts: Counter[str] = Counter()
    for lead in leads:
        text = lead[-60:]
        for start, end in clauses(text)[-3:]:
            word = _lead_word(text, start, end)
            if word:
                counts[word] += 1
    begins, speaks = Counter[str](), Counter[str]()
    for text in narration:
        for start, end in clauses(text):
            word = _lead_word(text, start, end)
            if word:
                begins[word] += 1
                if speech_verb().search(text, start + len(word), end):
                    speaks[word] += 1
    found = {w for w, n in counts.items() if _is_name(w, n)}
    found |= {
        w for w, n in begins.items() if w not in found and _is_name_by_clauses(w, n, speaks[w] + counts[w])
    }
    # 问凤姐, 听宝玉: a verb before a name, unless the first character may be a surname and the whole is frequent
    wrong = {
        w
        for w in found
        if any(w[k:] in found for k in (1, 2)) and not (surname().match(w) and not predicate().match(w))
    }
    wrong = {w for w in wrong if w[0] not in "老小阿大"}
    wrong |= {w for w in found if any(w[:-k] in found and predicate().match(w[-k:]) for k in (1, 2))}
    wrong |= {
        w for w in found for k in (2, 3) if w[:k] in found and w[k:] in found
    }  # two people side by side
    return Names.of(found - wrong, {w: counts[w] + speaks[w] for w in found})


def _is_name_by_clauses(word: str, begins: int, speaks: int) -> bool:
    """Whether what begins clauses of narration is a person's name: by its form, or because it also speaks."""
    if word in _not_people() or _NO_NAME.search(word) or word in nouns():
        return False
    if titled().search(word) and len(word) > 2 and (surname().match(word) or speaks):
        return begins >= 2 or speaks >= 1
    if predicate().match(word):
        return False
    if re.match("[老小阿][^人头子家婆]", word) and len(word) == 2:
        return begins >= 3 and speaks >= 1
    if len(word) == 2 and word[1] == "儿" and word[0] not in "女孩这那哪事会点活味劲今明昨前后一":
        return begins >= 2
    if surname().match(word) and len(word) <= 3:
        return begins >= 4 and speaks >= 1
    return begins >= 5 and speaks >= 2


def _lead_word(text: str, start: int, end: int) -> str | None:
    """What stands before the first adverb or verb of a clause."""
    at = start
    for _ in range(4):
        found = connective().match(text, at, end)
        if not found or found.end() >= end:
            break
        at = found.end()
    if at < end and text[at] in "那这此":
        at += 1
    found = predicate().search(text, at, end) or speech_verb().search(text, at, end)
    if found is not None and found.start() - at < 2 and found.end() - found.start() < 2:
        # 如海, 智能儿: a character of the name is a word as well
        found = predicate().search(text, max(found.end(), at + 2), end)
        if found is not None and found.end() < end and text[found.start() - 1] in "了着":
            return None
    if found is None or not 1 < found.start() - at <= MAX_LENGTH:
        return None
    return text[at : found.start()]


def _is_name(word: str, count: int) -> bool:
    if word[0] == word[1] or predicate().fullmatch(word):
        return False
    begins = predicate().match(word)
    if begins and (count < 3 or predicate().fullmatch(word, begins.end()) or word[begins.end() :] in nouns()):
        return False
    if count < MIN_LEADS or word in _not_people() or _NO_NAME.search(word) or word in nouns():
        return False
    return bool(surname().match(word) or titled().search(word) or count >= 3)


def is_full_name(name: str, given: str) -> bool:
    """Whether `name` is `given` with a surname or 老, 小, 阿 before it."""
    before = name.removesuffix(given)
    return bool(before) and (before in "老小阿大" or surname().fullmatch(before) is not None)
