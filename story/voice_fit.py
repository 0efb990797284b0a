"""What makes a voice fit a character: costs, the lowest wins. Every figure is a judgement, and they are all here.

The ladder, dearest first: a main character never shares a voice (10,000); nobody speaks with the wrong gender while
another of the right one could be shared (1,000); a grown-up never has a child's voice (700); two who talk with one
another do not share (650); a child has a child's voice; minor ones share only when voices run out (200); age fits
(45 a step); main characters lie far apart in pitch (10 a semitone, to 7 semitones, where listeners no longer confuse).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from story.novel import Age, Gender

if TYPE_CHECKING:
    from story.cast import Voice

SHARE_WITH_MAIN = 10_000.0
WRONG_GENDER = 1_000.0
DOUBTFUL_GENDER = 50.0  # against a gender that was only tossed for
CHILD_VOICE_FOR_ADULT = 700.0
MISFIT = CHILD_VOICE_FOR_ADULT  # from this cost on, listeners are told
SHARE, SAME_CHAPTER, CONVERSING = 200.0, 150.0, 300.0
AGE_STEP = 45.0
PITCH_GAIN, PITCH_ENOUGH_ST = 10.0, 7.0
NO_NARRATOR, NARRATOR_RANK = 400.0, 100.0

_STEPS: dict[Age, int] = {"young": 0, "adult": 1, "old": 2}
# Women voice boys on stage and in dubbing; a man's voice suits a child least.
_CHILD: dict[tuple[Age, Gender], float] = {
    ("young", "female"): 120.0,
    ("adult", "female"): 160.0,
    ("young", "neutral"): 130.0,
    ("adult", "neutral"): 170.0,
    ("young", "male"): 200.0,
    ("adult", "male"): 300.0,
}


@dataclass(frozen=True)
class Wanted:
    """What a character needs of a voice."""

    gender: Gender
    sure: bool  # the gender is known, not tossed for
    age: Age
    narrator: bool
    main: bool


def fit_cost(wanted: Wanted, voice: Voice) -> float:
    """How badly gender, age and role fit, 0 for a perfect voice."""
    if wanted.narrator:
        rank = NO_NARRATOR * 5 if voice.narrator_rank is None else NARRATOR_RANK * (voice.narrator_rank - 1)
        child = CHILD_VOICE_FOR_ADULT * 3 if voice.age == "child" and wanted.age != "child" else 0.0
        return rank + child + (_gender_cost(wanted, voice) * 3 if wanted.sure else 0.0)
    if wanted.age == "child":
        if voice.age == "child":
            return 60.0 if {wanted.gender, voice.gender} == {"female", "male"} else 0.0
        same = 30.0 if wanted.gender != voice.gender else 0.0
        return _CHILD.get((voice.age, voice.gender), 400.0) + same
    if voice.age == "child":
        return CHILD_VOICE_FOR_ADULT + _gender_cost(wanted, voice)
    step = _STEPS.get(voice.age, 1)
    if wanted.age == "unknown":  # most people in books are adults
        age = {0: 5.0, 1: 0.0, 2: 25.0}[step]
    else:
        age = AGE_STEP * abs(step - _STEPS[wanted.age])
    return age + _gender_cost(wanted, voice)


def _gender_cost(wanted: Wanted, voice: Voice) -> float:
    if wanted.gender == voice.gender or wanted.gender == "unknown":
        return 0.0
    if "neutral" in (wanted.gender, voice.gender) or voice.gender == "unknown":
        return 20.0
    return WRONG_GENDER if wanted.sure else DOUBTFUL_GENDER


def meeting_cost(*, main: bool, near: bool, same_chapter: bool, heard: bool) -> float:
    """What it costs that two characters share a voice. Free where one of them never speaks."""
    if not heard:
        return 1.0
    if main:
        return SHARE_WITH_MAIN
    return SHARE + SAME_CHAPTER * same_chapter + CONVERSING * near


@lru_cache(maxsize=65536)  # a book of 2,000 speakers asks a million times
def semitones(a_hz: float, b_hz: float) -> float:
    """The distance of two pitches; 0 where one is not known."""
    return abs(12 * math.log2(a_hz / b_hz)) if a_hz > 0 and b_hz > 0 else 0.0


def best_voice(
    wanted: Wanted, voices: Sequence[Voice], sharing: dict[str, float], heard: Sequence[tuple[Voice, float]]
) -> Voice:
    """The voice of least cost.

    Args:
        sharing: by voice id, what sharing it with its present users costs.
        heard: voices given already, with how much it matters to differ from them (0..1).
    """

    def too_close(voice: Voice) -> float:
        gaps = [
            w * max(0.0, PITCH_ENOUGH_ST - semitones(voice.pitch_hz, other.pitch_hz)) for other, w in heard
        ]
        return PITCH_GAIN * max(gaps, default=0.0) * (1.0 if wanted.main else 0.4)

    def cost(voice: Voice) -> tuple[float, str]:
        near = 0.0 if wanted.narrator else too_close(voice)
        return fit_cost(wanted, voice) + sharing[voice.id] + near, voice.id

    return min(voices, key=cost)
