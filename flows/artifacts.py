"""What a run shows in Prefect's UI beside its stages' progress: the cast as a table, the result with links."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.runtime import flow_run

from flows.book_results import BookChapter, BookResult, ShowResult
from flows.outcome import lufs, summary
from models.machine import Machine
from story.novel import Chapter
from tasks.bar import BarState
from tasks.bar_artifact import BarArtifact, only_a_view
from tasks.progress import StageEvent, State, tell
from tasks.results import ChapterResult, Status


class BookProgress:
    """Counts the book's chapters: a progress artifact, and events for the terminal."""

    def __init__(self, chapters: list[Chapter]) -> None:
        self._state = BarState(stage="book", unit="chapter", total=len(chapters))
        self._artifact = BarArtifact(self._state, UUID(str(flow_run.id)))

    def begins(self, title: str) -> None:
        """A chapter is rendered in this process from now on."""
        self._tell("started", title)

    def ended(self, chapter: BookChapter) -> None:
        done = self._state.done + 1
        share = done / self._state.total
        self._state = self._state.model_copy(update={"done": done, "share": share})
        self._tell("advanced", f"{chapter.number} {'kept' if chapter.kept else chapter.status}")
        self._artifact.show(self._state, at_once=True)

    def finish(self) -> None:
        self._tell("finished")

    def _tell(self, state: State, note: str = "") -> None:
        tell(StageEvent("book", state, self._state.done, self._state.total, "chapter", note))


def show_chapter(result: ChapterResult, machine: Machine) -> None:
    """The chapter's cast as a table, and its result."""
    rows = [
        {"character": v.name, "voice": v.voice_id, "lines": v.lines, "seconds": v.seconds}
        for v in result.cast
    ]
    tail = _run_tail()
    with only_a_view():
        create_table_artifact(rows, key=f"cast-{tail}", description=f"Cast, voices of {result.speech_model}")
        create_markdown_artifact(
            chapter_markdown(result, machine), key=f"result-{tail}", description="Result"
        )


def show_book(result: BookResult, machine: Machine) -> None:
    with only_a_view():
        create_markdown_artifact(
            book_markdown(result, machine), key=f"result-{_run_tail()}", description="Result"
        )


def show_serial(status: Status, shows: list[ShowResult], unread: dict[Path, str]) -> None:
    """What was new in each show, and where its feed is."""
    lines = [f"**{status}**"]
    for show in shows:
        new = [c for c in show.chapters if not c.kept]
        kept = len(show.chapters) - len(new)
        lines += ["", f"## {_plain(show.novel)}", "", f"{kept} chapters kept."]
        lines += [f"- {c.number} {_plain(c.title)}: {c.status} {_plain(_note(c))}" for c in new]
        lines += ["", f"Feed: `{show.feed}`"] if show.feed else []
    lines += _list("Files that could not be read", [f"{p.name}: {why}" for p, why in unread.items()])
    with only_a_view():
        create_markdown_artifact("\n".join(lines), key=f"result-{_run_tail()}", description="Result")


def chapter_markdown(result: ChapterResult, machine: Machine) -> str:
    """Status, length and loudness, what is missing, every warning, links to the page and the files."""
    lines = [
        f"# {_plain(result.novel)} · {result.number} · {_plain(result.title)}",
        f"**{result.status}**: {_plain(summary(result))}",
        "",
        f"{result.takes_generated} takes made, {result.takes_cached} from the store. "
        f"Speech by {result.speech_model}, sounds by {result.sound_model}.",
        *_links(result.flow_run_id, machine),
        *_list(
            "Missing",
            [f"{m.kind} {m.id} at {m.start_s:.1f} s: {m.what} ({m.reason})" for m in result.missing],
        ),
        *_list("Warnings", result.warnings),
        *_list("Credits", result.credits),
        "",
        "## Files",
        "",
        *(f"- {name}: `{path}`" for name, path in result.outputs.items()),
    ]
    return "\n".join(lines)


def book_markdown(result: BookResult, machine: Machine) -> str:
    """The same of a book: a row a chapter, and the command for what failed."""
    rows = [
        f"| {c.number} | {_plain(c.title)} | {'kept' if c.kept else c.status} | {_length(c)} | {_plain(_note(c))} |"
        for c in result.chapters
    ]
    lines = [
        f"# {_plain(result.novel)}",
        f"**{result.status}**: {result.duration_s / 60:.1f} minutes at {lufs(result.integrated_lufs)}"
        if result.integrated_lufs is not None
        else f"**{result.status}**: {result.duration_s / 60:.1f} minutes",
        *_links(result.flow_run_id, machine),
        "",
        "| | chapter | | length | |",
        "|---|---|---|---|---|",
        *rows,
        *(["", "## Run again", "", *(f"```\n{c}\n```" for c in result.again)] if result.again else []),
        *_list("Warnings", result.warnings),
        "",
        "## Files",
        "",
        *(f"- {name}: `{path}`" for name, path in result.outputs.items()),
    ]
    return "\n".join(lines)


def _links(run_id: str | None, machine: Machine) -> list[str]:
    if not machine.page_url or not run_id:
        return []
    base = machine.page_url.rstrip("/")
    return ["", f"[Listen and follow on the page]({base}/runs/{quote(run_id)})"]


def _list(title: str, entries: list[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {_plain(e)}" for e in entries)] if entries else []


def _length(chapter: BookChapter) -> str:
    if chapter.result is None:
        return ""
    minutes, seconds = divmod(round(chapter.result.duration_s), 60)
    return f"{minutes}:{seconds:02d}"


def _note(chapter: BookChapter) -> str:
    if chapter.result is None:
        return chapter.error
    return summary(chapter.result) if chapter.status == "degraded" else ""


def _plain(text: str) -> str:
    """A book's words as text, not as markup, on one line."""
    text = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text


def _run_tail() -> str:
    return str(flow_run.id)[-8:]
