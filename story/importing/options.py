"""What a person may choose when a book is read."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ReadOptions(BaseModel):
    """
    Attributes:
        notes: footnotes are left out, or read at the end of their chapter.
        matter: the story only, or prefaces, appendices and the like as well.
        encoding: of a text file, where the guess is wrong.
        language: BCP 47, where the guess is wrong.
    """

    model_config = ConfigDict(frozen=True)

    notes: Literal["omit", "end"] = "omit"
    matter: Literal["story", "all"] = "story"
    encoding: str | None = None
    language: str | None = None
