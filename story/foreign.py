"""Other people's JSON for the same thing, turned into our novel's shape before it is checked.

Three forms: WavJourney's list of nodes (story/importing/scripts/wavjourney.py), a flat list of lines, `[{"speaker", "text"}, …]`, and AI-Sound's `characters` + `synthesis_plan`, bare or in
its envelopes (`{"success", "data": …}`, `{"synthesis_json": …}`). Field names as its services write them: segment_id,
text, speaker (earlier: character), text_type, confidence, detection_rule, emotion, chapter_id, chapter_number;
characters with name, character_id, voice_type, gender, age or age_group, type, is_main_character, description. Its
voice ids are rows of its own database, so they are left behind.

Only shapes are changed here. What is missing or wrong stays so, for loading.py to say.
"""

from __future__ import annotations

import re
from typing import Any

from story.importing.scripts.wavjourney import from_wavjourney, is_wavjourney
from story.speakers import is_narrator_name

Path_ = tuple[str | int, ...]

_TEXT_TYPES = {  # AI-Sound's text_type → our segment type; "mixed" and "unknown" are left to the speaker
    "narration": "narration",
    "dialogue": "dialogue",
    "inner_monologue": "thought",
}
_ROLES = {
    "narrator": "narrator",
    "main": "major",
    "supporting": "minor",
    "protagonist": "major",
    "minor": "minor",
}
_AGES = {
    "child": "child",
    "kid": "child",
    "teen": "young",
    "teenager": "young",
    "youth": "young",
    "young": "young",
    "young_adult": "young",
    "adult": "adult",
    "middle": "adult",
    "middle_aged": "adult",
    "middle-aged": "adult",
    "old": "old",
    "elder": "old",
    "elderly": "old",
    "senior": "old",
}
_GENDERS = {"male": "male", "female": "female", "男": "male", "女": "female", "neutral": "neutral"}
_QUOTES = {"“": "”", "「": "」", "『": "』", '"': '"', "‘": "’", "«": "»"}


def to_novel_shape(data: Any) -> tuple[Any, dict[Path_, Path_]]:
    """`data` in the novel's own shape, and where moved lines came from.

    Returns:
        the tree, and for every segment `("chapters", i, "segments", j)` its path in `data` when that differs, so
        that errors can point at what the person wrote. Trees already in our shape come back unchanged.
    """
    root: Path_ = ()
    inner = data
    while isinstance(inner, dict) and "synthesis_plan" not in inner:
        key = next((k for k in ("synthesis_json", "data") if isinstance(inner.get(k), dict)), None)
        if key is None or "chapters" in inner or "segments" in inner:
            break
        inner, root = inner[key], (*root, key)
    if isinstance(inner, dict) and "synthesis_plan" in inner and "chapters" not in inner:
        return _from_ai_sound(inner, root)
    if isinstance(data, dict) and "segments" in data and "chapters" not in data:
        book = {k: v for k, v in data.items() if k != "segments"}
        return _grouped(book, data["segments"], ("segments",))
    if isinstance(data, list) and is_wavjourney(data):
        return from_wavjourney(data)
    if isinstance(data, list):
        if data and all(isinstance(item, dict) and "segments" in item for item in data):
            moved = {("chapters", i, "segments", j): (i, "segments", j) for i, j in _lines(data)}
            return {"chapters": data}, moved
        return _grouped({}, data, ())
    return data, {}


def _lines(chapters: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i, chapter in enumerate(chapters)
        for j in range(len(chapter["segments"]) if isinstance(chapter["segments"], list) else 0)
    ]


