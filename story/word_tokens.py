"""Words of English text and words of patterns: what may stand for one word of a pattern, and where it ends in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from story.lexicon import lexicon_sets, load_data, noun_forms, verb_forms

_MANY = 6  # plain words, from which on the longest is preferred, however they stand in the pattern
_RUN = re.compile(r"\w+")
_NAME = re.compile(r"[A-Z][\w'’]+")
BLANKS = re.compile(r"[ \n]+")
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


@cache
def _no_names() -> frozenset[str]:
    return frozenset(load_data("word_patterns_en")["no_names"])


def _piece(words: Words, at: int, piece: str, limit: int) -> int:
    if piece == _NAME_PIECE:
        name = _NAME.match(words.text, at, limit)
        return -1 if name is None or words.text[at : words.runs[at][1]] in _no_names() else name.end()
    if piece == _LY_PIECE:
        word, end = words.runs.get(at, ("", -1))
        return end if word.endswith("ly") and len(word) > 2 and end <= limit else -1
    return _literal(words, at, piece, limit)


def _pieces(words: Words, at: int, pieces: tuple[str, ...], limit: int) -> int:
    for piece in pieces:
        blanks = BLANKS.match(words.text, at, limit)
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


def is_special(piece: str) -> bool:
    return piece in (_NAME_PIECE, _LY_PIECE)
