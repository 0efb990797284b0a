"""Checking a novel's speakers: what a reviewer needs to see, and corrections read back.

A corrections file says who really speaks some lines, and which characters are one, have another name, gender or age:

    {"format": "soundbound.corrections/1", "lines": [{"segment": "ch01-0007", "content": "…", "speaker": "pew"}],
     "characters": [{"id": "blind_man", "merge_into": "pew"}, {"id": "new_1", "name": "A sailor", "gender": "male"}]}

A corrected line is sure (`speaker_confidence` 1, rule `corrected`) and stays when lines are attributed anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from story.attribution.book import CORRECTED
from story.errors import InputError
from story.jsonfile import check_tree, nearest, quote, read_json
from story.novel import Age, Character, Gender, Novel, Segment, SegmentType
from story.speakers import SpeakerIndex

FORMAT = "soundbound.corrections/1"
MAX_BYTES = 16 * 2**20
CONTEXT_CHARS = 220
REVIEWED: frozenset[SegmentType] = frozenset({"dialogue", "thought", "letter"})


class LineCorrection(BaseModel):
    """`content` guards against a novel that changed since; `type` turns a line into narration or back."""

    model_config = ConfigDict(extra="ignore")

    segment: str
    speaker: str
    content: str | None = None
    type: SegmentType | None = None


class CharacterCorrection(BaseModel):
    """A character changed (known id), made (new id, with a name) or merged into another."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1)
    merge_into: str | None = None
    name: str | None = None
    aliases: list[str] | None = None
    gender: Gender | None = None
    age: Age | None = None


class Corrections(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: Literal["soundbound.corrections/1"] = FORMAT
    novel: str = ""
    lines: list[LineCorrection] = []
    characters: list[CharacterCorrection] = []


class Applied(BaseModel):
    """What a corrections file did."""

    lines: int = 0
    merged: int = 0
    characters: int = 0
    warnings: list[str] = []


def read_corrections(path: Path) -> Corrections:
    """Raises InputError with file, field and remedy."""
    data = read_json(path, max_bytes=MAX_BYTES, kind="corrections file")
    check_tree(data, str(path))
    try:
        return Corrections.model_validate(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise InputError(
            f"not a corrections file: {first['msg']}",
            where=f"{path}, {place}" if place else str(path),
            remedy="save it with the review page's Download button",
        ) from None


def apply_corrections(novel: Novel, corrections: Corrections, where: str) -> tuple[Novel, Applied]:
    """The novel with the corrections, and what was done. A line that no longer is as it was is left, with a warning.

    Raises:
        InputError: a speaker or a merge names nobody.
    """
    done = Applied()
    people = {c.id: c.model_copy(deep=True) for c in novel.characters}
    moved: dict[str, str] = {}
    for change in corrections.characters:
        _change(people, change, moved, done, where)
    for gone, into in moved.items():
        if into not in people or gone == into:
            raise InputError(
                f"nobody is called {quote(into, 40)}",
                where=f"{where}, characters",
                remedy="merge into a character that stays",
            )
        target, source = people[into], people.pop(gone)
        names = dict.fromkeys([*target.aliases, source.name, *source.aliases])
        target.aliases = [n for n in names if n != target.name]
        done.merged += 1
    index = SpeakerIndex(list(people.values()))
    chapters = [c.model_copy(deep=True) for c in novel.chapters]
    segments = {s.id: s for c in chapters for s in c.segments}
    for segment in segments.values():
        segment.speaker = moved.get(segment.speaker, segment.speaker)
    for line in corrections.lines:
        _correct(segments.get(line.segment), line, index, people, done, where)
    return novel.model_copy(update={"characters": list(people.values()), "chapters": chapters}), done


def _change(
    people: dict[str, Character],
    change: CharacterCorrection,
    moved: dict[str, str],
    done: Applied,
    where: str,
) -> None:
    if change.merge_into is not None:
        if change.id in people:
            moved[change.id] = change.merge_into
        return
    if change.id not in people:
        if not change.name:
            raise InputError(
                f"the new character {quote(change.id, 40)} has no name",
                where=f"{where}, characters",
                remedy="give it one",
            )
        people[change.id] = Character(id=change.id, name=change.name)
    person = people[change.id]
    for field in ("name", "aliases", "gender", "age"):
        value = getattr(change, field)
        if value is not None:
            setattr(person, field, value)
    done.characters += 1


def _correct(
    segment: Segment | None,
    line: LineCorrection,
    index: SpeakerIndex,
    people: dict[str, Character],
    done: Applied,
    where: str,
) -> None:
    if segment is None or (line.content is not None and line.content != segment.content):
        what = "is no longer in the novel" if segment is None else "reads otherwise now"
        done.warnings.append(f"line {line.segment} {what}; its correction was left out")
        return
    found = index.find(line.speaker).characters
    if len(found) != 1:
        near = nearest(line.speaker, [c.name for c in people.values()])
        raise InputError(
            f"{quote(line.speaker, 40)} is no character of the novel"
            if not found
            else f"{quote(line.speaker, 40)} is several characters",
            where=f"{where}, line {line.segment}",
            remedy=f"did you mean {' or '.join(near)}?"
            if near
            else "add the character to the file's characters",
        )
    segment.speaker = found[0].id
    segment.speaker_confidence, segment.speaker_rule = 1.0, CORRECTED
    if line.type is not None:
        segment.type = line.type
    done.lines += 1


def review_data(novel: Novel) -> dict[str, Any]:
    """What the page shows: characters, and every spoken line with the text around it."""
    lines: list[dict[str, Any]] = []
    for chapter in novel.chapters:
        for i, s in enumerate(chapter.segments):
            if s.type not in REVIEWED:
                continue
            before = "".join((x.separator or " ") + x.content for x in chapter.segments[max(0, i - 3) : i])
            rest = chapter.segments[i + 1 : i + 3]
            after = "".join((x.separator or " ") + x.content for x in rest)
            lines.append(
                {
                    "id": s.id,
                    "chapter": chapter.number,
                    "type": s.type,
                    "before": (before + (s.separator or ""))[-CONTEXT_CHARS:],
                    "content": s.content,
                    "after": after[:CONTEXT_CHARS],
                    "speaker": s.speaker,
                    "confidence": s.speaker_confidence,
                    "rule": s.speaker_rule or "",
                }
            )
    people = [
        {"id": c.id, "name": c.name, "aliases": c.aliases, "gender": c.gender, "age": c.age, "role": c.role}
        for c in novel.characters
    ]
    return {"title": novel.title, "language": novel.language, "characters": people, "lines": lines}
