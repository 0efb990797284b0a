"""The table of everything the procedural engine can play, filled by decorators where each sound is built.

A bed is painted on a circle: `(rng, n) -> (2, n)` whose end runs into its beginning, so it loops anywhere.
An effect is `(rng, duration_s) -> (2, m)` that starts at once and dies away. Both are raw levels: the engine
finishes them (loudness, peaks, fades).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
BedMaker = Callable[[Rng, int], np.ndarray]
EffectMaker = Callable[[Rng, float], np.ndarray]

BEDS: dict[str, BedMaker] = {}
EFFECTS: dict[str, EffectMaker] = {}
OVERHANG_S: dict[str, float] = {}  # how long a sound may ring on past the requested duration


def bed(sound: str) -> Callable[[BedMaker], BedMaker]:
    """Register the maker of bed `sound` (an id of story/data/sounds.json)."""

    def keep(make: BedMaker) -> BedMaker:
        if sound in BEDS:
            raise ValueError(f"bed {sound!r} is made twice")
        BEDS[sound] = make
        return make

    return keep


def effect(sound: str, overhang_s: float = 0.0) -> Callable[[EffectMaker], EffectMaker]:
    """Register the maker of effect `sound`; its tail may last `overhang_s` longer than requested."""

    def keep(make: EffectMaker) -> EffectMaker:
        if sound in EFFECTS:
            raise ValueError(f"effect {sound!r} is made twice")
        EFFECTS[sound] = make
        OVERHANG_S[sound] = overhang_s
        return make

    return keep
