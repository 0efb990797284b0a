"""Scene analysis: from prose to scenes with place, weather, time of day, ambience beds and effect cues.

Works on a chapter's narration only: what people say is no evidence of what is heard. `unknown` and what carries
over from the scene before are normal answers; every finding names the words it rests on. Pure and deterministic.

The parts: scene_bounds (where scenes change), scene_evidence (what the text says), scene_place (which place it is),
scene_ambience (the beds), scene_cues (the effects).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from story.novel import Chapter, Hour, is_chinese
from story.scene_ambience import beds, heard_near, is_shift, place_setting, scene_phrase
from story.scene_bounds import Block, blocks
from story.scene_cues import find_cues
from story.scene_evidence import Finding, findings
from story.scene_models import (
    HOURS,
    SETTINGS,
    Ambience,
    Cue,
    Evidence,
    Polarity,
    Scene,
    SceneAnalysis,
    Setting,
)
from story.scene_place import place_of

__all__ = [
    "Ambience",
    "Cue",
    "Evidence",
    "Polarity",
    "Scene",
    "SceneAnalysis",
    "Setting",
    "analyze_chapters",
    "analyze_scenes",
]

# A setting needs one stay or arrival (see scene_evidence's weights).
_SETTING_ENOUGH = 2.0
_TIME_ENOUGH = 0.7
_WEATHER_ENOUGH = 0.6
_MOOD_ENOUGH = 2
# The winner must lead the second by this factor to be named at all.
_LEAD = 1.2
_MOST_EVIDENCE = 12
# Mentions that put something within earshot: a fire or a crowd is there when named, a sea may be a figure of speech.
_NEAR_ENOUGH = {"fire": 1.0, "crowd": 1.0}
_NOTED_CONFIDENCE = 0.6  # a model's word for a place: not measured
# A setting known only by its sky or its rooms, and the least that is still carried over.
_SETTING_CONFIDENCE, _LEAST_CONFIDENCE = 0.3, 0.1


def _totals(found: list[Finding], kind: str) -> dict[str, float]:
    """Weight by value; a hint's word counts once, however often a long scene names it."""
    totals: dict[str, float] = {}
    seen: set[str] = set()
    for finding in found:
        if finding.kind != kind or (finding.hint and finding.word.lower() in seen):
            continue
        if finding.hint:
            seen.add(finding.word.lower())
        totals[finding.value] = totals.get(finding.value, 0.0) + finding.weight
    return totals


def _winner(totals: dict[str, float], enough: float, lead: float = 1.0) -> tuple[str, float]:
    """(value, its share of all weight), or ("unknown", 0) when there's too little or no clear leader.

    A runner-up that belongs to the same surroundings (a boat on a river) is no rival.
    """
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return "unknown", 0.0
    if ranked[0][1] < enough:
        return "unknown", 0.0
    rivals = [
        weight for name, weight in ranked[1:] if is_shift(name, ranked[0][0]) and is_shift(ranked[0][0], name)
    ]
    if rivals and ranked[0][1] < lead * rivals[0]:
        return "unknown", 0.0
    return ranked[0][0], ranked[0][1] / sum(totals.values())


def _setting(place_class: str, found: list[Finding]) -> Setting:
    setting = place_setting(place_class)
    if setting != "unknown":
        return setting
    totals: dict[str, float] = _totals(found, "setting")
    for finding in found:
        if finding.kind == "place":
            side = place_setting(finding.value)
            totals[side] = totals.get(side, 0.0) + finding.weight
    totals.pop("unknown", None)
    totals.pop("vehicle", None)
    winner = _winner(totals, _SETTING_ENOUGH, 1.5)[0]
    for side in SETTINGS:
        if side == winner:
            return side
    return "unknown"


def _hour(found: list[Finding]) -> Hour | Literal["unknown"]:
    winner = _winner(_totals(found, "time"), _TIME_ENOUGH)[0]
    for hour in HOURS:
        if hour == winner:
            return hour
    return "unknown"


def _weather(found: list[Finding]) -> list[str]:
    totals = _totals(found, "weather")
    return sorted(name for name, weight in totals.items() if weight >= _WEATHER_ENOUGH)


