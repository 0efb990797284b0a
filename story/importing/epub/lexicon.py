"""Pronunciation that a book brings: PLS lexicons. (ssml:ph attributes are read with the text, in document.py.)"""

from __future__ import annotations

from story.importing.epub.archive import Archive
from story.importing.markup import decode_markup, tokens

MAX_ENTRIES = 20_000


def read_lexicon(archive: Archive, name: str) -> tuple[dict[str, str], str]:
    """(grapheme → phonemes, alphabet) of a PLS file."""
    raw = archive.read(name)
    if not raw:
        return {}, ""
    found: dict[str, str] = {}
    alphabet = ""
    graphemes: list[str] = []
    parts: list[str] = []
    for token in tokens(decode_markup(raw, archive.where)):
        if token.kind == "text":
            parts.append(token.text)
        elif token.kind == "start":
            parts = []
            if token.name == "lexicon":
                alphabet = token.attributes.get("alphabet", "ipa")
            elif token.name == "lexeme":
                graphemes = []
        elif token.name == "grapheme":
            graphemes.append(" ".join("".join(parts).split()))
        elif token.name == "phoneme" and len(found) < MAX_ENTRIES:
            phonemes = " ".join("".join(parts).split())
            for grapheme in graphemes:
                if grapheme and phonemes:
                    found.setdefault(grapheme, phonemes)
    return found, alphabet
