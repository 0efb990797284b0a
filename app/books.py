"""Books that came in through API or page: kept under `<home>/uploads`, by content.

A novel is stored in its loaded form, named by its hash: the same book sent twice is one file, an edited line is a new
one. A book keeps its folder in the library through all edits, so its cast and its chapters stay together.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.problems import not_found
from story.errors import InputError
from story.loading import load_novel, parse_novel
from story.novel import Chapter, Novel, Segment

BOOK_DIGITS = 16
_NAME = re.compile(r"[0-9a-f]{64}")
EDITABLE = ("content", "speaker", "voice_id", "emotion", "emotion_intensity", "style", "type")


@dataclass(frozen=True)
class Upload:
    """A stored novel and the name its content gives it."""

    path: Path
    novel: Novel

    @property
    def book(self) -> str:
        """The name of a book that begins with this content."""
        return self.path.stem[:BOOK_DIGITS]


class BookStore:
    def __init__(self, home: Path) -> None:
        self.root = home / "uploads"

    def add(self, novel: Novel) -> Upload:
        """Store a novel (if it is not there yet)."""
        content = novel.model_dump_json(exclude_none=True, indent=1).encode()
        path = self._path(hashlib.sha256(content).hexdigest())
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fd, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
            with os.fdopen(fd, "wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            Path(part).replace(path)
        return Upload(path, novel)

    def incoming(self, suffix: str) -> Path:
        """A new temporary file for something that is arriving; whoever asked removes it."""
        self.root.mkdir(parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(prefix=".incoming-", suffix=suffix, dir=self.root)
        os.close(fd)
        return Path(name)

    def add_tree(self, tree: Any, where: str) -> Upload:
        """Store the novel in a parsed JSON tree; raises NovelError with place and remedy."""
        return self.add(parse_novel(tree, where))

    def find(self, name: str) -> Upload:
        """An upload by its 64 hex digits."""
        if not _NAME.fullmatch(name) or not self._path(name).exists():
            raise not_found("there is no such book")
        return Upload(self._path(name), novel_at(self._path(name)))

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / f"{digest}.json"


def novel_at(path: Path) -> Novel:
    """The novel in a file; the last few are kept, as long as the file does not change. Not to be altered.

    Raises:
        NovelError: the file is gone, or no novel.
    """
    try:
        stat = path.stat()
    except OSError:
        raise InputError("the book's file is gone", where=path.name, remedy="send the book again") from None
    return _cached(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _cached(path: Path, changed: int, size: int) -> Novel:
    return load_novel(path)


def chapter_of(novel: Novel, chapter_id: str) -> Chapter:
    for chapter in novel.chapters:
        if chapter.id == chapter_id:
            return chapter
    raise not_found("the book has no such chapter")


def segment_of(chapter: Chapter, segment_id: str) -> Segment:
    for segment in chapter.segments:
        if segment.id == segment_id:
            return segment
    raise not_found("the chapter has no such line")


def edited(novel: Novel, chapter_id: str, segment_id: str, change: dict[str, Any]) -> Novel:
    """A copy with one line changed (fields of EDITABLE), checked as a whole book is.

    Raises:
        NovelError: what the change makes of the line is wrong, e.g. a speaker nobody knows.
    """
    segment_of(chapter_of(novel, chapter_id), segment_id)
    tree = json.loads(novel.model_dump_json(exclude_none=True))
    for chapter in tree["chapters"]:
        for segment in chapter["segments"]:
            if chapter["id"] == chapter_id and segment["id"] == segment_id:
                segment.update({k: v for k, v in change.items() if k in EDITABLE})
                if not segment.get("voice_id"):
                    segment.pop("voice_id", None)
    return parse_novel(tree, "the edited book", title=novel.title)


def recast(novel: Novel, voices: dict[str, str]) -> Novel:
    """A copy in which these characters (by id) have these voices."""
    known = {c.id for c in novel.characters}
    for character in voices:
        if character not in known:
            raise not_found("the book has no such character")
    characters = [c.model_copy(update={"voice_id": voices.get(c.id, c.voice_id)}) for c in novel.characters]
    return novel.model_copy(update={"characters": characters})
