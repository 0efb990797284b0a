"""How a problem in a novel is told: its place in the person's own words, pydantic's findings as plain sentences."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from story.errors import NovelError
from story.jsonfile import Path_, clip, nearest, quote

SHOWN = 3  # problems named in one message; the rest are counted


class Places:
    """Turns a path in a novel's tree into "chapter 5, segment ch05-0003, field content".

    `moved` maps paths of segments to where the person wrote them, for foreign forms (foreign.to_novel_shape).
    """

    def __init__(self, where: str, tree: Any, moved: dict[Path_, Path_] | None = None) -> None:
        self.where, self.tree, self.moved = where, tree, moved or {}

    def of(self, path: Path_) -> str:
        """The place inside the file, "" for the file as a whole."""
        origin = self.moved.get(path[:4])
        if origin is not None and len(path) == 3:
            head, rest = [], origin  # the list of lines itself
        elif origin is not None:
            head, rest = [_line(origin)], path[4:]
        elif path[:1] == ("chapters",) and len(path) > 1:
            head, rest = [self._chapter(path[1])], path[2:]
            if rest[:1] == ("segments",) and len(rest) > 1:
                head.append(self._named("segment", (*path[:3], rest[1]), rest[1]))
                rest = rest[2:]
        elif path[:1] == ("characters",) and len(path) > 1:
            head, rest = [self._named("character", path[:2], path[1])], path[2:]
        elif path and isinstance(path[0], int):
            head, rest = [_line(path[:1])], path[1:]
        elif len(path) > 1 and path[0] in ("synthesis_plan", "segments") and isinstance(path[1], int):
            head, rest = [_line(path[:2])], path[2:]
        else:
            head, rest = [], path
        if rest:
            head.append("field " + clip(".".join(map(str, rest)), 60))
        return ", ".join(head)

    def full(self, path: Path_) -> str:
        place = self.of(path)
        return f"{self.where}, {place}" if place else self.where

    def error(self, path: Path_, message: str, remedy: str) -> NovelError:
        return NovelError(message, where=self.full(path), remedy=remedy)

    def _at(self, path: Path_) -> Any:
        value = self.tree
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _chapter(self, index: str | int) -> str:
        chapter = self._at(("chapters", index))
        number = chapter.get("number") if isinstance(chapter, dict) else None
        name = number if isinstance(number, int) else chapter.get("id") if isinstance(chapter, dict) else None
        return f"chapter {clip(str(name), 40) if name is not None else _ordinal(index)}"

    def _named(self, kind: str, path: Path_, index: str | int) -> str:
        item = self._at(path)
        name = (item.get("id") or item.get("name")) if isinstance(item, dict) else None
        return (
            f"{kind} {clip(str(name), 40) if isinstance(name, str | int) and name != '' else _ordinal(index)}"
        )


def _line(path: Path_) -> str:
    """Where a flat form's line stands, counted from 1: "line 4 of synthesis_plan"."""
    keys = [str(k) for k in path[:-1] if isinstance(k, str)]
    return f"line {_ordinal(path[-1])}" + (f" of {'.'.join(keys)}" if keys else " of the list")


def _ordinal(index: str | int) -> str:
    return str(index + 1) if isinstance(index, int) else str(index)


def told(problem: ValidationError, places: Places) -> NovelError:
    """One NovelError for the first few of pydantic's findings."""
    found = problem.errors(include_url=False, include_context=True)
    first, *others = found
    message, remedy = _sentence(first)
    for other in others[: SHOWN - 1]:
        place = places.of(_path(other))
        message += f"; also {place + ' ' if place else ''}{_sentence(other)[0]}"
    if len(found) > SHOWN:
        message += f"; and {len(found) - SHOWN} more"
    return places.error(_path(first), message, remedy)


def _path(details: ErrorDetails) -> Path_:
    return tuple(details["loc"])


def _sentence(details: ErrorDetails) -> tuple[str, str]:
    """(what is wrong, what to do) for one pydantic error."""
    kind, value = details["type"], details["input"]
    field = str(details["loc"][-1]) if details["loc"] else "the novel"
    context = details.get("ctx", {})
    if kind == "missing":
        keys = [str(k) for k in value] if isinstance(value, dict) else []
        near = nearest(field, keys, 1)
        return "is missing", f"rename {quote(near[0])} to {field}" if near else f'add "{field}": …'
    if kind == "literal_error":
        options = [o.strip(" '\"") for o in str(context.get("expected", "")).replace(" or ", ", ").split(",")]
        near = nearest(str(value), options, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"does not know {_kind(value)}", f"{hint}it may be {', '.join(o for o in options if o)}"
    if kind == "string_type":
        return f"must be text, not {_kind(value)}", "put it in quotation marks" if _plain(
            value
        ) else "write text"
    if kind == "list_type":
        return f"must be a list, not {_kind(value)}", "write it in [ ]"
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return f"must be an object, not {_kind(value)}", "write it as { … }"
    if kind in {"greater_than_equal", "less_than_equal"} and field == "emotion_intensity":
        return f"is {value}, out of range", "write a number from 0 to 1 (80 % is 0.8)"
    if kind == "greater_than_equal":
        return f"is {value}, too small", f"write {context.get('ge')} or more"
    if kind.startswith("int"):
        return f"must be a whole number, not {_kind(value)}", "write digits only, without quotation marks"
    if kind.startswith("float"):
        return f"must be a number, not {_kind(value)}", "write a number without quotation marks"
    if kind == "string_too_short":
        return "is empty", "write it, or leave the field out"
    return f"is wrong: {clip(details['msg'], 80)}", "look it up in the novel format"


def _plain(value: Any) -> bool:
    return isinstance(value, int | float)


def _kind(value: Any) -> str:
    """A value as a person would say it: "the number 5", "a list", "the text “x”"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {clip(str(value), 20)}"
    if isinstance(value, str):
        return f"the text {quote(value, 40)}"
    return "a list" if isinstance(value, list) else "an object"


kind_of = _kind
