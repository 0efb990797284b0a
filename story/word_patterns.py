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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from story.lexicon import Hit, lexicon_sets, noun_forms, verb_forms

_MANY = 6  # plain words, from which on the longest is preferred, however they stand in the pattern
# A gap stays within a clause: these words open another one.
_GAP_STOPS = frozenset(
    [
        "and",
        "but",
        "or",
        "as",
        "when",
        "while",
        "then",
        "than",
        "that",
        "which",
        "who",
        "whom",
        "whose",
        "where",
        "if",
        "until",
        "till",
        "because",
        "for",
        "so",
        "before",
        "after",
        "like",
    ]
)
# Capitalised at the start of a sentence, but nobody's name.
_NO_NAMES = frozenset(
    [
        "It",
        "Its",
        "The",
        "This",
        "That",
        "These",
        "Those",
        "There",
        "Then",
        "Thus",
        "When",
        "As",
        "And",
        "But",
        "So",
        "Now",
        "His",
        "Her",
        "My",
        "Their",
        "Our",
        "Your",
        "In",
        "On",
        "At",
        "An",
        "If",
        "To",
        "Of",
        "Or",
        "For",
        "With",
        "By",
        "From",
        "After",
        "Before",
        "While",
        "Not",
        "No",
        "Nor",
        "What",
        "Which",
        "Where",
        "How",
        "Why",
        "Down",
        "Up",
        "Out",
        "Over",
        "Here",
        "Some",
        "Such",
        "All",
        "Once",
        "Only",
        "Still",
        "Even",
        "Yet",
        "Just",
        "Again",
        "Also",
        "Through",
        "Upon",
        "Under",
        "Above",
        "Along",
        "Across",
        "Into",
        "Away",
        "Back",
        "Two",
        "Three",
        "Four",
        "Five",
        "Ten",
        "Every",
        "Each",
        "Nothing",
        "Something",
    ]
)
_RUN = re.compile(r"\w+")
_GAP_WORD = re.compile(r"\w[\w'’-]*")
_NAME = re.compile(r"[A-Z][\w'’]+")
_BLANKS = re.compile(r"[ \n]+")
_INSIDE = re.compile(r"[\w’'-]")
_GOES_ON = re.compile(r"[\w’']|-\w")
# Letters of another case than `lower` finds.
_CASE = str.maketrans("ſıİ’", "sii'")

_NAME_PIECE, _LY_PIECE = "@", "*ly"


class Words:
    """A text with its words: runs of letters and digits by where they begin."""

    __slots__ = ("free", "plain", "runs", "starts", "text")

    def __init__(self, text: str) -> None:
        lowered = text.lower()
        if len(lowered) != len(text):
            lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        self.text = text
        self.plain = lowered.translate(_CASE)
        self.runs: dict[int, tuple[str, int]] = {}  # begin -> word, end
        self.starts: dict[str, list[int]] = {}  # word -> where a pattern may begin with it
        self.free: list[int] = []  # all of these
        for run in _RUN.finditer(self.plain):
            begin, word = run.start(), run[0]
            self.runs[begin] = (word, run.end())
            if begin == 0 or self.plain[begin - 1] != "'":
                self.starts.setdefault(word, []).append(begin)
                self.free.append(begin)


@lru_cache(maxsize=64)
def words_of(text: str) -> Words:
    return Words(text)


class _Spelling(NamedTuple):
    """One alternative of a token: literal pieces, or `@` and `*ly`, with blanks between."""

    pieces: tuple[str, ...]
    plain: bool  # letters only, each piece sure


class _Tail(NamedTuple):
    """What an alternative has after the run of letters it begins with."""

    order: int
    piece: str  # rest of its first piece; the whole one where it does not begin with a letter
    more: tuple[str, ...]


_SIMPLE = (_Tail(0, "", ()),)


@dataclass(frozen=True)
class Token:
    """One word of a pattern with all its alternatives."""

    by_run: dict[str, tuple[_Tail, ...]]
    odd: tuple[_Tail, ...]  # those that begin with no known letters

    def ends(self, words: Words, at: int, limit: int) -> Sequence[int]:
        """Where the token may end if it begins at `at`, the preferred end first."""
        found: list[tuple[int, int]] = []
        if (run := words.runs.get(at)) is not None and (tails := self.by_run.get(run[0])) is not None:
            end = run[1]
            if tails is _SIMPLE and not self.odd:
                return (end,) if end <= limit else ()
            for tail in tails:
                if (stop := _literal(words, end, tail.piece, limit)) >= 0:
                    stop = _pieces(words, stop, tail.more, limit)
                    if stop >= 0:
                        found.append((tail.order, stop))
        for tail in self.odd:
            stop = _piece(words, at, tail.piece, limit)
            if stop >= 0 and (stop := _pieces(words, stop, tail.more, limit)) >= 0:
                found.append((tail.order, stop))
        return tuple(end for _, end in sorted(found)) if len(found) > 1 else tuple(end for _, end in found)


