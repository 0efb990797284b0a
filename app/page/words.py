"""The page's words in English and Chinese (words.json), and which of them a person reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

Tongue = Literal["en", "zh"]
COOKIE = "soundbound_language"


class Words:
    """Words in one language: `words("left", time="2 min")`."""

    def __init__(self, tongue: Tongue) -> None:
        self.tongue: Tongue = tongue

    def __call__(self, key: str, **values: object) -> str:
        return _table()[key][self.tongue].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """For what may be of a person's own making."""
        return self(key) if key in _table() else otherwise

    def many(self, key: str, n: int) -> str:
        """ "1 line", "12 lines"."""
        return self(key if n != 1 else f"{key}_one", n=n)

    def time(self, seconds: float) -> str:
        """About so long: "2 min 5 s"."""
        s = max(0, round(seconds))
        if s < 60:
            return self("seconds", s=s)
        if s < 3600:
            return self("minutes", m=s // 60, s=s % 60)
        return self("hours", h=s // 3600, m=s % 3600 // 60)


def tongue_of(cookies: Mapping[str, str], accept_language: str) -> Tongue:
    """What was chosen before, or the browser's first language that is one of ours."""
    chosen = cookies.get(COOKIE)
    if chosen in ("en", "zh"):
        return chosen  # pyright: ignore[reportReturnType]
    for entry in accept_language.lower().split(","):
        primary = entry.partition(";")[0].strip().partition("-")[0]
        if primary in ("en", "zh"):
            return primary  # pyright: ignore[reportReturnType]
    return "en"


@cache
def _table() -> dict[str, dict[str, str]]:
    return json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
