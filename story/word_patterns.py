"""English patterns of the lexicons, matched word by word: made in microseconds, where a regular expression of hundreds
of words takes milliseconds to compile.

The language: words separated by spaces:
  `door` a word · `slam!` a verb in all its forms · `door+` a noun, singular or plural · `$set` a named set
  `a|b!|$c` any of them · `up_and_down` several words as one · `?word` optional · `@` a capitalised word · `*ly` any
  word in -ly
  `[…]` the words that are the sound · `~3` up to three words within the clause · `~,9` also over commas and "and"
Upper and lower case are one, so are ' and ’. A pattern begins and ends with whole words, but may begin after a hyphen.
Of what may match at one place, the first alternative, the smallest gap and the optional word are preferred, in that
order of standing in the pattern (backtracking).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from story.lexicon import Hit, load_data
from story.word_tokens import BLANKS, Token, Words, is_special, token_of, words_of

_GAP_WORD = re.compile(r"\w[\w'’-]*")
_INSIDE = re.compile(r"[\w’'-]")
_GOES_ON = re.compile(r"[\w’']|-\w")


@cache
def _gap_stops() -> frozenset[str]:
    """A gap stays within a clause: these words open another one."""
    return frozenset(load_data("word_patterns_en")["gap_stops"])


@dataclass(frozen=True)
class _Step:
    token: Token
    gap: int  # words that may stand before it
    gap_over_commas: bool
    loose: bool  # a comma or a dash may part it from the word before
    optional: bool
    opens: bool  # first of the words that are the sound
    closes: bool


class EnglishPattern:
    """One pattern, ready to be looked for."""

    def __init__(self, pattern: str, lexicon: str) -> None:
        tokens = pattern.split()
        if "[" in tokens or "]" in tokens:
            raise ValueError(f"{pattern!r}: a bracket stands at a word, without a blank")
        first = next((i for i, token in enumerate(tokens) if token.startswith("[")), -1)
        last = max((i for i, token in enumerate(tokens) if token.endswith("]")), default=-1)
        steps: list[_Step] = []
        gap, loose, gap_over_commas = -1, False, False
        for i, token in enumerate(tokens):
            token = token.removeprefix("[").removesuffix("]")
            if token.startswith("~"):
                if gap >= 0 or not steps:
                    raise ValueError(f"{pattern!r}: a gap stands between two words")
                gap, loose = int(token.lstrip("~,")), token.startswith("~,")
                gap_over_commas = loose
                continue
            optional = token.startswith("?")
            word = token_of(token.removeprefix("?"), lexicon)
            steps.append(_Step(word, max(gap, 0), gap_over_commas, loose, optional, i == first, i == last))
            gap, gap_over_commas, loose = -1, False, loose and optional
        self._steps = tuple(steps)
        self._anchored = first >= 0

    def finditer(self, text: str, low: int = 0, high: int | None = None) -> Iterator[Hit]:
        """Every place in `text[low:high]`, without overlaps; what stands before `low` is looked at, not what follows."""
        limit = len(text) if high is None else min(high, len(text))
        if 0 < limit < len(text) and _INSIDE.match(text[limit]) and _INSIDE.match(text[limit - 1]):
            text = text[:limit]  # a word cut in two ends here
        words = words_of(text)
        for begin in self._begins(words, low, limit):
            if begin < low:
                continue
            span = [begin, -1]
            end = self._first(words, 0, begin, limit, span)
            if end >= 0:
                yield Hit(begin, end, span[0], span[1]) if self._anchored else Hit(begin, end, begin, end)
                low = end

    def search(self, text: str, low: int = 0, high: int | None = None) -> Hit | None:
        return next(self.finditer(text, low, high), None)

    def _begins(self, words: Words, low: int, limit: int) -> Iterable[int]:
        first = self._steps[0]
        if first.optional or first.token.odd:
            others = [tail.piece[0] for tail in first.token.odd if not is_special(tail.piece)]
            begins = words.free[bisect_left(words.free, low) :]
            if others:
                more = (i for i in range(low, limit) if words.plain[i] in others)
                free = (i for i in more if i == 0 or not _GOES_ON.match(words.text[i - 1]))
                return sorted({*begins, *free})
            return begins
        starts, by_run = words.starts, first.token.by_run
        few, many = (starts, by_run) if len(starts) < len(by_run) else (by_run, starts)
        found = [starts[run] for run in few if run in many]
        if not found:
            return ()
        every = found[0] if len(found) == 1 else sorted(begin for begins in found for begin in begins)
        return (begin for begin in every if low <= begin < limit)

    def _first(self, words: Words, i: int, at: int, limit: int, span: list[int]) -> int:
        """Steps from i, the first of them exactly at `at`."""
        step = self._steps[i]
        for end in step.token.ends(words, at, limit):
            if step.optional and i + 1 < len(self._steps):
                blanks = BLANKS.match(words.text, end, limit)
                stop = -1 if blanks is None else self._first(words, i + 1, blanks.end(), limit, span)
            else:
                stop = self._from(words, i + 1, end, 0, limit, span)
            if stop >= 0:
                if step.opens:
                    span[0] = at
                if step.closes:
                    span[1] = end
                return stop
        return (
            self._first(words, i + 1, at, limit, span) if step.optional and i + 1 < len(self._steps) else -1
        )

    def _from(self, words: Words, i: int, at: int, passed: int, limit: int, span: list[int]) -> int:
        """Steps from i after a word that ends at `at` and `passed` words of the step's gap; the end, or -1."""
        if i == len(self._steps):
            return at if at >= limit or _GOES_ON.match(words.text, at, limit) is None else -1
        step = self._steps[i]
        blanks = BLANKS.match(words.text, at, limit)
        after = -1 if blanks is None else blanks.end()
        strict = (after,) if after >= 0 else ()
        for begin in _loose(words.text, at, limit) if step.loose else strict:
            for end in step.token.ends(words, begin, limit):
                stop = self._from(words, i + 1, end, 0, limit, span)
                if stop >= 0:
                    if step.opens:
                        span[0] = begin
                    if step.closes:
                        span[1] = end
                    return stop
        if step.optional and (stop := self._from(words, i + 1, at, 0, limit, span)) >= 0:
            return stop
        if passed == step.gap or after < 0:
            return -1
        return self._over(words, i, after, passed, limit, span)

    def _over(self, words: Words, i: int, at: int, passed: int, limit: int, span: list[int]) -> int:
        """Steps from i with one more word in the gap, which begins at `at`."""
        over_commas = self._steps[i].gap_over_commas
        run = words.runs.get(at)
        if run is None or (run[0] in _gap_stops() and not over_commas):
            return -1
        word = _GAP_WORD.match(words.text, at, limit)
        if word is None:
            return -1
        end = word.end()
        stop = self._from(words, i, end, passed + 1, limit, span)
        if over_commas:
            while stop < 0 and (end := words.text.rfind("-", at + 1, end)) >= 0:
                stop = self._from(words, i, end, passed + 1, limit, span)
        return stop


def _loose(text: str, at: int, limit: int) -> tuple[int, ...]:
    """Where a word may begin after one that ends at `at`, over a comma, a colon or a dash too."""
    if at >= limit:
        return ()
    if text[at] == "-":
        return (at + 2, at + 1) if at + 1 < limit and text[at + 1] == "-" else (at + 1,)
    if text[at] in "—–":
        return (at + 1,)
    blanks = BLANKS.match(text, at + (text[at] in ",:"), limit)
    return () if blanks is None else (blanks.end(),)


@cache
def english(pattern: str, lexicon: str = "cues_en") -> EnglishPattern:
    """A pattern made ready, once."""
    return EnglishPattern(pattern, lexicon)
