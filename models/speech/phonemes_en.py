"""English letters → the phonemes Kokoro was trained on (misaki's alphabet), by hibari's phonemizer.

Fiction is written in ways a dictionary does not expect: words in capitals for emphasis, dashes for interruptions,
"N-no", "Nooo", "B----", elided dialect. They are mended here before the phonemizer sees them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from models.speech.phonemes import PAUSES, Spoken, find_back, key_of, written_words

_RESPELL = json.loads((Path(__file__).parents[1] / "data/respell_en.json").read_text(encoding="utf-8"))
_WORDS: dict[str, str] = _RESPELL["words"]
_ACRONYMS = frozenset(_RESPELL["acronyms"])
# British symbols of the respellings → American ones (misaki's EN_PHONES.md: Q/O, long vowels have no ː in American).
_TO_AMERICAN = str.maketrans({"Q": "O", "ː": None})
_TO_BRITISH = str.maketrans({"O": "Q", "æ": "a"})

_BLANK_NAME = re.compile(r"\b([A-Z])(?:-{2,}|—+|_{2,}|–{2,})(?!\w)")  # "to B----": the author hides a name
_DASHES = re.compile(r"\s*(?:-{2,}|—+|―+|–(?=\s)|(?<=\s)–)")
_DOTS = re.compile(r"(?:\.\s?){2,}\.|…+|\.{2}(?!\.)")
_LONG = re.compile(r"([A-Za-z])\1{2,}")
_STUTTER = re.compile(r"\b([A-Za-z]{1,2})((?:-\1)*)-(?=(\1[A-Za-z']*))", re.IGNORECASE)
_CAPITALS = re.compile(r"\b[A-Z][A-Z'’]*[A-Z]\b")
_ELIDED = re.compile(r"['‘’]?[A-Za-z]+(?:['’][A-Za-z]+)*['’]?")
_MARKS = str.maketrans({"[": "(", "]": ")", "{": "(", "}": ")", "*": " ", "_": " ", "‘": "'", "’": "'", "´": "'", "`": "'"})  # fmt: skip
_SPEECH_MARKS = re.compile(r"[\"“”„«»‹›()]")
_CONSONANTS = re.compile(r"^[ˈˌ]*([bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ]+)")


@cache
def _phonemizer(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)


def _is_word(british: bool, word: str) -> bool:
    lexicon = _phonemizer(british).lexicon
    return word in lexicon.golds or word in lexicon.silvers


def _shorter(match: re.Match[str], british: bool) -> str:
    """Nooo → No, Sooo → So, Hmmm → hmm: the longest known spelling of a drawn-out word."""
    word = match[0]
    for times in (2, 1):
        short = _LONG.sub(r"\1" * times, word)
        if short.lower() in _WORDS or _is_word(british, short.lower()):
            return short
    return _LONG.sub(r"\1\1", word)


def _lowered(text: str, british: bool) -> str:
    """Capitals for emphasis → small letters, or the phonemizer spells them out; acronyms stay."""
    shouting = text.upper() == text

    def lower(match: re.Match[str]) -> str:
        word = match[0]
        small = word.lower().replace("’", "'")
        if word in _ACRONYMS or (word == "US" and text[: match.start()].endswith("the ")):
            return word
        if not (_is_word(british, small) or small in _WORDS or "'" in small):
            return word.capitalize() if shouting and len(word) > 4 else word
        starts = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".!?"
        return small.capitalize() if starts else small

    return _CAPITALS.sub(lower, text)


def tidy(text: str, british: bool) -> str:
    """The text as the phonemizer reads it best; words keep their order."""
    text = _BLANK_NAME.sub(r"\1", text.translate(str.maketrans({"\u00ad": None, "\u200b": None})))
    text = _DOTS.sub("… ", _DASHES.sub("— ", text)).translate(_MARKS)
    text = re.sub(r"[A-Za-z]*([A-Za-z])\1{2,}[A-Za-z]*", lambda m: _shorter(m, british), text)
    text = _lowered(text, british)
    text = re.sub(r"([!?])[!?]*", lambda m: "?" if "?" in m[0] else m[1], text)
    return _ELIDED.sub(lambda m: _respelled(m, british), text)


def _respelled(match: re.Match[str], british: bool) -> str:
    """Dialect words with known respellings; quotation marks that only look like an apostrophe stay outside."""
    word = match[0].lower().replace("’", "'")
    for candidate, before, after in (
        (word, "", ""),
        (word.lstrip("'"), match[0][:1], ""),
        (word.rstrip("'"), "", match[0][-1:]),
        (word.strip("'"), match[0][:1], match[0][-1:]),
    ):
        value = _WORDS.get(candidate)
        if value is None:
            continue
        before, after = (m if m in "'‘’" else "" for m in (before, after))
        if value.startswith("/"):
            value = f"[{candidate}]({value.translate(_TO_BRITISH if british else _TO_AMERICAN)})"
        return f"{before}{value}{after}"
    return match[0]


def _stutters(text: str, british: bool) -> str:
    """W-w-what → the word's own first consonants, not names of letters."""

    def sounds(match: re.Match[str]) -> str:
        first = _CONSONANTS.match(_phonemizer(british)(match[3]))
        if first is None:
            return match[0]
        times = 1 + len(match[2]) // (len(match[1]) + 1)
        return f"[{match[1]}](/{first[1]}ə/) " * times

    return _STUTTER.sub(sounds, text)


