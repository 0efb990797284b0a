"""Mixing: takes and a timeline in, a mastered chapter and its stems out."""

from mixing.contracts import AudioFormat, LineLevel, Loudness, MixError, MixInputs, MixResult, SpeakerLevel
from mixing.engine import mix_chapter
from mixing.profiles import Profile, load_profile, profile_names

__all__ = [
    "AudioFormat",
    "LineLevel",
    "Loudness",
    "MixError",
    "MixInputs",
    "MixResult",
    "Profile",
    "SpeakerLevel",
    "load_profile",
    "mix_chapter",
    "profile_names",
]
