"""A serial: chapters put into a folder appear in the feed, unchanged ones cost nothing, edited ones are made again."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ET
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.mp3 import MP3

from flows import FeedOptions, RenderOptions, SerialResult, render_new_chapters
from models.machine import Machine
from story.cover import plain_cover
from story.errors import InputError
from story.feed import Episode, Show, feed_xml
from story.loading import load_novel
from story.merging import merge, natural_key
from tests.books import book, with_engine
from tests.conftest import save
from tests.feed_rules import wrong_with


@pytest.fixture
def paced(machine: Machine, tmp_path: Path) -> Machine:
    return with_engine(machine, tmp_path)


def put(folder: Path, number: int, title: str = "The Nights") -> Path:
    """A file with one chapter, as a writer would drop it."""
    folder.mkdir(exist_ok=True)
    return save(book(title, [number]), folder / f"night {number}.json")


def tonight(watch: Path, machine: Machine, tmp_path: Path) -> SerialResult:
    options = RenderOptions(output=tmp_path / "out", speech="paced", format="mp3", profile="podcast")
    feed = FeedOptions(shelf=tmp_path / "shelf", base_url="https://example.org/shelf", email="me@example.org")
    return render_new_chapters(watch, options, feed, machine, where="here")


def files(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_a_new_chapter_is_in_the_feed_next_morning_and_the_others_are_left_alone(
    paced: Machine, tmp_path: Path
) -> None:
    watch = tmp_path / "novels"
    put(watch, 1)
    first = tonight(watch, paced, tmp_path)
    assert first.status == "completed"
    folder = tmp_path / "shelf" / "Soundbound" / "The Nights"
    assert set(files(folder)) == {
        "001 - Night 1.mp3", "captions/night-1.vtt", "cover.png", "episodes.json", "feed.xml",
    }  # fmt: skip
    before, published = files(tmp_path / "shelf"), feed_of(folder)
    assert [e.title for e in published.entries] == ["Night 1"]

    again = tonight(watch, paced, tmp_path)
    assert [c.kept for c in again.shows[0].chapters] == [True]
    assert files(tmp_path / "shelf") == before, "nothing new: nothing is written"

    put(watch, 10)
    put(watch, 2)
    (watch / "night 11.json").write_text('{"title": "half a fi')
    third = tonight(watch, paced, tmp_path)
    assert third.status == "degraded", "one file could not be read"
    assert [p.name for p in third.unread] == ["night 11.json"]
    assert [(c.number, c.kept) for c in third.shows[0].chapters] == [(1, True), (2, False), (10, False)]
    feed = feed_of(folder)
    assert [e.title for e in feed.entries] == ["Night 10", "Night 2", "Night 1"], (
        "newest first, in reading order"
    )
    assert feed.entries[-1].id == published.entries[0].id
    assert feed.entries[-1].published == published.entries[0].published
    assert files(folder)["001 - Night 1.mp3"] == before["Soundbound/The Nights/001 - Night 1.mp3"]
    enclosure = feed.entries[0].enclosures[0]
    audio = folder / "010 - Night 10.mp3"
    assert enclosure.href == "https://example.org/shelf/Soundbound/The%20Nights/010%20-%20Night%2010.mp3"
    assert int(enclosure.length) == audio.stat().st_size
    assert abs(MP3(audio).info.length - float(feed.entries[0].itunes_duration)) < 1


def feed_of(folder: Path) -> feedparser.FeedParserDict:
    """The feed, valid by the rules and for an independent reader."""
    text = (folder / "feed.xml").read_text(encoding="utf-8")
    assert wrong_with(text) == []
    parsed = feedparser.parse(text)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "rss20"
    return parsed


def test_an_edited_chapter_is_made_again_and_stays_the_same_episode(paced: Machine, tmp_path: Path) -> None:
    novel = save(book("The Nights", 2), tmp_path / "nights.json")
    tonight(novel, paced, tmp_path)
    folder = tmp_path / "shelf" / "Soundbound" / "The Nights"
    before, episodes = files(folder), feed_of(folder).entries
    data = json.loads(novel.read_text())
    data["chapters"][1]["segments"][2]["content"] += " It had cost us the mast."
    save(data, novel)
    done = tonight(novel, paced, tmp_path)
    assert [c.kept for c in done.shows[0].chapters] == [True, False]
    assert done.shows[0].chapters[1].result is not None
    assert done.shows[0].chapters[1].result.takes_generated == 1
    after = feed_of(folder).entries
    assert [(e.id, e.published) for e in after] == [(e.id, e.published) for e in episodes]
    assert files(folder)["001 - Night 1.mp3"] == before["001 - Night 1.mp3"]
    assert files(folder)["002 - Night 2.mp3"] > before["002 - Night 2.mp3"]


def test_nothing_to_watch_is_said(paced: Machine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        tonight(tmp_path / "nowhere", paced, tmp_path)


def test_files_come_in_natural_order_and_keep_their_ids(tmp_path: Path) -> None:
    def part(number: int, **more) -> tuple[str, object]:
        data = {**book("The Nights", [number]), **more}
        data["chapters"][0].update(id="ch01", number=1)
        return f"Night {number}", load_novel(save(data, tmp_path / f"{number}.json"))

    ten, two, one = part(10), part(2), part(1)
    later, earlier = merge([ten, two, one]), merge([ten, two])
    assert [c.title for c in later.chapters] == ["Night 1", "Night 2", "Night 10"]
    assert [c.number for c in later.chapters] == [1, 2, 3], "numbers that collide are counted anew"
    ids = [c.id for c in later.chapters]
    assert ids == ["night-1", "night-2", "night-10"]
    assert [c.id for c in earlier.chapters] == ids[1:], "an id does not depend on the other files"
    assert len({s.id for c in later.chapters for s in c.segments}) == 9
    assert [c.id for c in later.characters] == ["narrator", "tom", "anna"]


def test_natural_order() -> None:
    names = ["b", "a 10", "a 9", "a 9b", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a 9", "a 9b", "a 10", "b"]


TEXT = st.text(min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    title=TEXT.filter(lambda t: t.strip() and t.isprintable()),
    titles=st.lists(TEXT, max_size=4),
    explicit=st.booleans(),
)
def test_any_titles_give_a_valid_feed(title: str, titles: list[str], explicit: bool) -> None:
    start = datetime(2026, 11, 24, tzinfo=UTC)
    episodes = [
        Episode(
            guid=f"g{i}", number=i, title=name if name.isprintable() and name.strip() else "x", url=f"https://e.org/{i}.mp3",
            published=start + timedelta(seconds=i), length_bytes=5, mime="audio/mpeg", duration_s=1.5,
        )
        for i, name in enumerate(titles)
    ]  # fmt: skip
    show = Show(
        title=title, author="A & B", description="", language="en", link="https://e.org/", explicit=explicit,
        feed_url="https://e.org/feed.xml", cover_url="https://e.org/cover.png", episodes=episodes,
    )  # fmt: skip
    text = feed_xml(show)
    assert wrong_with(text) == []
    assert text == feed_xml(show)
    assert ET.fromstring(text).findtext("channel/title") == title.strip()


def test_the_rules_catch_a_broken_feed() -> None:
    show = Show(
        title="T", author="A", description="d", language="english!", link="nowhere",
        feed_url="https://e.org/feed.xml", cover_url="https://e.org/cover.gif",
    )  # fmt: skip
    assert len(wrong_with(feed_xml(show))) == 3


def test_the_plain_cover_is_a_square_png_of_the_size_apps_ask_for() -> None:
    data = plain_cover("The Nights")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1400, 1400)
    size = struct.unpack(">I", data[33:37])[0]
    assert len(zlib.decompress(data[41 : 41 + size])) == 1400 * (1 + 3 * 1400)
    assert len(data) < 512 * 1024
    assert data == plain_cover("The Nights") != plain_cover("The Days")
