"""The published rules for a podcast feed, checked: RSS 2.0 (rssboard.org) and Apple's guide to podcast RSS."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
ATOM = "{http://www.w3.org/2005/Atom}"
ONCE = ("title", "link", "description", "language", f"{ITUNES}image", f"{ITUNES}explicit", f"{ITUNES}author")
AUDIO = {".mp3": "audio/mpeg", ".m4a": "audio/x-m4a"}
CATEGORIES = {"Arts": {"Books"}, "Fiction": {"Drama", "Science Fiction", "Comedy Fiction"}}


def wrong_with(text: str) -> list[str]:
    """Every rule the feed breaks; empty for a valid one."""
    found: list[str] = []
    rss = ET.fromstring(text)
    if (rss.tag, rss.get("version")) != ("rss", "2.0"):
        found.append("the root must be rss version 2.0")
    channels = rss.findall("channel")
    if len(channels) != 1:
        return [*found, "there must be one channel"]
    channel = channels[0]
    found += [f"{tag} must be there once" for tag in ONCE if len(channel.findall(tag)) != 1]
    found += _channel(channel)
    items = channel.findall("item")
    guids = [i.findtext("guid") for i in items]
    urls = [e.get("url") for i in items for e in i.findall("enclosure")]
    if len(set(guids)) != len(guids) or len(set(urls)) != len(urls):
        found.append("guids and enclosures must differ")
    dates = [parsedate_to_datetime(i.findtext("pubDate", "")) for i in items]
    if dates != sorted(dates, reverse=True):
        found.append("newest first")
    for item in items:
        found += [f"{item.findtext('title')}: {why}" for why in _item(item)]
    return found


def _channel(channel: ET.Element) -> list[str]:
    found = [f"{tag} must not be empty" for tag in ("title", "description") if not channel.findtext(tag)]
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", channel.findtext("language", "")):
        found.append("language must be a tag such as en")
    image = channel.find(f"{ITUNES}image")
    if image is None or not re.search(r"\.(jpe?g|png)$", urlsplit(image.get("href", "")).path):
        found.append("the image must be JPEG or PNG")
    if channel.findtext(f"{ITUNES}explicit") not in ("true", "false"):
        found.append("explicit is true or false")
    outer = channel.find(f"{ITUNES}category")
    inner = None if outer is None else outer.find(f"{ITUNES}category")
    if outer is None or outer.get("text") not in CATEGORIES:
        found.append("the category must be one of Apple's")
    elif inner is not None and inner.get("text") not in CATEGORIES[outer.get("text", "")]:
        found.append("the subcategory must be one of Apple's")
    link = channel.find(f"{ATOM}link")
    if link is None or link.get("rel") != "self" or not link.get("href", "").startswith("http"):
        found.append("atom:link rel=self must be there")
    if not channel.findtext("link", "").startswith("http"):
        found.append("link must be an address")
    return found


def _item(item: ET.Element) -> list[str]:
    found = [
        f"{tag} must be there once"
        for tag in ("title", "guid", "pubDate", "enclosure")
        if len(item.findall(tag)) != 1
    ]
    enclosure = item.find("enclosure")
    if enclosure is not None:
        url = urlsplit(enclosure.get("url", ""))
        ending = url.path[url.path.rfind(".") :]
        if url.scheme not in ("http", "https") or AUDIO.get(ending) != enclosure.get("type"):
            found.append("the enclosure must be an address of mp3 or m4a with its type")
        if " " in enclosure.get("url", "") or not enclosure.get("url", "").isascii():
            found.append("the enclosure's address must be encoded")
        if not enclosure.get("length", "").isdecimal() or int(enclosure.get("length", "0")) <= 0:
            found.append("the enclosure needs its length in bytes")
    if parsedate_to_datetime(item.findtext("pubDate", "")).tzinfo is None:
        found.append("pubDate needs a time zone")
    if not re.fullmatch(r"\d+", item.findtext(f"{ITUNES}duration", "")):
        found.append("duration in whole seconds")
    if len(item.findtext("description", "").encode()) > 4000:
        found.append("the description is too long")
    number = item.findtext(f"{ITUNES}episode")
    if number is not None and int(number) <= 0:
        found.append("an episode's number is above 0")
    return found
