"""One line of `soundbound doctor`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

State = Literal["ok", "warning", "problem"]


class Check(BaseModel):
    name: str
    state: State
    found: str
    mend: str = ""
