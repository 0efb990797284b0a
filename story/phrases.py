"""Words and phrases found by their first word.

Instead of one great regular expression: that takes long to compile, and is tried at every place of a text. This is one
look into a table a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LETTERS = re.compile(r"[A-Za-zÀ-ɏ]+")  # the lexicons are English
_NEXT_LETTERS = re.compile(r"\s+([A-Za-zÀ-ɏ]+)")


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
            if stop == end or not is_word_character(text[stop]):
                yield stop


def is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"
