"""Loading a novel: our own form or a foreign one, checked as a whole, every mistake told in one line with its remedy.

The only way a novel enters the house. What comes out of here is whole: speakers are character ids, ids are unique
(segments within their chapter), every chapter has something to say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from story.errors import NovelError
from story.foreign import to_novel_shape
from story.jsonfile import Path_, check_tree, nearest, quote, read_json
from story.languages import detect_language, language_tag
from story.novel import Character, Novel, Segment
from story.problems import Places, kind_of, told
from story.selection import select_chapters as select_chapters
from story.speakers import SpeakerIndex, derive_characters, infer_roles

MAX_BYTES = 50 * 2**20  # the stated limit: War and Peace as novel JSON is about 10 MiB
MAX_SEGMENT_CHARS = 20_000  # some 20 minutes of speech in one take; a paragraph of prose rarely exceeds 3,000
FORMAT = "soundbound.novel/1"
_UNSPOKEN = ("break", "effect")
_WORDS = {"type", "gender", "age", "role"}  # fields that hold one of a few words; read in any case
_BLANK = " \t\r\n\f\v\u3000\u00a0\u200b\u200c\u200d\u2060\ufeff"


def load_novel(path: Path, *, max_bytes: int = MAX_BYTES) -> Novel:
    """The novel in a JSON file of any accepted form.

    Args:
        max_bytes: files larger than this are refused before they are read.
    Raises:
        NovelError: anything wrong with the file or its content, with place and remedy.
    """
    path = Path(path)
    data = read_json(path, max_bytes=max_bytes, error=NovelError, kind="novel")
    return parse_novel(data, str(path), title=path.stem)


def parse_novel(data: Any, where: str, *, title: str = "Untitled") -> Novel:
    """The novel in an already parsed JSON tree, which is left unchanged.

    Args:
        where: named in errors: the file, or "novel_data" for a request.
        title: used where the novel has none.
    Raises:
        NovelError: see load_novel.
    """
    check_tree(data, where, NovelError, Places(where, data).of)
    shaped, moved = to_novel_shape(data)
    places = Places(where, shaped, moved)
    tree = _with_defaults(shaped, places, title)
    try:
        novel = Novel.model_validate(tree)
    except ValidationError as problem:
        raise told(problem, places) from None
    given_roles = {c["id"] for c in tree.get("characters", []) if c.get("role")}
    _check_ids(novel, places)
    _check_contents(novel, places)
    _resolve_speakers(novel, places, given_roles, typed=_typed(tree))
    novel.language = _language(tree, novel, places)
    return novel


def _with_defaults(data: Any, places: Places, title: str) -> dict[str, Any]:
    """A copy of the tree with ids, numbers and the like filled in; raises for a wrong outline."""
    if not isinstance(data, dict):
        raise places.error(
            (), f"a novel must be an object or a list of lines, not {kind_of(data)}", "see the examples"
        )
    book = _tidy(data)
    version = book.get("format", FORMAT)
    if version != FORMAT:
        raise places.error(
            ("format",), f"{kind_of(version)} is not a format this version reads", f'write "{FORMAT}"'
        )
    book.setdefault("title", title)
    chapters = _list_of(book, "chapters", (), places, 'add "chapters": [{"segments": […]}]')
    used = {c["number"] for c in chapters if isinstance(c, dict) and type(c.get("number")) is int}
    book["chapters"] = [_chapter(c, i, used, places) for i, c in enumerate(chapters)]
    if isinstance(book.get("characters"), list):
        book["characters"] = [_character(c) for c in book["characters"]]
    return book


def _list_of(item: dict[str, Any], key: str, path: Path_, places: Places, remedy: str) -> list[Any]:
    if key not in item:
        near = nearest(key, [k for k in item if k not in Novel.model_fields], 1)
        hint = f"rename {quote(near[0])} to {key}" if near else remedy
        raise places.error(path, f"has no {key}", hint)
    value = item[key]
    if not isinstance(value, list):
        raise places.error((*path, key), f"must be a list, not {kind_of(value)}", "write it in [ ]")
    if not value:
        raise places.error(
            (*path, key), "is an empty list", f"add {key}, or delete this {'chapter' if path else 'file'}"
        )
    return value


def _chapter(item: Any, index: int, used: set[int], places: Places) -> Any:
    if not isinstance(item, dict):
        return item  # pydantic says what it must be
    path: Path_ = ("chapters", index)
    chapter = _tidy(item)
    if "number" not in chapter:
        chapter["number"] = next(n for n in range(index + 1, index + len(used) + 2) if n not in used)
        used.add(chapter["number"])
    if "id" not in chapter:
        number = chapter["number"]
        chapter["id"] = f"ch{number:02d}" if type(number) is int else f"ch{index + 1:02d}"
    segments = _list_of(chapter, "segments", path, places, 'add "segments": [{"speaker": …, "content": …}]')
    taken = {s["id"] for s in segments if isinstance(s, dict) and isinstance(s.get("id"), str)}
    chapter["segments"] = [_segment(s, f"{chapter['id']}-{j + 1:04d}", taken) for j, s in enumerate(segments)]
    return chapter


def _segment(item: Any, default_id: str, taken: set[str]) -> Any:
    if not isinstance(item, dict):
        return item
    segment = _tidy(item)
    if "id" not in segment:
        while default_id in taken:
            default_id += "b"
        segment["id"] = default_id
        taken.add(default_id)
    if isinstance(segment.get("speaker"), int) and not isinstance(segment["speaker"], bool):
        segment["speaker"] = str(segment["speaker"])
    if segment.get("type") in _UNSPOKEN:
        segment.setdefault("speaker", "")
        if segment["type"] == "break" and "text" not in segment:
            segment.setdefault("content", "")
    return segment


def _character(item: Any) -> Any:
    if isinstance(item, str):
        return {"id": item, "name": item}
    if not isinstance(item, dict):
        return item
    character = _tidy(item)
    if "id" not in character and "name" in character:
        character["id"] = character["name"]
    if "name" not in character and "id" in character:
        character["name"] = character["id"]
    return character


def _tidy(item: dict[str, Any]) -> dict[str, Any]:
    """A copy without nulls (a null is a field left out), numbers as ids made text, choice words in lower case."""
    tidy = {k: v for k, v in item.items() if v is not None}
    if type(tidy.get("id")) is int:
        tidy["id"] = str(tidy["id"])
    for key in _WORDS & tidy.keys():
        if isinstance(tidy[key], str):
            tidy[key] = tidy[key].strip().lower()
    return tidy


def _typed(tree: dict[str, Any]) -> list[list[bool]]:
    return [["type" in s for s in chapter["segments"]] for chapter in tree["chapters"]]


def _check_ids(novel: Novel, places: Places) -> None:
    def unique(values: list[Any], path: Path_, field: str, what: str) -> None:
        first: dict[Any, int] = {}
        for i, value in enumerate(values):
            if value in first:
                message = f"{quote(str(value))} is already the {field} of {what} {first[value] + 1}"
                raise places.error((*path, i, field), message, f"give each {what} its own {field}")
            first[value] = i

    unique([c.id for c in novel.characters], ("characters",), "id", "character")
    unique([c.id for c in novel.chapters], ("chapters",), "id", "chapter")
    unique([c.number for c in novel.chapters], ("chapters",), "number", "chapter")
    for i, chapter in enumerate(novel.chapters):
        bad = (
            not chapter.id.strip(_BLANK + ".")
            or re.search(r"[/\\:*?\"<>|]", chapter.id)
            or len(chapter.id) > 100
        )
        if bad:  # outputs go into a folder of this name
            raise places.error(
                ("chapters", i, "id"),
                f"{quote(chapter.id)} can't name a folder",
                "use letters, digits, - and _",
            )
        unique([s.id for s in chapter.segments], ("chapters", i, "segments"), "id", "segment")
        for j, segment in enumerate(chapter.segments):
            if not segment.id.strip(_BLANK):
                raise places.error(
                    ("chapters", i, "segments", j, "id"), "is empty", "write an id, or leave it out"
                )


def _check_contents(novel: Novel, places: Places) -> None:
    for i, chapter in enumerate(novel.chapters):
        for j, segment in enumerate(chapter.segments):
            path: Path_ = ("chapters", i, "segments", j, "content")
            if segment.type != "break" and not segment.content.strip(_BLANK):
                raise places.error(path, "is empty", "write what is said there, or delete the segment")
            if len(segment.content) > MAX_SEGMENT_CHARS:
                message = f"has {len(segment.content):,} characters, over the limit of {MAX_SEGMENT_CHARS:,}"
                raise places.error(path, message, "split it at paragraphs into several segments")
        if not any(s.voiced for s in chapter.segments):
            raise places.error(
                ("chapters", i), "nothing is spoken in it", "add narration or dialogue, or delete it"
            )


def _resolve_speakers(novel: Novel, places: Places, given_roles: set[str], typed: list[list[bool]]) -> None:
    """Speakers become character ids; characters, roles and segment types that were left out are filled in."""
    spoken = [s for c in novel.chapters for s in c.segments if s.spoken]
    listed = bool(novel.characters)
    if not listed:
        novel.characters = derive_characters(s.speaker for s in spoken)
    elif not any(c.role == "narrator" for c in novel.characters):
        # A list of the story's people often leaves out the voice that tells it; only its own name brings it in.
        index = SpeakerIndex(novel.characters)
        strangers = [s.speaker for s in spoken if not index.find(s.speaker).characters]
        novel.characters += [c for c in derive_characters(strangers) if c.role == "narrator"][:1]
    index = SpeakerIndex(novel.characters)
    problems: list[tuple[Path_, str, str]] = []
    for i, chapter in enumerate(novel.chapters):
        for j, segment in enumerate(chapter.segments):
            found = index.find(segment.speaker).characters
            if len(found) == 1:
                segment.speaker = found[0].id
            elif segment.spoken:
                path: Path_ = ("chapters", i, "segments", j, "speaker")
                problems.append((path, *_unresolved(segment.speaker, found, novel.characters)))
    if problems:
        path, message, remedy = problems[0]
        more = f" (as are the speakers of {len(problems) - 1} more segments)" if len(problems) > 1 else ""
        raise places.error(path, message + more, remedy)
    given = given_roles if listed else set()
    _type_lines(novel, typed)
    infer_roles(novel.characters, given, spoken)
    _type_lines(novel, typed)
    narrator = next((c.id for c in novel.characters if c.role == "narrator"), novel.characters[0].id)
    known = {c.id for c in novel.characters}
    for chapter in novel.chapters:
        for segment in chapter.segments:
            if segment.speaker not in known:  # breaks and effects need no speaker
                segment.speaker = narrator


def _type_lines(novel: Novel, typed: list[list[bool]]) -> None:
    """Lines without a type are dialogue, unless the narrator speaks them."""
    narrators = {c.id for c in novel.characters if c.role == "narrator"}
    for chapter, flags in zip(novel.chapters, typed, strict=True):
        for segment, has_type in zip(chapter.segments, flags, strict=True):
            if not has_type:
                segment.type = "narration" if segment.speaker in narrators else "dialogue"


def _unresolved(speaker: str, found: tuple[Character, ...], characters: list[Character]) -> tuple[str, str]:
    if not speaker.strip(_BLANK):
        return "is empty", "name who speaks: a character's id, name or alias"
    if found:
        who = " and ".join(f"{c.name} ({c.id})" if c.name != c.id else c.id for c in found[:3])
        return f"{quote(speaker)} may be {who}", f"write the id: {' or '.join(c.id for c in found[:3])}"
    names = list(dict.fromkeys(n for c in characters for n in (c.name, c.id, *c.aliases)))
    near = nearest(speaker, names)
    people = ", ".join(quote(c.name, 30) for c in characters[:5]) + (" …" if len(characters) > 5 else "")
    if near:
        remedy = f"did you mean {' or '.join(quote(n, 30) for n in near)}? Otherwise add it to characters"
    else:
        remedy = f"add it to characters, or write one of {people}"
    return f"{quote(speaker)} is no character", remedy


def _language(tree: dict[str, Any], novel: Novel, places: Places) -> str:
    lines: list[Segment] = [s for c in novel.chapters for s in c.segments if s.spoken]
    if "language" not in tree:
        return detect_language(s.content for s in lines)
    tag = language_tag(novel.language)
    if tag is None:
        guess = detect_language(s.content for s in lines)
        raise places.error(("language",), f"{quote(novel.language)} is no language tag", f'write "{guess}"')
    return tag
