"""A book's own IPA in the notation that English speech models of the Kokoro family read (misaki's phoneme set).

Sources: the phoneme list of misaki's English documentation (EN_PHONES.md): one letter for each diphthong and affricate.
"""

from __future__ import annotations

_ONE_LETTER = [
    ("t͡ʃ", "ʧ"), ("d͡ʒ", "ʤ"), ("tʃ", "ʧ"), ("dʒ", "ʤ"),
    ("eɪ", "A"), ("eI", "A"), ("aɪ", "I"), ("aʊ", "W"), ("oʊ", "O"), ("əʊ", "O"), ("ɔɪ", "Y"),
    ("ɚ", "əɹ"), ("ɝ", "ɜɹ"), ("ɫ", "l"), ("r", "ɹ"), ("g", "ɡ"), ("ɐ", "ə"), ("e", "ɛ"), ("o", "O"), ("a", "ɑ"), ("ɒ", "ɑ"),
    ("ː", ""), (":", ""), (".", ""), ("'", "ˈ"), ("ʰ", ""), ("͡", ""), ("̩", ""),
]  # fmt: skip
_KNOWN = frozenset("AIOWYbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹʃʊʌʒʤʧˈˌθᵊᵻɾʔ ")


def english_phonemes(ipa: str) -> str | None:
    """`ipa` in that notation; None if it has sounds that English has not."""
    text = ipa.strip().strip("/[]")
    for written, letter in _ONE_LETTER:
        text = text.replace(written, letter)
    return text if text and set(text) <= _KNOWN else None
