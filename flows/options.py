"""The one options model of a render: Prefect's UI shows it as a form, the command line and the API fill it in."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mixing.contracts import AudioFormat, ProfileName


class RenderOptions(BaseModel):
    """What a person chooses for a render; every default gives a good chapter."""

    model_config = ConfigDict(extra="forbid")

    output: Path = Field(
        default=Path("out"), description="Folder for the finished chapters: <output>/<novel>/<chapter>/"
    )
    speech: str = Field(
        default="auto", description="Speech model; auto takes the best installed one for the book's language"
    )
    sound: str = Field(
        default="auto", description="Model for beds and effects; auto takes the best installed one"
    )
    format: AudioFormat | None = Field(
        default=None,
        description="File format of the master: flac, wav, mp3, opus or m4a; left out it is flac, for profile acx mp3",
    )
    profile: ProfileName = Field(
        default="drama",
        description="Loudness: drama -18 LUFS, podcast -16 LUFS, broadcast -23 LUFS, acx voice only for Audible",
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Another seed gives other takes of the same book"
    )