def _grouped(book: dict[str, Any], lines: Any, at: Path_) -> tuple[dict[str, Any], dict[Path_, Path_]]:
    """A book of one chapter, or of several where the lines carry chapter_number or chapter_id."""
    if not isinstance(lines, list):
        return {**book, "chapters": [{"segments": lines}]}, {("chapters", 0, "segments"): at}
    chapters: list[dict[str, Any]] = []
    position: dict[Any, int] = {}
    moved: dict[Path_, Path_] = {("chapters", 0, "segments"): at}
    for i, line in enumerate(lines):
        number = line.get("chapter_number") if isinstance(line, dict) else None
        chapter_id = line.get("chapter_id") if isinstance(line, dict) else None
        key = number if isinstance(number, int) else chapter_id if isinstance(chapter_id, int | str) else None
        if key not in position:
            position[key] = len(chapters)
            chapter: dict[str, Any] = {"segments": []}
            if isinstance(number, int):
                chapter["number"] = number
            title = line.get("chapter_title") if isinstance(line, dict) else None
            if isinstance(title, str):
                chapter["title"] = title
            chapters.append(chapter)
        target = chapters[position[key]]["segments"]
        moved["chapters", position[key], "segments", len(target)] = (*at, i)
        if isinstance(line, dict):
            line = {
                k: v for k, v in line.items() if k not in {"chapter_number", "chapter_id", "chapter_title"}
            }
        target.append(line)
    return {**book, "chapters": chapters or [{"segments": []}]}, moved


def _from_ai_sound(data: dict[str, Any], root: Path_) -> tuple[dict[str, Any], dict[Path_, Path_]]:
    plan = data["synthesis_plan"]
    lines = (
        [_line(item) if isinstance(item, dict) else item for item in plan] if isinstance(plan, list) else plan
    )
    book: dict[str, Any] = {k: data[k] for k in ("title", "author", "language") if k in data}
    people = data.get("characters")
    if isinstance(people, list) and people:
        book["characters"] = [_character(c) if isinstance(c, dict) else c for c in people]
    elif people is not None and not isinstance(people, list):
        book["characters"] = people
    return _grouped(book, lines, (*root, "synthesis_plan"))


def _line(item: dict[str, Any]) -> dict[str, Any]:
    line = {k: item[k] for k in ("content", "text", "emotion", "emotion_intensity", "style") if k in item}
    line |= {k: item[k] for k in ("chapter_id", "chapter_number", "chapter_title", "paragraph") if k in item}
    if "segment_id" in item or "id" in item:
        line["id"] = item.get("segment_id", item.get("id"))
    speaker = item.get("speaker") or item.get("character") or item.get("speaker")
    if speaker is not None:
        line["speaker"] = speaker
    kind = _TEXT_TYPES.get(str(item.get("text_type", item.get("type", ""))).lower())
    narrator = isinstance(speaker, str) and is_narrator_name(speaker)
    if kind and not (narrator and kind == "dialogue"):  # its default is "dialogue", for the narrator as well
        line["type"] = kind
    if isinstance(item.get("confidence"), int | float):
        line["speaker_confidence"] = item["confidence"]
    if isinstance(item.get("detection_rule"), str):
        line["speaker_rule"] = item["detection_rule"]
    key = "content" if "content" in line else "text"
    if isinstance(line.get(key), str) and not narrator:
        line[key] = _without_quotes(line[key])
    return line


def _without_quotes(text: str) -> str:
    """A line of speech without the quotation marks around it, if one pair encloses the whole."""
    bare = text.strip()
    close = _QUOTES.get(bare[:1])
    inside = bare[1:-1]
    if close and len(bare) > 2 and bare.endswith(close) and close not in inside and bare[0] not in inside:
        return inside
    return text


def _character(item: dict[str, Any]) -> dict[str, Any]:
    person: dict[str, Any] = {k: item[k] for k in ("name", "aliases", "description") if k in item}
    if "name" in item:
        person["id"] = item["name"]  # its lines name people by name; character_id is a database row
    words = re.split(r"[_\s]+", str(item.get("voice_type") or "").lower())
    gender = item.get("gender") or next((w for w in words if w in _GENDERS), None)
    age = item.get("age_group") or item.get("age") or next((w for w in words if w in _AGES), None)
    if _GENDERS.get(str(gender).lower()):
        person["gender"] = _GENDERS[str(gender).lower()]
    if _AGES.get(str(age).lower()):
        person["age"] = _AGES[str(age).lower()]
    role = _ROLES.get(str(item.get("role") or item.get("type") or "").lower())
    if role is None and "narrator" in words:
        role = "narrator"
    if role is None and item.get("is_main_character") is True:
        role = "major"
    if role:
        person["role"] = role
    return person
