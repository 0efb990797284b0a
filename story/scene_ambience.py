"""From a scene's place, time and weather to one to three layered beds, by the table data/ambience.json.

Every scene has at least one bed, since a mix without air sounds broken; what is unknown gets quiet room tone.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from story.lexicon import load_data
from story.scene_models import Ambience, Scene, Setting
from story.sounds import sound_class


@cache
def _table() -> dict[str, Any]:
    return load_data("ambience")


def place_setting(place_class: str) -> Setting:
    """The setting a place class implies: interior, exterior, vehicle or unknown."""
    return _table()["places"].get(place_class, {}).get("setting", "unknown")


def is_shift(new_class: str, current_class: str) -> bool:
    """True when arriving at new_class leaves current_class ("house" inside an inn doesn't)."""
    return new_class != current_class and current_class not in _table()["no_shift"].get(new_class, ())


def heard_near(name: str, setting: str) -> bool:
    """True when what is near (sea, river, fire, crowd …) is heard in such a setting."""
    return ("exterior" if setting == "exterior" else "interior") in _table()["near"].get(name, {})


def _bed(sound_id: str, level_offset_db: float) -> Ambience:
    sound = sound_class(sound_id)
    level_db = round(sound.level_db + level_offset_db, 2)
    return Ambience(sound=sound.id, ucs=sound.ucs, prompt=sound.prompt, level_db=level_db)


def beds(
    scene: Scene, near: list[str], *, people: bool, cold_season: bool, light_wind: bool
) -> list[Ambience]:
    """The beds of a scene, the most telling first.

    Args:
        scene: with setting, place_class, time_of_day and weather filled in.
        near: what is close by: sea, river, forest, fire, crowd.
        people: other guests are in the room (inns and teahouses are full of them only then).
        cold_season: no crickets in winter.
        light_wind: the only wind is a breeze.
    """
    table = _table()
    side = "exterior" if scene.setting == "exterior" else "interior"
    night = scene.time_of_day in ("night", "evening")
    place = table["places"].get(scene.place_class)
    if place is None:
        layers = list(table["settings"][scene.setting])
    else:
        layers = list(place.get(scene.time_of_day) or place["day"])
        if people and "people" in place:
            layers = list(place["people"])
            near = [name for name in near if name != "crowd"]
    weather: list[list[Any]] = []
    for name in scene.weather:  # where nobody is told to be outdoors, as it is heard indoors
        if name == "wind" and light_wind:
            weather.extend(table["light_wind"] if side == "exterior" else [])
        elif not (name in ("rain", "wind") and "storm" in scene.weather):
            weather.extend(table["weather"].get(name, {}).get(side, ()))
    if weather and scene.setting == "exterior" and not light_wind:
        # Birds and light air give way to weather.
        layers = [layer for layer in layers if layer[0] not in ("countryside", "outdoor_air", "forest_birds")]
    if night and not light_wind:
        layers = [layer for layer in layers if layer[0] != "countryside"] or layers
    close = [table["near"][name][side] for name in near if side in table["near"].get(name, {})]
    crickets = table["crickets"]
    chirping: list[list[Any]] = []
    if (
        scene.time_of_day == "night"
        and scene.setting == "exterior"
        and scene.place_class in crickets["places"]
        and not cold_season
        and not set(scene.weather) & set(crickets["not_weather"])
    ):
        chirping = [[crickets["sound"], crickets["level_db"]]]
    chosen: dict[str, float] = {}
    for sound_id, offset_db in (*layers[:1], *weather, *close, *layers[1:], *chirping):
        chosen.setdefault(sound_id, offset_db)
    return [_bed(sound_id, offset_db) for sound_id, offset_db in list(chosen.items())[: table["most_beds"]]]


def scene_phrase(scene: Scene, near: list[str]) -> str:
    """One readable phrase, e.g. "night road by the sea"; "unknown" when nothing is known."""
    table = _table()
    place = table["places"].get(scene.place_class, {}).get("phrase", "")
    if not place and scene.setting != "unknown":
        place = scene.setting
    time = "" if scene.time_of_day == "unknown" else scene.time_of_day
    if not place and not time and not scene.weather:
        return "unknown"
    words = [time, place or "place unknown"]
    words += [table["near_phrases"][name] for name in near[:1]]
    words += [
        table["weather_phrases"][name] for name in scene.weather[:1] if name in table["weather_phrases"]
    ]
    return " ".join(word for word in words if word)
