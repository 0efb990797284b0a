"""Where a line is spoken and how it reaches us: the names of its acoustic presets.

Chosen from the scene and from the words of the line's style, overridden by the novel. What the presets sound like is
the mixer's business; here are only names (data/spaces.json).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from story.errors import InputError
from story.novel import Segment
from story.scene_models import Scene


class Acoustics(NamedTuple):
    space: str  # none, outdoor, small_room, hall …
    distance: str  # near, normal, far
    treatment: str  # telephone, thought …; "" for a voice as it is


class SpaceTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["soundbound.spaces/2"]
    about: str
    presets: list[str]
    settings: dict[str, str]  # of a scene → preset
    places: dict[str, str]  # place class → preset
    distances: dict[str, list[str]]  # → words of a style
    treatments: dict[str, list[str]]
    types: dict[str, str]  # segment type → treatment
    dry_types: list[str]  # told to the listener or inside a head: no room, in the centre
    far_effects: list[str]  # sounds that are far by nature


@cache
def space_table() -> SpaceTable:
    return SpaceTable.model_validate_json(
        files("story").joinpath("data/spaces.json").read_text(encoding="utf-8")
    )


def space_of(scene: Scene) -> str:
    """The scene's acoustic preset."""
    table = space_table()
    return table.places.get(scene.place_class) or table.settings.get(scene.setting, "none")


def acoustics_of(segment: Segment, scene: Scene, *, narrator: bool) -> Acoustics:
    """A line's presets: what the novel says, else what its style, type and scene suggest.

    Raises:
        InputError: the novel names a preset that does not exist.
    """
    table = space_table()
    dry = narrator or segment.type in table.dry_types
    treatment = segment.treatment
    if treatment is None:
        treatment = _by_words(segment.style, table.treatments) or table.types.get(segment.type, "")
    distance = segment.distance or ("" if dry else _by_words(segment.style, table.distances)) or "normal"
    space = segment.space or ("none" if dry else space_of(scene))
    for field, value, known in (
        ("space", space, table.presets),
        ("distance", distance, list(table.distances)),
        ("treatment", treatment, ["", *table.treatments]),
    ):
        if value not in known:
            raise InputError(
                f"no acoustic preset {value!r}",
                where=f"segment {segment.id}, {field}",
                remedy=f"one of {', '.join(known)}"
                if known[0]
                else f"leave it out, or one of {', '.join(known[1:])}",
            )
    return Acoustics(space, distance, treatment)


def is_dry(segment: Segment, *, narrator: bool) -> bool:
    """Whether a line is told to the listener rather than spoken in the scene: it sits in the centre then."""
    return narrator or segment.type in space_table().dry_types


def effect_distance(sound: str) -> str:
    return "far" if sound in space_table().far_effects else "normal"


def _by_words(style: str, choices: dict[str, list[str]]) -> str:
    """The first choice one of whose words stands in the style, or ""."""
    style = style.casefold()
    if style:
        for name, words in choices.items():
            if any(re.search(rf"\b{re.escape(w)}\b" if w.isascii() else re.escape(w), style) for w in words):
                return name
    return ""
