"""What goes into a chapter's mix and what comes out, and the one error it raises."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from story.errors import SoundboundError
from story.timeline import Timeline

AudioFormat = Literal["flac", "wav", "mp3"]
SAMPLE_RATE_HZ = 48_000
STEMS = ("dialogue", "environment", "effects")


class MixError(SoundboundError):
    """A take that can't be used or an output that can't be written; `where` names the file."""


class MixInputs(BaseModel):
    """Takes by the id of the timeline's segment. Any rate and channel count soundfile reads; files may be shared.

    An id without a take is a silent gap of the timeline's length and a warning; a take that is there but damaged
    is an error.
    """

    timeline: Timeline
    dialogue: dict[str, Path] = {}
    beds: dict[str, Path] = {}
    effects: dict[str, Path] = {}


class Loudness(BaseModel):
    """BS.1770-4 and EBU Tech 3342 measures; None where there is nothing above the absolute gate."""

    integrated_lufs: float | None
    true_peak_dbtp: float
    lra_lu: float
    short_term_max_lufs: float | None


class SpeakerLevel(BaseModel):
    speaker: str
    lines: int
    takes_lufs: float  # speech-gated level of the takes as they came
    mixed_lufs: float  # the same in the master, intent offsets included


class LineLevel(BaseModel):
    segment: str
    speaker: str
    mixed_lufs: float  # speech-gated level in the master
    correction_db: float  # against the speaker's common gain
    intent_db: float
    bed_duck_db: float
    effects_duck_db: float
    speech_to_bed_lu: float | None  # None without a bed under the line


class MixResult(BaseModel):
    master: Path
    stems: dict[str, Path]
    duration_s: float
    loudness: Loudness
    master_gain_db: float  # master = gain · Σ stems, except where the limiter worked
    limited_share: float  # share of 10 ms cells the limiter touched
    lines_reused: int = 0  # takes whose processing was found in the cache
    speakers: list[SpeakerLevel]
    lines: list[LineLevel]
    worst_speech_to_bed: LineLevel | None
    warnings: list[str] = []
