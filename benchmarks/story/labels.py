"""When a cue is the one that a reader labelled."""

from __future__ import annotations

from story.lexicon import load_data

# Characters between a cue and the labelled words: an event is often told by several.
REACH = {"en": 40, "zh": 12}


def same_sound(sound: str, wanted: list[str], language: str) -> bool:
    families = load_data(f"cues_{language}")["families"]
    return any(
        sound == name or any(sound in family and name in family for family in families) for name in wanted
    )
