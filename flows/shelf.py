"""The listener's shelf: a serial's finished chapters as podcast and as a book for Audiobookshelf.

    <shelf>/<author>/<title>/001 - The Knock.mp3 …  cover.png  captions/  feed.xml  episodes.json

`<author>/<title>/` is how Audiobookshelf and Jellyfin know a book; the feed beside it makes the same files a podcast.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.options import FeedOptions
from models.machine import Machine
from story.cover import plain_cover
from story.errors import InputError
from story.feed import TYPES, Episode, Show, feed_xml
from story.novel import Novel
from tasks.publish import folder_name
from tasks.results import ChapterResult

HERE = "http://127.0.0.1:8765"  # where `soundbound serve` listens unless told otherwise


class Shelved(BaseModel):
    """An episode as the shelf remembers it: what must not change, and where its file is."""

    model_config = ConfigDict(extra="ignore")

    guid: str
    number: int
    title: str
    published: datetime
    file: str
    duration_s: float


class Episodes(BaseModel):
    """episodes.json: by chapter id, also of chapters whose text is gone from the watched folder."""

    format: str = "soundbound.episodes/1"
    episodes: dict[str, Shelved] = Field(default_factory=dict)


def shelf_of(feed: FeedOptions, machine: Machine) -> Path:
    return (feed.shelf or machine.shelf_dir).expanduser().resolve()


def show_folder(novel: Novel, shelf: Path) -> Path:
    return shelf / _file_name(novel.author or "Unknown author") / _file_name(novel.title)


def put_on_shelf(novel: Novel, results: list[ChapterResult], feed: FeedOptions, machine: Machine) -> Path:
    """Bring the show's folder up to date with the finished chapters; returns the feed's path.

    What is unchanged is not written again. New episodes are dated a second apart, so that apps that sort by date keep
    the chapters' order.
    """
    shelf = shelf_of(feed, machine)
    folder = show_folder(novel, shelf)
    (folder / "captions").mkdir(parents=True, exist_ok=True)
    known = _read(folder)
    date = datetime.now(UTC).replace(microsecond=0)
    for result in sorted(results, key=lambda r: r.number):
        old = known.episodes.get(result.chapter)
        known.episodes[result.chapter] = _shelve(result, novel, folder, old, date)
        if old is None:
            date += timedelta(seconds=1)
    cover = _cover(novel, feed, folder)
    address = f"{(feed.base_url or f'{machine.page_url or HERE}/feeds').rstrip('/')}/{_path(folder, shelf)}"
    _write(folder / "episodes.json", known.model_dump_json(indent=1))
    path = folder / "feed.xml"
    _write(path, feed_xml(_show(novel, known, feed, folder, address, cover)))
    return path


def _shelve(
    result: ChapterResult, novel: Novel, folder: Path, old: Shelved | None, date: datetime
) -> Shelved:
    master = result.outputs["master"]
    if master.suffix not in TYPES:
        raise InputError(
            f"podcast apps do not play {master.suffix[1:]}", where="format", remedy="choose mp3 or m4a"
        )
    title = result.title or f"Chapter {result.number}"
    name = f"{result.number:03d} - {_file_name(title)}{master.suffix}"
    if old is not None and old.file != name:
        (folder / old.file).unlink(missing_ok=True)
    _copy(master, folder / name)
    _copy(result.outputs["captions"], folder / "captions" / f"{folder_name(result.chapter)}.vtt")
    return Shelved(
        guid=old.guid if old else f"soundbound:{folder_name(novel.title)}:{result.chapter}",
        number=result.number,
        title=title,
        published=old.published if old else date,
        file=name,
        duration_s=result.duration_s,
    )


def _show(novel: Novel, known: Episodes, feed: FeedOptions, folder: Path, address: str, cover: Path) -> Show:
    episodes = [
        Episode(
            guid=e.guid,
            number=e.number,
            title=e.title,
            description=f"{novel.title}, chapter {e.number}: {e.title}",
            published=e.published,
            url=f"{address}/{quote(e.file)}",
            length_bytes=(folder / e.file).stat().st_size,
            mime=TYPES[Path(e.file).suffix],
            duration_s=e.duration_s,
            transcript_url=f"{address}/captions/{quote(folder_name(chapter))}.vtt",
        )
        for chapter, e in known.episodes.items()
        if (folder / e.file).exists()
    ]
    return Show(
        title=novel.title,
        author=novel.author or "Unknown author",
        description=feed.description or f"{novel.title}, read chapter by chapter.",
        language=novel.language,
        link=address + "/",
        feed_url=f"{address}/feed.xml",
        cover_url=f"{address}/{quote(cover.name)}",
        category=feed.category,
        explicit=feed.explicit,
        email=feed.email,
        episodes=episodes,
    )


def _cover(novel: Novel, feed: FeedOptions, folder: Path) -> Path:
    if feed.cover is not None:
        if not feed.cover.is_file() or feed.cover.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            raise InputError(
                "is no JPEG or PNG file",
                where=str(feed.cover),
                remedy="a square of 1400 to 3000 pixels suits",
            )
        cover = folder / f"cover{feed.cover.suffix.lower()}"
        _copy(feed.cover, cover)
        return cover
    cover = folder / "cover.png"
    if not cover.exists():
        cover.write_bytes(plain_cover(novel.title))
    return cover


def _read(folder: Path) -> Episodes:
    try:
        return Episodes.model_validate_json((folder / "episodes.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Episodes()
    except ValidationError as e:
        raise InputError(
            f"is damaged: {e.errors()[0]['msg']}",
            where=str(folder / "episodes.json"),
            remedy="mend it, or delete it to date all episodes anew",
        ) from None


def _copy(source: Path, target: Path) -> None:
    """A copy that appears whole; nothing is touched when it is there already."""
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return
    incoming = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, incoming)
    incoming.replace(target)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    incoming = path.with_name(f".{path.name}.part")
    incoming.write_text(text, encoding="utf-8")
    incoming.replace(path)


def _path(folder: Path, shelf: Path) -> str:
    return "/".join(quote(part) for part in folder.relative_to(shelf).parts)


def _file_name(text: str) -> str:
    """Text as a file's name on any system, as near to itself as can be."""
    clean = re.sub(r'[<>:"/\\|?*\x00-\x1f]+', " ", text).strip(" .")
    while len(clean.encode()) > 120:
        clean = clean[:-1]
    return os.path.normpath(" ".join(clean.split()) or "untitled")
