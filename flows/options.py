"""The one options model of a render: Prefect's UI shows it as a form, the command line and the API fill it in."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mixing.contracts import AudioFormat, ProfileName
from mixing.profiles import load_profile
from story.errors import InputError
from story.feed import Category

NO_FILE = ("off", "generated")  # what music may be that is no file


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
    music: str = Field(
        default="off",
        description="Music at chapter openings and scene changes: off, generated, or the path of a sound file",
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Another seed gives other takes of the same book"
    )

    @property
    def music_file(self) -> Path | None:
        return None if self.music in NO_FILE else Path(self.music)

    def in_folder(self, folder: Path) -> RenderOptions:
        """With absolute paths; relative ones are taken from `folder`."""
        update: dict[str, object] = {"output": (folder / self.output.expanduser()).resolve()}
        if self.music_file:
            update["music"] = str((folder / self.music_file.expanduser()).resolve())
        return self.model_copy(update=update)

    def check(self) -> None:
        """Raises InputError for what would go wrong only in the mix, after all takes were made."""
        load_profile(self.profile).format(self.format)
        if self.music_file and not self.music_file.is_file():
            raise InputError(
                f"no such sound file: {self.music}", where="music", remedy="off, generated, or a sound file"
            )


class FeedOptions(BaseModel):
    """The podcast feed of a serial, and the shelf it is on."""

    model_config = ConfigDict(extra="forbid")

    shelf: Path | None = Field(
        default=None,
        description="Folder for the listener's files, <shelf>/<author>/<title>/: a library of Audiobookshelf, say. "
        "Left out: <home>/shelf, which `soundbound serve` offers at /feeds",
    )
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="The address under which the shelf can be reached; left out: <page>/feeds",
    )
    cover: Path | None = Field(
        default=None, description="JPEG or PNG, square, 1400 to 3000 pixels; left out: a plain one is drawn"
    )
    description: str = Field(default="", max_length=4000, description="What the show is about")
    category: Category = Field(default="Fiction/Drama", description="Where podcast directories list it")
    explicit: bool = Field(default=False, description="Whether it is for adults only")
    email: str = Field(default="", description="The owner's address, which public directories ask for")
