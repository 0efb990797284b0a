"""Delivery profiles and the laws of the mix, read from profiles.json.

A profile says how loud the master is; the laws say how the parts stand to each other (AUDIO: mixing laws). All
figures are data, so that a house style is a file and not a fork.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mixing.contracts import SAMPLE_RATE_HZ, AudioFormat
from story.errors import InputError


class Law(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompressorLaw(Law):
    at_lufs: float  # a take is brought to this level first, so that every line is compressed alike
    threshold_db: float
    ratio: float = Field(ge=1)
    attack_ms: float = Field(gt=0)
    release_ms: float = Field(gt=0)


class Intent(Law):
    """A manner of speaking with a loudness of its own."""

    level_db: float  # against the speaker's plain speech
    high_pass_hz: float
    wet_db: float = 0.0  # more or less of the room: a shout fills it
    words: list[str]  # of a segment's style


class DialogueLaw(Law):
    anchor_lufs: float  # speech level inside the mix and its stems (EBU R128 level: headroom for shouts)
    high_pass_hz: float
    edge_s: float  # sin² edges
    compressor: CompressorLaw
    line_correction: float = Field(
        ge=0, le=1
    )  # share of a line's deviation from its speaker that is taken away
    line_correction_max_db: float
    line_residual_max_db: float  # what may remain of the deviation
    intents: dict[str, Intent]
    peak_max_dbfs: float


class BedLaw(Law):
    below_dialogue_lu: float  # -32 LUFS against -18
    layers_max_db: float  # several layers of a scene are at most this much louder than the loudest of them
    high_pass_hz: float
    seam_s: float  # longest cross-fade between two pieces of a take
    piece_share: tuple[float, float]  # a piece's length, as a share of the take
    spread: float = Field(ge=0, lt=1)  # stereo width given to a mono take; 0 leaves it mono
    peak_max_dbfs: float
    floor_dbfs: float  # noise at 16-bit dither's level, so that a place without a bed is no digital silence


class EffectLaw(Law):
    below_dialogue_lu: float  # peak momentary loudness against the speech level
    high_pass_hz: float
    fade_in_s: float
    fade_out_s: float
    peak_max_dbfs: float
    pile_max_db: float  # several cues at once are at most this much louder than the loudest of them
    longest_tail_s: float  # a take longer than its cue by more than this is faded out
    end_fade_s: float  # what still rings at the chapter's end


class DuckingLaw(Law):
    """A trapezoid in dB round every line (AUDIO: ducking is automation, not a follower)."""

    speech_over_lu: float  # speech against the mean of what is under the line
    moment_over_lu: float  # speech against its loudest 400 ms
    margin_lu: float
    max_depth_db: float = Field(ge=0)
    lead_s: float = Field(ge=0)  # fully down this long before the line
    ramp_s: float = Field(gt=0)
    hold_s: float = Field(ge=0)
    release_s: float = Field(gt=0)
    bridge_s: float = Field(ge=0)  # gaps up to this stay down


class MusicLaw(Law):
    below_dialogue_lu: float  # where nobody speaks
    peak_max_dbfs: float


class Laws(Law):
    dialogue: DialogueLaw
    bed: BedLaw
    effect: EffectLaw
    bed_ducking: DuckingLaw
    music: MusicLaw
    music_ducking: DuckingLaw
    effect_ducking: DuckingLaw


class Codec(Law):
    kbits: int  # 0: lossless
    overshoot_db: (
        float  # by which decoded peaks usually pass those that were encoded: the first try allows for it
    )


class Profile(Law):
    """How loud a master is: by gated loudness, or by RMS where the taker asks for that."""

    name: str
    integrated_lufs: float | None = None
    rms_dbfs: float | None = None
    ceiling_dbtp: float
    lossy_ceiling_dbtp: float  # after decoding
    voice_only: bool = False  # no beds, effects or rooms
    formats: tuple[AudioFormat, ...] = get_args(
        AudioFormat
    )  # what the taker accepts; the first is the default
    delivered_hz: int = SAMPLE_RATE_HZ  # rate of the delivered file
    limits: dict[str, tuple[float | None, float | None]] = {}  # what the taker checks: least and most
    codecs: dict[AudioFormat, Codec]
    why: str = ""
    laws: Laws

    @model_validator(mode="after")
    def _one_target(self) -> Profile:
        if (self.integrated_lufs is None) == (self.rms_dbfs is None):
            raise ValueError("a profile has either integrated_lufs or rms_dbfs")
        return self

    def ceiling(self, audio_format: AudioFormat) -> float:
        """Highest true peak of the file as decoded, dBTP."""
        lossy = self.codecs[audio_format].kbits > 0
        return min(self.ceiling_dbtp, self.lossy_ceiling_dbtp) if lossy else self.ceiling_dbtp

    def rate_hz(self, audio_format: AudioFormat) -> int:
        """Of the file: the taker's in a format it accepts; anything else is ours."""
        return self.delivered_hz if audio_format in self.formats else SAMPLE_RATE_HZ

    def format(self, wanted: AudioFormat | None) -> AudioFormat:
        """The format to deliver. Raises InputError if this profile's taker does not accept it."""
        if wanted is None:
            return self.formats[0]
        if wanted not in self.formats:
            raise InputError(
                f"profile {self.name} is delivered as {', '.join(self.formats)}, not as {wanted}",
                where="format",
                remedy="leave the format out",
            )
        return wanted


@cache
def _table() -> dict:
    return json.loads(resources.files("mixing").joinpath("profiles.json").read_text(encoding="utf-8"))


def profile_names() -> list[str]:
    return list(_table()["profiles"])


@cache
def load_profile(name: str = "drama") -> Profile:
    """The profile of that name. Raises InputError for an unknown one."""
    table = _table()
    if name not in table["profiles"]:
        raise InputError(
            f"no loudness profile {name!r}", where="profile", remedy=f"one of {', '.join(table['profiles'])}"
        )
    common = {key: table[key] for key in ("lossy_ceiling_dbtp", "codecs", "laws")}
    return Profile(name=name, **common, **table["profiles"][name])
