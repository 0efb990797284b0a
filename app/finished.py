"""A finished chapter's files, as far as API and page may show them: only what lies in the library, by exact name.

No path is ever built from what a request says. A name is looked up in the list of the chapter's own files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from app.books import novel_at
from app.problems import Problem, not_found
from app.run_record import Run
from flows.book_files import chapter_target
from models.takes import Take, TakeStore
from story.errors import SoundboundError
from story.loading import select_chapters
from story.novel import Chapter, Novel
from story.timeline import DialogueSegment, Timeline
from tasks.results import ChapterResult

MEDIA_TYPES = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip; charset=utf-8",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".xml": "application/xml",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}
_KEY = re.compile(r"[0-9a-f]{32}")


class Line(BaseModel):
    """A spoken line with where it is in the chapter; start_s is None where no timeline has it."""

    id: str
    type: str
    speaker: str
    speaker_name: str
    content: str
    emotion: str
    emotion_intensity: float
    style: str
    voice_id: str
    start_s: float
    end_s: float
    made: bool  # False: its take is missing, there is silence


@dataclass(frozen=True)
class Finished:
    """A chapter in the library."""

    folder: Path
    report: ChapterResult
    novel: Novel
    chapter: Chapter

    def files(self) -> dict[str, Path]:
        """Name (relative, with /) → file. Links and hidden files are not shown."""
        return {
            p.relative_to(self.folder).as_posix(): p
            for p in sorted(self.folder.rglob("*"))
            if p.is_file()
            and not any(part.is_symlink() for part in (p, *p.parents) if self.folder in part.parents)
            and not any(part.startswith(".") for part in p.relative_to(self.folder).parts)
        }

    def file(self, name: str) -> Path:
        found = self.files().get(name)
        if found is None:
            raise not_found("the chapter has no such file")
        return found

    def named(self, stem: str) -> str:
        """The name of the file called `stem` in whatever format: "master", "stems/dialogue"."""
        for name in self.files():
            if name.rpartition(".")[0] == stem:
                return name
        raise not_found("the chapter has no such file")

    def timeline(self) -> Timeline:
        return Timeline.model_validate_json(self.file("timeline.json").read_bytes())

    def lines(self) -> list[Line]:
        """The chapter's spoken lines in order, with their times."""
        names = {c.id: c.name for c in self.novel.characters}
        missing = {m.id for m in self.report.missing if m.kind == "line"}
        return [_line(s, names, made=s.id not in missing) for s in self.timeline().dialogue_segments]

    def take(self, place: str, store: TakeStore) -> Path:
        """The take used at a place (a line's id), from the take store."""
        try:
            provenance: Any = json.loads(self.file("provenance.json").read_bytes())
            key = provenance["takes"][place]["key"]
        except (ValueError, KeyError, TypeError):
            raise not_found("the chapter has no such take") from None
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise not_found("the chapter has no such take")
        take: Take | None = store.get(key)
        if take is None or store.path(take).name != f"{key}.flac":
            raise Problem(410, "gone", "the take is no longer in the store; render the chapter again")
        return store.path(take)


def chapters_of(run: Run) -> tuple[Novel, list[Chapter]]:
    """The run's novel and which of its chapters it renders; raises SoundboundError when the file is no novel."""
    novel = novel_at(run.novel)
    return novel, select_chapters(novel, run.chapters)


def finished(run: Run, library: Path, chapter_id: str | None = None) -> Finished:
    """The files that `run` made for one chapter (its only one, or the named one).

    Raises:
        Problem: 404 outside the library or not there; 409 not done yet; 410 replaced by a later run.
    """
    if run.status in ("queued", "running", "cancelling") and run.kind == "chapter":
        raise Problem(409, "not_finished", f"the task is {run.status}; its results come when it has ended")
    try:
        novel, chapters = chapters_of(run)
    except SoundboundError:
        raise Problem(410, "gone", "the novel's file is gone or was changed") from None
    chapter = next((c for c in chapters if chapter_id in (None, c.id)), None)
    if chapter is None:
        raise not_found("the task has no such chapter")
    folder = _inside(chapter_target(Path(str(run.options.get("output", "out"))), novel, chapter), library)
    try:
        report = ChapterResult.model_validate_json((folder / "report.json").read_bytes())
    except (OSError, ValidationError):
        raise not_found(
            "the task has left no results" if run.status != "queued" else "no results yet"
        ) from None
    if run.kind == "chapter" and report.flow_run_id != str(run.task_id):
        raise Problem(410, "replaced", f"a later task has replaced these files: {report.flow_run_id}")
    return Finished(folder, report, novel, chapter)


def book_files(run: Run, library: Path) -> dict[str, Path]:
    """The files of the run's book as a whole (M4B, cast, report), by name."""
    try:
        novel, chapters = chapters_of(run)
    except SoundboundError:
        raise Problem(410, "gone", "the novel's file is gone or was changed") from None
    output = Path(str(run.options.get("output", "out")))
    folder = _inside(chapter_target(output, novel, chapters[0]).parent, library)
    if not folder.is_dir():
        raise not_found("the task has left no results")
    return {
        p.name: p
        for p in sorted(folder.iterdir())
        if p.is_file() and not p.is_symlink() and not p.name.startswith(".")
    }


def _inside(folder: Path, library: Path) -> Path:
    real = folder.resolve()
    if not real.is_relative_to(library.resolve()) or real == library.resolve():
        raise not_found("the task's files are outside the library folder")
    return real


def _line(segment: DialogueSegment, names: dict[str, str], *, made: bool) -> Line:
    return Line(
        id=segment.id,
        type=segment.type,
        speaker=segment.speaker,
        speaker_name=names.get(segment.speaker, segment.speaker),
        content=segment.content,
        emotion=segment.emotion,
        emotion_intensity=segment.emotion_intensity,
        style=segment.style,
        voice_id=segment.voice_id,
        start_s=segment.start_s,
        end_s=segment.end_s,
        made=made,
    )
