"""What goes into a chapter's mix and what comes out, and the one error it raises."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from story.errors import SoundboundError
from story.timeline import Timeline

AudioFormat = Literal["flac", "wav", "mp3", "opus", "m4a"]
ProfileName = Literal["drama", "podcast", "broadcast", "acx"]
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
    music: Path | Literal["generated"] = "generated"  # what the timeline's music segments play


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


class StemLevel(BaseModel):
    """Of one stem at the level it has in the master."""

    stem: str
    integrated_lufs: float | None  # None: nothing loud enough to measure
    short_term_max_lufs: float | None
    lra_lu: float
    share_of_time: float  # in which it is above -70 LUFS


class Overview(BaseModel):
    """Curves with one value every `step_s`: the master's peaks and loudness, and the gain of bed and effect buses."""

    step_s: float = 0.1
    peaks: list[float] = []  # largest magnitude, 0..1
    short_term_lufs: list[float | None] = []  # of the 3 s that end there
    bed_duck_db: list[float] = []  # ≤ 0, lowest within the step
    effect_duck_db: list[float] = []
    stems: list[StemLevel] = []


class Check(BaseModel):
    """One figure that the profile's taker asks for."""

    name: str  # with its unit: noise_floor_dbfs
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


class MixReport(BaseModel):
    """What a mix measured, as a chapter's report keeps it."""

    target_lufs: float | None  # of the master; None where the profile asks for RMS
    ceiling_dbtp: float
    master_gain_db: float  # master = gain · Σ stems, except where the limiter worked
    asked_gain_db: float | None = None  # of a book: the gain before what the limiter took was made up
    limited_share: float  # share of 10 ms cells the limiter touched
    lines_reused: int = 0  # takes whose processing was found in the cache
    speakers: list[SpeakerLevel]
    lines: list[LineLevel]
    worst_speech_to_bed: LineLevel | None
    overview: Overview
    checks: list[Check] = []  # what the profile's taker asks for, measured on the master


class MixResult(MixReport):
    master: Path
    stems: dict[str, Path]
    energies: Path  # kept mean squares of 100 ms, for a book's one gain
    duration_s: float
    loudness: Loudness
    warnings: list[str] = []
