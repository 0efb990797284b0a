"""A book's files on disk: where a chapter is published, the cast file beside it, and the lock against two renders of
the same chapter at once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from prefect.logging import get_run_logger

from models.machine import Machine
from story.cast import Cast, Voice, cast_novel, read_cast_file, write_cast_file
from story.novel import Chapter, Novel
from tasks.publish import folder_name


def chapter_target(output: Path, novel: Novel, chapter: Chapter) -> Path:
    """`<output>/<novel>/<chapter>`, absolute."""
    return output.expanduser().resolve() / folder_name(novel.title) / folder_name(chapter.id)


@contextlib.contextmanager
def chapter_lock(target: Path, machine: Machine) -> Iterator[Path]:
    """One render of a chapter at a time; yields its own, empty work folder (left there on failure)."""
    name = f"{target.name}-{_digest(target)}"
    with _locked(machine, name, f"another run is rendering this chapter into {target}; waiting for it"):
        work_dir = machine.work_dir / name
        shutil.rmtree(work_dir, ignore_errors=True)  # of a run that was killed
        work_dir.mkdir(parents=True)
        yield work_dir


@contextlib.contextmanager
def book_lock(output: Path, novel: Novel, machine: Machine) -> Iterator[None]:
    """One run over a whole book at a time."""
    book_dir = output.expanduser().resolve() / folder_name(novel.title)
    waiting = f"another run is at work on this book in {book_dir}; waiting for it"
    with _locked(machine, f"book-{_digest(book_dir)}", waiting):
        yield


@contextlib.contextmanager
def _locked(machine: Machine, name: str, waiting: str) -> Iterator[None]:
    """Hold the lock of that name; `waiting` goes into the run's log when somebody else holds it."""
    machine.lock_dir.mkdir(parents=True, exist_ok=True)
    with (machine.lock_dir / f"{name}.lock").open("a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            get_run_logger().info("%s", waiting)
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def book_cast(book_dir: Path, novel: Novel, voices: list[Voice], model: str, machine: Machine) -> Cast:
    """The book's cast for `model`, kept in `<book>/cast.json`; what a person edited there wins."""
    path = book_dir / "cast.json"
    book_dir.mkdir(parents=True, exist_ok=True)
    machine.lock_dir.mkdir(parents=True, exist_ok=True)
    with (machine.lock_dir / "cast.lock").open("a") as f:  # two chapters of a book may start together
        fcntl.flock(f, fcntl.LOCK_EX)
        kept = read_cast_file(path) if path.exists() else {}
        cast = cast_novel(novel, voices, model, novel.language, kept.get(model))
        write_cast_file(path, novel, {**kept, model: {a.character: a.voice_id for a in cast.assignments}})
    return cast
