"""Where a long line is cut, because a model reads a few hundred phonemes at once and reads best a sentence or two."""

from __future__ import annotations

from collections.abc import Callable

from models.speech.phonemes import Spoken

_SENTENCE, _CLAUSE, _COMMA, _WORD = range(4)


def strength(spoken: Spoken) -> int:
    """How good a place to cut is after `spoken`; smaller is better."""
    if spoken.is_word:
        return _WORD
    marks = set(spoken.symbols)
    if marks & set(".!?…"):
        return _SENTENCE
    return _CLAUSE if marks & set(";:—") else _COMMA


def _cut(line: list[Spoken], size: Callable[[Spoken], int], most: int, level: int) -> list[list[Spoken]]:
    """Cuts at places of `level`, and only pieces still longer than `most` at the next weaker level."""
    pieces: list[list[Spoken]] = [[]]
    for spoken in line:
        pieces[-1].append(spoken)
        if strength(spoken) <= level and spoken.space:
            pieces.append([])
    out: list[list[Spoken]] = []
    for piece in pieces:
        if sum(map(size, piece)) <= most:
            out.append(piece)
        elif level < _WORD:
            out += _cut(piece, size, most, level + 1)
        else:  # one word longer than the model can read
            out.append(piece)
    return [p for p in out if p]


def chunks(line: list[Spoken], size: Callable[[Spoken], int], good: int, most: int) -> list[list[Spoken]]:
    """Cuts a line into pieces to be read at one go.

    Args:
        line: what is spoken, in order.
        size: tokens of one unit, the space after it included.
        good: pieces are filled with whole sentences up to this many tokens.
        most: a sentence longer than this is cut at clauses, then commas, then words.

    Returns: non-empty pieces; their concatenation is the line.
    """
    out: list[list[Spoken]] = []
    for piece in _cut(line, size, most, _SENTENCE):
        if out and sum(map(size, out[-1])) + sum(map(size, piece)) <= good:
            out[-1] += piece
        else:
            out.append(list(piece))
    return out
