"""A podcast feed: RSS 2.0 with the tags Apple Podcasts asks for, as text. Pure.

RSS 2.0: https://www.rssboard.org/rss-specification; Apple: "A Podcaster's Guide to RSS"; transcripts: the podcast
namespace (https://podcasting2.org).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

from pydantic import BaseModel, Field

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
ATOM = "http://www.w3.org/2005/Atom"
PODCAST = "https://podcastindex.org/namespace/1.0"
SPACES = {"itunes": ITUNES, "atom": ATOM, "podcast": PODCAST}
Category = Literal["Arts/Books", "Fiction/Drama", "Fiction/Science Fiction", "Fiction/Comedy Fiction"]
TEXT_MAX = 4000  # bytes of a description (Apple)
TYPES = {".mp3": "audio/mpeg", ".m4a": "audio/x-m4a"}  # what podcast apps play


class Episode(BaseModel):
    """One chapter in the feed. `guid` never changes, whatever becomes of the file."""

    guid: str
    number: int
    title: str
    description: str = ""
    published: datetime
    url: str
    length_bytes: int = Field(ge=0)
    mime: str
    duration_s: float = Field(ge=0)
    transcript_url: str = ""


class Show(BaseModel):
    """A novel as a podcast."""

    title: str
    author: str
    description: str
    language: str
    link: str
    feed_url: str
    cover_url: str
    category: Category = "Fiction/Drama"
    explicit: bool = False
    email: str = ""
    episodes: list[Episode] = []


def feed_xml(show: Show) -> str:
    """The feed's XML. The same show gives the same text: nothing in it depends on when it was written."""
    for prefix, space in SPACES.items():
        ET.register_namespace(prefix, space)
    rss = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(rss, "channel")
    put(channel, "title", show.title)
    put(channel, "link", show.link)
    put(channel, "description", show.description or show.title)
    put(channel, "language", show.language)
    put(channel, "generator", "Soundbound")
    if show.episodes:
        put(channel, "lastBuildDate", format_datetime(max(e.published for e in show.episodes)))
    put(channel, f"{{{ATOM}}}link", href=show.feed_url, rel="self", type="application/rss+xml")
    put(channel, f"{{{ITUNES}}}author", show.author)
    put(channel, f"{{{ITUNES}}}type", "serial")
    put(channel, f"{{{ITUNES}}}explicit", _bool(show.explicit))
    put(channel, f"{{{ITUNES}}}image", href=show.cover_url)
    image = ET.SubElement(channel, "image")
    for name, text in (("url", show.cover_url), ("title", show.title), ("link", show.link)):
        put(image, name, text)
    first, _, second = show.category.partition("/")
    put(put(channel, f"{{{ITUNES}}}category", text=first), f"{{{ITUNES}}}category", text=second)
    if show.email:
        owner = ET.SubElement(channel, f"{{{ITUNES}}}owner")
        put(owner, f"{{{ITUNES}}}name", show.author)
        put(owner, f"{{{ITUNES}}}email", show.email)
    for episode in sorted(show.episodes, key=lambda e: (e.published, e.number), reverse=True):
        _item(channel, episode, show)
    ET.indent(rss)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(rss, encoding="unicode") + "\n"


def _item(channel: ET.Element, episode: Episode, show: Show) -> None:
    item = ET.SubElement(channel, "item")
    put(item, "title", episode.title)
    put(item, "description", episode.description or episode.title)
    put(item, "guid", episode.guid, isPermaLink="false")
    put(item, "pubDate", format_datetime(episode.published))
    put(item, "enclosure", url=episode.url, length=str(episode.length_bytes), type=episode.mime)
    put(item, f"{{{ITUNES}}}title", episode.title)
    put(item, f"{{{ITUNES}}}duration", str(round(episode.duration_s)))
    if episode.number > 0:  # Apple: a non-zero integer
        put(item, f"{{{ITUNES}}}episode", str(episode.number))
    put(item, f"{{{ITUNES}}}episodeType", "full")
    put(item, f"{{{ITUNES}}}explicit", _bool(show.explicit))
    if episode.transcript_url:
        put(
            item,
            f"{{{PODCAST}}}transcript",
            url=episode.transcript_url,
            type="text/vtt",
            language=show.language,
        )


def put(parent: ET.Element, tag: str, content: str = "", **attributes: str) -> ET.Element:
    """A child element; text that XML can't hold is left out, text that Apple finds too long is cut."""
    child = ET.SubElement(parent, tag, attributes)
    clean = "".join(c for c in content if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff")).strip()
    child.text = clean.encode()[:TEXT_MAX].decode(errors="ignore") or None
    return child


def _bool(value: bool) -> str:
    return "true" if value else "false"