def _literal(words: Words, at: int, piece: str, limit: int) -> int:
    end = at + len(piece)
    return end if end <= limit and words.plain.startswith(piece, at) else -1


def _piece(words: Words, at: int, piece: str, limit: int) -> int:
    if piece == _NAME_PIECE:
        name = _NAME.match(words.text, at, limit)
        return -1 if name is None or words.text[at : words.runs[at][1]] in _NO_NAMES else name.end()
    if piece == _LY_PIECE:
        word, end = words.runs.get(at, ("", -1))
        return end if word.endswith("ly") and len(word) > 2 and end <= limit else -1
    return _literal(words, at, piece, limit)


def _pieces(words: Words, at: int, pieces: tuple[str, ...], limit: int) -> int:
    for piece in pieces:
        blanks = _BLANKS.match(words.text, at, limit)
        at = -1 if blanks is None else _piece(words, blanks.end(), piece, limit)
        if at < 0:
            return -1
    return at


@cache
def spellings(token: str, lexicon: str) -> tuple[_Spelling, ...]:
    """A token's alternatives, the preferred ones first."""
    found = [spelling for part in token.split("|") for spelling in part_spellings(part, lexicon)]
    if len(found) >= _MANY and all(spelling.plain for spelling in found):
        found.sort(key=lambda spelling: -sum(map(len, spelling.pieces)))
    return tuple(found)


@cache
def part_spellings(part: str, lexicon: str) -> tuple[_Spelling, ...]:
    """What one of a token's parts (`door+`, `$person`, `up_and_down`) may be."""
    if "_" in part:
        return tuple(_joined(part.split("_"), lexicon))
    if part.startswith("$"):
        entries = lexicon_sets(lexicon)[part[1:]]
        return tuple(spelling for entry in entries for spelling in _joined(entry.split(" "), lexicon))
    if part in (_NAME_PIECE, _LY_PIECE):
        return (_Spelling((part,), False),)
    if part.endswith(("!", "+")):
        forms = verb_forms(part[:-1]) if part.endswith("!") else noun_forms(part[:-1])
        return tuple(_Spelling((form.lower(),), form.isalpha()) for form in forms)
    if "-" not in part:
        return (_Spelling((part.lower(),), part.isalpha()),)
    # "half-open" is also "half open" and "halfopen".
    first, *rest = part.lower().split("-")
    return tuple(
        _Spelling(
            (first + "".join(hyphen + word for hyphen, word in zip(hyphens, rest, strict=True)),), False
        )
        for hyphens in product(("-", " ", ""), repeat=len(rest))
    )


def _joined(words: Sequence[str], lexicon: str) -> Iterator[_Spelling]:
    options = [spellings(word, lexicon) for word in words]
    if len(options) == 1 and len(options[0]) == 1:
        yield options[0][0]
        return
    sure = all(len(option) == 1 for option in options)
    for chosen in product(*options):
        yield _Spelling(
            tuple(piece for spelling in chosen for piece in spelling.pieces),
            sure and all(spelling.plain for spelling in chosen),
        )


@cache
def token_of(token: str, lexicon: str) -> Token:
    by_run: dict[str, list[_Tail]] = {}
    odd: list[_Tail] = []
    for order, spelling in enumerate(spellings(token, lexicon)):
        first, *more = spelling.pieces
        run = _RUN.match(first)
        if run is None:
            odd.append(_Tail(order, first, tuple(more)))
        else:
            by_run.setdefault(run[0], []).append(_Tail(order, first[run.end() :], tuple(more)))
    return Token(
        {run: _SIMPLE if _only_run(tails) and not odd else tuple(tails) for run, tails in by_run.items()},
        tuple(odd),
    )


def _only_run(tails: list[_Tail]) -> bool:
    return all(not tail.piece and not tail.more for tail in tails)


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
            others = [tail.piece[0] for tail in first.token.odd if not _is_special(tail.piece)]
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
                blanks = _BLANKS.match(words.text, end, limit)
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
        blanks = _BLANKS.match(words.text, at, limit)
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
        if run is None or (run[0] in _GAP_STOPS and not over_commas):
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


def _is_special(piece: str) -> bool:
    return piece in (_NAME_PIECE, _LY_PIECE)


def _loose(text: str, at: int, limit: int) -> tuple[int, ...]:
    """Where a word may begin after one that ends at `at`, over a comma, a colon or a dash too."""
    if at >= limit:
        return ()
    if text[at] == "-":
        return (at + 2, at + 1) if at + 1 < limit and text[at + 1] == "-" else (at + 1,)
    if text[at] in "—–":
        return (at + 1,)
    blanks = _BLANKS.match(text, at + (text[at] in ",:"), limit)
    return () if blanks is None else (blanks.end(),)


@cache
def english(pattern: str, lexicon: str = "cues_en") -> EnglishPattern:
    """A pattern made ready, once."""
    return EnglishPattern(pattern, lexicon)