def _normal(text: str) -> str:
    """hibari's own normalisation (numbers, dates, units), kept away from phonemes that are already given."""
    from hibari.g2p import LINK_RE
    from hibari.g2p.normalize import normalize

    given = [m[0] for m in LINK_RE.finditer(text)]
    plain = LINK_RE.sub("\ue000", text)  # a private-use character stands for each
    out = normalize(plain)
    for link in given:
        out = out.replace("\ue000", link, 1)
    return out


def _pronounced(tokens: list[Any], pronunciation: dict[str, str]) -> None:
    """Sets the phonemes of words (or runs of words) that the request pronounces itself."""
    wanted = {
        tuple(key_of(p) for p in re.split(r"[\s-]+", w) if key_of(p)): p for w, p in pronunciation.items()
    }
    keys = [key_of(t.text) for t in tokens]
    spoken = [i for i, k in enumerate(keys) if k]
    for here, first in enumerate(spoken):
        for words, phonemes in wanted.items():
            run = spoken[here : here + len(words)]
            if words and tuple(keys[i] for i in run) == words:
                for i in range(run[0], run[-1] + 1):
                    tokens[i].phonemes, tokens[i].rating = ("", 5)
                tokens[first].phonemes = phonemes
                if run[-1] + 1 < len(tokens) and tokens[run[-1] + 1].text.lower() in ("'s", "’s"):
                    tokens[run[-1] + 1].phonemes = _genitive(phonemes)


def _genitive(phonemes: str) -> str:
    if phonemes[-1:] in "szʃʒʧʤ":
        return "ɪz"
    return "s" if phonemes[-1:] in "ptkfθ" else "z"


def english(text: str, british: bool, pronunciation: dict[str, str] | None = None) -> list[Spoken]:
    """English text → what is spoken, in order.

    Args:
        text: one line, any Unicode; characters without a reading are left out.
        british: British or American dictionary.
        pronunciation: word (or words) → phonemes, compared without case and punctuation.
    """
    g2p = _phonemizer(british)
    tokens = g2p.tokenize(_normal(_stutters(tidy(text, british), british)))
    if pronunciation:
        _pronounced(tokens, pronunciation)
    tokens = [t for t in g2p.phonemize_tokens(tokens) if t.phonemes or t.whitespace]
    units: list[tuple[str | None, str, bool]] = []  # key (None for punctuation), symbols, space
    for token in tokens:
        symbols = _SPEECH_MARKS.sub("", token.phonemes or "")
        is_word = bool(symbols.strip(f" {PAUSES}"))
        units.append((key_of(token.text) if is_word else None, symbols, bool(token.whitespace)))
    spans = iter(find_back([k for k, _, _ in units if k is not None], written_words(text), len(text)))
    out: list[Spoken] = []
    for key, symbols, space in units:
        start, end = (0, 0) if key is None else next(spans)
        out.append(Spoken(symbols, start, end, space))
    return out