def _evidence(found: list[Finding], scene: Scene, near: list[str]) -> list[Evidence]:
    """The words the answers rest on: strongest first come in, then in reading order."""
    wanted = {("place", scene.place_class), ("time", scene.time_of_day), ("setting", scene.setting)}
    wanted |= {("weather", name) for name in scene.weather} | {("near", name) for name in near}
    told = [f for f in found if (f.kind, f.value) in wanted and f.weight >= 0.4]
    seen: set[tuple[str, int]] = set()
    kept = []
    for finding in sorted(told, key=lambda f: -f.weight):
        if (finding.segment, finding.start) not in seen and len(kept) < _MOST_EVIDENCE:
            seen.add((finding.segment, finding.start))
            kept.append(finding)
    order = {id(f): i for i, f in enumerate(found)}
    kept.sort(key=lambda f: order[id(f)])
    return [Evidence(segment=f.segment, char_start=f.start, char_end=f.end, word=f.word) for f in kept]


def _place_words(found: list[Finding], place_class: str) -> str:
    named = [f for f in found if f.kind == "place" and f.value == place_class and f.weight >= 1.0]
    best = max(named, key=lambda f: f.weight, default=None)
    return best.word if best else ""


def _take_note(scene: Scene, chapter: Chapter) -> None:
    """What a note says of the scene: a person's wins, a model's fills what the words leave open."""
    note = next((n for n in chapter.scenes if n.first_segment == scene.first_segment), None)
    if note is None:
        return
    wins = note.source == "person"
    if note.place and (wins or scene.place_class == "unknown"):
        scene.place_class, scene.place = note.place, ""
        scene.setting = place_setting(note.place)
        scene.confidence = 1.0 if wins else _NOTED_CONFIDENCE
    if note.time and (wins or scene.time_of_day == "unknown"):
        scene.time_of_day = note.time
    if note.weather and (wins or not scene.weather):
        scene.weather = sorted(note.weather)


def _inherit(scene: Scene, previous: Scene, block: Block) -> None:
    """Carries over what the block doesn't say: the place, and within the same stretch of time also hour and weather."""
    took = False
    # Each carry-over is less sure: a break or a new chapter may be anywhere.
    confidence = round(previous.confidence * (0.8 if block.cause == "move" else 0.5), 2)
    untold = scene.place_class == "unknown" and scene.setting == "unknown"
    if untold and previous.setting != "unknown" and confidence >= _LEAST_CONFIDENCE:
        scene.setting, scene.place_class, scene.place = previous.setting, previous.place_class, previous.place
        took = True
        scene.confidence = confidence
    if (
        block.cause in ("move", "chapter")
        and scene.time_of_day == "unknown"
        and previous.time_of_day != "unknown"
    ):
        scene.time_of_day, took = previous.time_of_day, True
    if block.cause == "move" and not scene.weather and previous.weather:
        scene.weather, took = list(previous.weather), True
    if took:
        scene.inherited_from = previous.id


@dataclass(frozen=True)
class _Told:
    """What a block's own words tell, whatever came before it."""

    found: list[Finding]
    cues: list[Cue]
    place_class: str
    confidence: float


def _told(block: Block, language: str) -> _Told:
    found = [finding for segment in block.segments for finding in findings(segment, language)]
    cues = [cue for segment in block.segments for cue in find_cues(segment, language)]
    return _Told(found, cues, *place_of(found, block.segments, cues, block.arrival_class, language))


def _scene(number: int, block: Block, told: _Told, chapter: Chapter, previous: Scene | None) -> Scene:
    found, place_class = told.found, told.place_class
    scene = Scene(
        id=f"{chapter.id}-s{number}",
        chapter=chapter.id,
        first_segment=block.segments[0].id,
        last_segment=block.segments[-1].id,
        scene_type="unknown",
        setting=_setting(place_class, found),
        place=_place_words(found, place_class),
        place_class=place_class,
        time_of_day=_hour(found),
        weather=_weather(found),
        mood=_winner(_totals(found, "mood"), _MOOD_ENOUGH, _LEAD)[0],
        confidence=told.confidence,
    )
    if place_class == "unknown" and scene.setting != "unknown":
        scene.confidence = _SETTING_CONFIDENCE
    _take_note(scene, chapter)
    if previous is not None:
        _inherit(scene, previous, block)
    near = [name for name, weight in _totals(found, "near").items() if weight >= _NEAR_ENOUGH.get(name, 2.0)]
    near = [
        name for name in near if name not in _own_sound(scene.place_class) and heard_near(name, scene.setting)
    ]
    scene.evidence = _evidence(found, scene, near)
    wind = [f.word.lower() for f in found if f.kind == "weather" and f.value == "wind"]
    scene.scene_type = scene_phrase(scene, near)
    scene.ambience = beds(
        scene,
        near,
        people=_people(found, scene),
        cold_season=any(f.kind == "season" for f in found),
        light_wind=bool(wind) and all(word in ("breeze", "微风", "清风", "凉风") for word in wind),
    )
    scene.cues = list(told.cues)
    return scene


