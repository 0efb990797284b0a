"""Text → phonemes with a memory: every sound keeps the place in the text it was written at.

A speech model reads phonemes, a person wrote letters, and between them stand numbers, abbreviations and spellings
that become other words. Here is what both languages share: the units that are spoken, and finding back from the
words that were read to the words that were written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# Pauses in the model's own alphabet, the strongest of a run of marks wins in this order.
PAUSES = "?!.…—;:,"
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007"


@dataclass(frozen=True)
class Spoken:
    """A word, or the punctuation between words.

    Attributes:
        symbols: phonemes (of one or more words), or marks out of PAUSES and brackets.
        start, end: code points of the written word; equal for punctuation.
        space: a space follows.
    """

    symbols: str
    start: int
    end: int
    space: bool

    @property
    def is_word(self) -> bool:
        return self.end > self.start


@dataclass(frozen=True)
class Written:
    """A word of the text as a person sees it; `key` is what it is recognised by."""

    key: str
    start: int
    end: int


_WRITTEN_WORD = re.compile(rf"[{HAN}]|(?:(?![{HAN}])[^\W_])+(?:['’](?:(?![{HAN}])[^\W_])+)*")


def key_of(word: str) -> str:
    """Letters and digits of `word`, lower case, without accents' encoding differences."""
    return "".join(c for c in unicodedata.normalize("NFKC", word).lower() if c.isalnum())


def written_words(text: str) -> list[Written]:
    """The words of a text: runs of letters, digits and inner apostrophes; in Chinese every character."""
    return [Written(key_of(m[0]), m.start(), m.end()) for m in _WRITTEN_WORD.finditer(text)]


def find_back(read: Sequence[str], written: Sequence[Written], at: int = 0) -> list[tuple[int, int]]:
    """Where each word that is read out was written.

    Args:
        read: keys of the words as they are read ("seven", "thirty", "pm").
        written: the text's own words, in order ("7", "30", "pm").
        at: place to give words for which nothing is written.

    Returns: for each word read, `(start, end)` code points; non-decreasing. Where several words stand for several
    others, all get the span of the whole group.
    """
    spans: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, [w.key for w in written], list(read), autojunk=False)
    for _, a1, a2, b1, b2 in matcher.get_opcodes():
        if a2 - a1 == b2 - b1:
            spans += [(w.start, w.end) for w in written[a1:a2]]
        elif b1 == b2:
            continue
        elif a1 == a2:  # read, but not written: belongs to the word before, or to the first
            near = spans[-1] if spans else (written[0].start, written[0].end) if written else (at, at)
            spans += [near] * (b2 - b1)
        else:
            spans += [(written[a1].start, written[a2 - 1].end)] * (b2 - b1)
    return spans
