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
    name = f"{target.name}-{hashlib.sha256(str(target).encode()).hexdigest()[:12]}"
    machine.lock_dir.mkdir(parents=True, exist_ok=True)
    with (machine.lock_dir / f"{name}.lock").open("a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            get_run_logger().info("another run is rendering this chapter into %s; waiting for it", target)
            fcntl.flock(f, fcntl.LOCK_EX)
        work_dir = machine.work_dir / name
        shutil.rmtree(work_dir, ignore_errors=True)  # of a run that was killed
        work_dir.mkdir(parents=True)
        yield work_dir


@contextlib.contextmanager
def book_lock(output: Path, novel: Novel, machine: Machine) -> Iterator[None]:
    """One run over a whole book at a time."""
    book_dir = output.expanduser().resolve() / folder_name(novel.title)
    name = f"book-{hashlib.sha256(str(book_dir).encode()).hexdigest()[:12]}"
    machine.lock_dir.mkdir(parents=True, exist_ok=True)
    with (machine.lock_dir / f"{name}.lock").open("a") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            get_run_logger().info("another run is at work on this book in %s; waiting for it", book_dir)
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


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