def _own_sound(place_class: str) -> tuple[str, ...]:
    return {"sea_shore": ("sea",), "ship": ("sea",), "river": ("river",), "forest": ("forest",)}.get(
        place_class, ()
    )


def _people(found: list[Finding], scene: Scene) -> bool:
    """Whether guests are there: named as a crowd, or the inn is busy by its words."""
    return any(f.kind == "near" and f.value == "crowd" for f in found) and scene.setting == "interior"


def _stays(scene: Scene, before: Scene, block: Block) -> bool:
    """A move that ends in the same kind of place at the same hour is no change of scene."""
    return (
        block.cause == "move"
        and scene.place_class == before.place_class != "unknown"
        and scene.setting == before.setting
        and scene.time_of_day in ("unknown", before.time_of_day)
    )


class ChapterReading:
    """A chapter's words read once, for scenes after whatever scene came before.

    Args:
        chapter: its narration is read; dialogue, headings, letters and verse tell nothing.
        language: BCP 47 tag; Chinese tags are read as Chinese, all others as English.
    """

    def __init__(self, chapter: Chapter, language: str) -> None:
        self._chapter = chapter
        self._tongue = "zh" if is_chinese(language) else "en"
        self._blocks = blocks(chapter, self._tongue)
        self._read: dict[tuple[str | None, int, int], _Told] = {}

    def _told(self, block: Block, start: int) -> _Told:
        key = (block.arrival_class, start, len(block.segments))
        if key not in self._read:
            self._read[key] = _told(block, self._tongue)
        return self._read[key]

    def scenes(self, previous: Scene | None = None) -> SceneAnalysis:
        """See analyze_scenes."""
        scenes: list[Scene] = []
        last: Block | None = None
        last_start = start = 0  # numbers of their first segments
        for whole in self._blocks:
            block = replace(whole, segments=list(whole.segments))
            before = scenes[-1] if scenes else previous
            scene = _scene(len(scenes) + 1, block, self._told(block, start), self._chapter, before)
            if last is not None and _stays(scene, scenes[-1], block):
                last.segments += block.segments  # the move led back to where it began
                scenes.pop()
                before = scenes[-1] if scenes else previous
                scene = _scene(len(scenes) + 1, last, self._told(last, last_start), self._chapter, before)
            else:
                last, last_start = block, start
            start += len(whole.segments)
            scenes.append(scene)
        return SceneAnalysis(chapter=self._chapter.id, scenes=scenes)


def analyze_scenes(chapter: Chapter, language: str, previous: Scene | None = None) -> SceneAnalysis:
    """Divides a chapter into scenes and finds what each sounds like.

    Args:
        chapter, language: see ChapterReading.
        previous: the last scene of the chapter before, from which an untold place carries over.

    Returns:
        Scenes that cover all segments exactly once, in order. A cue depends on its own segment only.
    """
    return ChapterReading(chapter, language).scenes(previous)


def analyze_chapters(
    chapters: Sequence[Chapter], chosen: Sequence[Chapter], language: str
) -> list[SceneAnalysis]:
    """The scenes of the chosen chapters; an untold place carries over from the chapter before, as in a render.

    Args:
        chapters: the whole book's.
    """
    numbers = {chapter.id: i for i, chapter in enumerate(chapters)}
    found: list[SceneAnalysis] = []
    at, reading = -2, None  # the chapter read last: mostly the one before the next chosen
    for chapter in chosen:
        number = numbers[chapter.id]
        if number == 0:
            previous = None
        else:
            before = (
                reading
                if reading is not None and at == number - 1
                else ChapterReading(chapters[number - 1], language)
            )
            previous = before.scenes().scenes[-1]
        at, reading = number, ChapterReading(chapter, language)
        found.append(reading.scenes(previous))
    return found
