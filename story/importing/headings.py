"""Is this line a heading, and of what: a part, a chapter, a prologue, a preface, the contents?

The words are data (story/data/headings.json). A line is judged by itself here; whether a bare "IV" or a line in
capitals is a heading depends on its neighbours and is decided in outline.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from story.importing.numerals import HAN_DIGITS, parse_number

HeadingKind = Literal[
    "part", "chapter", "section", "sub", "numbered", "number", "story", "front", "back", "contents", "notes"
]
DATA = Path(__file__).parents[1] / "data" / "headings.json"
MAX_LATIN, MAX_CJK = 120, 46
_DECORATION = " \t\u3000*_=~#—–―-·•◆◇■□★☆※|"
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SENTENCE = re.compile(r"[a-zà-öø-ÿа-я][.!?]\s+\S")
_QUOTE_START = "\"“‘'「『«„"


@dataclass(slots=True, frozen=True)
class Heading:
    """What a line announces.

    Attributes:
        number: where it has one.
        title: what follows the number ("Mr. Sherlock Holmes"), or "".
        key: equal for two lines that announce the same thing.
    """

    kind: HeadingKind
    number: int | None
    title: str
    key: str


@cache
def _words() -> dict[str, list[str]]:
    return json.loads(DATA.read_text(encoding="utf-8"))


@cache
def _named() -> dict[str, HeadingKind]:
    words = _words()
    kinds: list[HeadingKind] = ["back", "front", "story", "notes", "contents"]
    return {word.casefold(): kind for kind in kinds for word in words[kind]}


_Pattern = tuple[HeadingKind | None, re.Pattern[str]]
_GAP = r"[\s　]*[、:：.．\-—–·]*[\s　]*"
_NUMBERS: tuple[str, ...] = (  # a bare number, or one with a title behind it
    rf"[(（\[]?(?P<n>\d{{1,4}}|[０-９]{{1,4}}|[IVXLC]{{1,9}}|[{HAN_DIGITS}]{{1,5}})[)）\]]?(?P<t>)[.．、。:：]?$",
    r"(?P<n>\d{1,4}|[IVXLC]{1,9})(?:[.．:、)）][\s　]*|[\s　]+[—–-]?[\s　]*)(?P<t>\S.*)$",
    rf"[(（]?(?P<n>[{HAN_DIGITS}]{{1,4}})(?:[、．.:：)）][\s　]*|[\s　]+)(?P<t>\S.*)$",
)


@cache
def _number_patterns() -> list[_Pattern]:
    return [(None, re.compile(pattern)) for pattern in _NUMBERS]


@cache
def _spaced_patterns() -> list[_Pattern]:
    """CHAPTER IV, The First Part, Epilogue: …"""
    words = _words()
    number_word = "|".join(sorted(words["number_words"], key=len, reverse=True))
    number = rf"(?P<n>\d{{1,4}}|[IVXLC]{{1,9}}|[ivxlc]{{1,9}}|(?:(?:{number_word})(?:[\s-]+(?:and[\s-]+)?)?){{1,4}})"
    rest = r"(?:\s*[.:：;—–――-]+\s*|\s+|$)(?P<t>.*)$"

    def keyed(names: list[str]) -> str:
        return rf"(?:the\s+)?(?:{'|'.join(names)})\.?\s+(?:the\s+|no\.?\s*|n[°º]\.?\s*|#\s*)?{number}{rest}"

    def before(names: list[str]) -> str:  # The First Chapter, Erstes Kapitel, Premier livre
        return rf"(?:the\s+)?(?P<n>{number_word})\s+(?:{'|'.join(names)}){rest}"

    openings = "|".join(w for w in words["story"] if not _CJK.match(w))
    patterns: list[tuple[HeadingKind, str]] = [
        ("chapter", keyed(words["chapters"])),
        ("part", keyed(words["parts"])),
        ("chapter", before([w for w in words["chapters"] if len(w) > 5])),
        ("part", before(words["parts"])),
        ("story", rf"(?:{openings})\s*[.:—–-]+\s*(?P<n>(?!))?(?P<t>.+)$"),
    ]
    return [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in patterns]


@cache
def _cjk_patterns() -> list[_Pattern]:
    """第十二回, 第一卷 第三章, 3화, 尾声 …: each has a character of its own script."""
    words = _words()
    han = f"[0-9０-９{HAN_DIGITS}]{{1,9}}"
    volume = rf"(?:第[\s　]*{han}[\s　]*[卷部集篇册冊辑輯季编編][^\n]{{0,24}}?[\s　]+)?"
    openings = "|".join(w for w in words["story"] if _CJK.match(w))
    patterns: list[tuple[HeadingKind, str]] = [
        (
            "chapter",
            rf"(?:正文|VIP章节|vip章节)?[\s　]*{volume}第[\s　]*(?P<n>{han})[\s　]*[章回话話幕折]{_GAP}(?P<t>.*)$",
        ),
        ("part", rf"(?:正文)?[\s　]*第[\s　]*(?P<n>{han})[\s　]*[卷部集篇册冊辑輯季编編]{_GAP}(?P<t>.*)$"),
        ("section", rf"第[\s　]*(?P<n>{han})[\s　]*[节節]{_GAP}(?P<t>.*)$"),
        ("part", rf"[卷部篇](?:之|第)?(?P<n>[{HAN_DIGITS}]{{1,5}}|[上中下]){_GAP}(?P<t>.*)$"),
        ("part", rf"(?P<n>[上中下])[卷部篇册冊编編]{_GAP}(?P<t>.*)$"),
        ("chapter", rf"(?P<n>\d{{1,5}})[\s　]*[章回话話]{_GAP}(?P<t>.*)$"),
        ("chapter", rf"제?\s*(?P<n>\d{{1,4}})\s*[장화]{_GAP}(?P<t>.*)$"),
        ("part", rf"제?\s*(?P<n>\d{{1,4}})\s*[부권]{_GAP}(?P<t>.*)$"),
        ("story", rf"(?:{'|'.join(words['numbered_story'])})[\s　]*(?P<n>{han})?{_GAP}(?P<t>.*)$"),
        ("story", rf"(?:{openings})[\s　、:：.．\-—–·]+(?P<n>(?!))?(?P<t>.+)$"),
    ]
    return [(kind, re.compile(pattern)) for kind, pattern in patterns]


def _patterns(cjk: bool) -> Iterator[_Pattern]:
    """The manners of headings that a line in this script may have, one at a time: few are ever needed."""
    if cjk:
        yield from _cjk_patterns()
    yield from _spaced_patterns()
    yield from _number_patterns()


@cache
def _beginnings() -> frozenset[str]:
    """First two letters of every word that a keyed heading may begin with."""
    words = _words()
    keys = ("chapters", "parts", "number_words", "story", "numbered_story")
    return frozenset(w[:2].casefold() for w in ["the", *(w for key in keys for w in words[key])])


def _may_be_keyed(text: str) -> bool:
    """False for most lines of prose, which no pattern need be tried on."""
    head = text[:2]
    return not head.isalpha() or head.isupper() or head.casefold() in _beginnings()


def undecorated(line: str) -> str:
    """The line without ornaments and brackets around it."""
    text = line.strip(_DECORATION)
    for left, right in ("【】", "〔〕", "[]", "［］", "《》", "〈〉"):
        if text.startswith(left) and text.endswith(right) and text.count(left) == 1:
            text = text[1:-1].strip(_DECORATION)
    return text


def recognise(line: str) -> Heading | None:
    """The heading that a single line is, or None."""
    if not line or len(line) > MAX_LATIN + 20 or line[0] in _QUOTE_START:
        return None
    if "a" <= line[0] <= "z" and line.isascii() and not _may_be_keyed(line):
        return None  # most lines of prose
    text = undecorated(line)
    cjk = bool(_CJK.search(text))
    if not text or len(text) > (MAX_CJK if cjk else MAX_LATIN):
        return None
    bare = text.rstrip(".:：。").casefold()
    named = _named().get(" ".join(bare.split()))
    if named and (cjk or text[0].isupper()):
        return Heading(named, None, "", bare)
    if not cjk and not _may_be_keyed(text):
        return None
    for kind, pattern in _patterns(cjk):
        found = pattern.match(text)
        if not found:
            continue
        number = parse_number(found["n"] or "")
        title = found["t"].strip()
        if kind is None and number is None:
            continue
        if title and not _may_be_title(title, text, cjk, keyed=kind is not None):
            return None
        if kind is None:
            kind = "numbered" if title else "number"
        elif not cjk and not text[0].isupper():
            return None  # "part one of the plan …" in the middle of prose
        key = f"{kind} {number if number is not None else found['n']} {title.casefold()}"
        return Heading(kind, number, title, re.sub(r"[\W_]+", " ", key).strip())
    return None


def _may_be_title(title: str, whole: str, cjk: bool, *, keyed: bool) -> bool:
    """Whether what follows a number reads like a title and not like a sentence that happens to begin so."""
    if title[-1] in ",;，；、" or (title[-1] in "。：:" and cjk):
        return False
    if cjk:
        if title[0] in "是的里裡中讲講说說就都也了和与與，。" and not re.search(
            r"[章回节卷部集篇][\s　:：]", whole
        ):
            return False
        return keyed or not re.search("[。！？；“”「」，]", title)
    if _SENTENCE.search(title) and title.endswith("."):
        return False
    if title[0] in _QUOTE_START:
        return keyed
    return looks_titled(title) or (keyed and title[0].isupper() and not title.endswith("."))


def looks_titled(text: str) -> bool:
    """Capitals or title case: most words of four letters and more begin with a capital."""
    words = re.findall(r"[^\W\d_][\w'’.-]*", text)
    if not words or not words[0][0].isupper():
        return False
    long = [w for w in words[1:] if len(w) > 3]
    return sum(w[0].isupper() for w in long) >= 0.6 * len(long)


def is_title_line(text: str) -> bool:
    """Whether a line by itself, under a heading or on top of a book, reads like a title."""
    if not text or text[0] in _QUOTE_START or text[-1] in ",;:，；：、":
        return False
    if _CJK.search(text):
        return len(text) <= 30 and not re.search("[。，；：“”「」！？…]", text)
    if len(text) > 100 or _SENTENCE.search(text):
        return False
    return looks_titled(text) and (not text.endswith((".", "!", "?")) or text.isupper() or len(text) < 60)
