"""What a task has made: the report's figures, every file (with ranges), stems, captions, lines and their takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel

from app.api.answers import Success, failures
from app.api.services import desk_of, finished_of, run_of
from app.finished import MEDIA_TYPES, Finished, Line, book_files
from app.orders import Desk
from app.problems import Problem, not_found
from app.run_record import Run
from models.takes import TakeStore
from tasks.results import Loudness, MissingSound, Voiced

router = APIRouter(prefix="/api/v1/tasks/{task_id}", tags=["results"])
_RANGE = re.compile(
    r"bytes=\s*(?:\d{1,18}-\d{0,18}|-\d{1,18})(?:\s*,\s*(?:\d{1,18}-\d{0,18}|-\d{1,18})){0,20}\s*"
)
# A report is a page of ours with a book's words in it: it may look well, and do nothing.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'",
}
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file", "content": {"audio/*": {}}},
    206: {
        "description": "The part asked for with Range",
        "content": {"audio/*": {}},
    },
}
_FILE: dict[int | str, dict[str, Any]] = {
    code: {**entry, "content": {"*/*": {}}} for code, entry in _AUDIO.items()
}
_ERRORS = failures(404, 409, 410, 416, 422, 503)
Range = Annotated[str | None, Header(alias="Range", description="bytes=0-1023")]
Done = Annotated[Finished, Depends(finished_of)]


class FileEntry(BaseModel):
    name: str
    url: str
    bytes: int
    media_type: str


class Results(BaseModel):
    """The report's main figures and where every file is."""

    task_id: str
    status: str
    novel: str
    chapter: str
    number: int
    title: str
    duration_s: float
    loudness: Loudness
    takes_generated: int
    takes_cached: int
    speech_model: str
    sound_model: str
    cast: list[Voiced]
    missing: list[MissingSound]
    warnings: list[str]
    files: list[FileEntry]


class BookFiles(BaseModel):
    files: list[FileEntry]


class Lines(BaseModel):
    lines: list[Line]


@router.get("/results", responses=failures(404, 409, 410, 422, 503))
async def results(
    request: Request, task_id: str, done: Done, desk: Annotated[Desk, Depends(desk_of)]
) -> Success[Results]:
    """What was made, once it has ended."""
    files = await desk.heavy(done.files)
    root = f"{request.scope.get('root_path', '')}/api/v1/tasks/{task_id}/files/"
    chosen = request.query_params.get("chapter")
    tail = f"?chapter={quote(chosen)}" if chosen else ""
    entries = [
        FileEntry(name=n, url=root + quote(n) + tail, bytes=p.stat().st_size, media_type=media_type(p))
        for n, p in files.items()
    ]
    figures = done.report.model_dump(include=set(Results.model_fields) - {"task_id", "files"})
    return Success(data=Results(task_id=task_id, files=entries, **figures))


@router.get("/lines", responses=failures(404, 409, 410, 422, 503))
async def lines(done: Done, desk: Annotated[Desk, Depends(desk_of)]) -> Success[Lines]:
    """The chapter's lines with speaker, voice and times: what a player shows beside the sound."""
    return Success(data=Lines(lines=await desk.heavy(done.lines)))


@router.get("/lines/{segment_id}/audio", response_class=FileResponse, responses={**_AUDIO, **_ERRORS})
async def line_audio(
    segment_id: str, done: Done, desk: Annotated[Desk, Depends(desk_of)], range: Range = None
) -> FileResponse:
    """One line as the model spoke it, before the mix."""
    store = TakeStore(desk.settings.machine().takes_dir)
    return served(await desk.heavy(lambda: done.take(segment_id, store)), range)


@router.get("/master", response_class=FileResponse, responses={**_AUDIO, **_ERRORS})
async def master(done: Done, range: Range = None) -> FileResponse:
    """The mastered chapter."""
    return served(done.file(done.named("master")), range)


@router.get("/stems/{stem}", response_class=FileResponse, responses={**_AUDIO, **_ERRORS})
async def stem(
    stem: Literal["dialogue", "environment", "effects"], done: Done, range: Range = None
) -> FileResponse:
    """One of the three stems."""
    return served(done.file(done.named(f"stems/{stem}")), range)


@router.get("/captions", response_class=FileResponse, responses={**_FILE, **_ERRORS})
async def captions(done: Done, format: Literal["vtt", "srt"] = "vtt", range: Range = None) -> FileResponse:
    """Subtitles from measured times."""
    return served(done.file(f"captions.{format}"), range)


@router.get("/report", response_class=FileResponse, responses={**_FILE, **_ERRORS})
async def report(done: Done, format: Literal["json", "html"] = "json", range: Range = None) -> FileResponse:
    """The whole report."""
    return served(done.file(f"report.{format}"), range)


@router.get("/files/{name:path}", response_class=FileResponse, responses={**_FILE, **_ERRORS})
async def file(name: str, done: Done, download: bool = False, range: Range = None) -> FileResponse:
    """Any of the chapter's files by its name in the results; `download` makes a browser save it."""
    answer = served(done.file(name), range)
    if download:
        plain = f"{done.folder.parent.name}-{done.folder.name}-{name.replace('/', '-')}"
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(plain)}"
    return answer


@router.get("/book", responses=failures(404, 410, 422, 503))
async def book(
    request: Request, run: Annotated[Run, Depends(run_of)], desk: Annotated[Desk, Depends(desk_of)]
) -> Success[BookFiles]:
    """The files of the whole book: the M4B once several chapters are rendered, the cast, the book's report."""
    files = await desk.heavy(lambda: book_files(run, desk.settings.library_dir))
    root = f"{request.scope.get('root_path', '')}/api/v1/tasks/{run.task_id}/book/"
    entries = [
        FileEntry(name=n, url=root + quote(n), bytes=p.stat().st_size, media_type=media_type(p))
        for n, p in files.items()
    ]
    return Success(data=BookFiles(files=entries))


@router.get("/book/{name}", response_class=FileResponse, responses={**_FILE, **_ERRORS})
async def book_file(
    name: str,
    run: Annotated[Run, Depends(run_of)],
    desk: Annotated[Desk, Depends(desk_of)],
    download: bool = False,
    range: Range = None,
) -> FileResponse:
    """One file of the whole book."""
    path = (await desk.heavy(lambda: book_files(run, desk.settings.library_dir))).get(name)
    if path is None:
        raise not_found("the book has no such file")
    answer = served(path, range)
    if download:
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(path.name)}"
    return answer


def media_type(path: Path) -> str:
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def served(path: Path, range_: str | None) -> FileResponse:
    """The file, streamed, with ranges. What is no range is ignored, as RFC 9110 (14.2) says.

    Raises:
        Problem: 416 for a range behind the end.
    """
    stat = path.stat()
    answer = _File(path, headers=HEADERS, media_type=media_type(path), stat_result=stat)
    answer.ranged = range_ is not None and _RANGE.fullmatch(range_) is not None
    if answer.ranged and range_ is not None:
        for part in range_.strip()[len("bytes=") :].split(","):
            first, _, last = part.strip().partition("-")
            if not first:
                answer.ranged = answer.ranged and int(last) > 0
            elif int(first) >= stat.st_size:
                size = {"Content-Range": f"bytes */{stat.st_size}"}
                raise Problem(416, "range", f"the file has {stat.st_size} bytes", size)
            elif last and int(last) < int(first):
                answer.ranged = False
    return answer


class _File(FileResponse):
    """A file that leaves out of account a Range header that is none."""

    ranged = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.ranged:
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k.lower() != b"range"]}
        await super().__call__(scope, receive, send)
