"""Where a text file's book begins and ends: Project Gutenberg's header, licence and credits, and the lines with title
and author that many files open with, are read for what they say and left out of the book.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from story.importing.manuscript import LeftOut

_START = re.compile(
    r"^[ \t]*\*{3}[ \t]?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*(?:\n[^\n*]+)?\*{3}[ \t]*$"
    r"|^\*END\*?[ \t]?THE SMALL PRINT[^\n]*$|^[ \t]*\*{3}[ \t]?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_END = re.compile(
    r"^[ \t]*\*{3}[ \t]?END OF (?:THE|THIS) PROJECT GUTENBERG"
    r"|^[ \t]*End of (?:the |this )?Project Gutenberg(?:['’]s|[ \t]+E-?Books?| E?text)"
    r"|^[ \t]*\*{3}[ \t]?START: FULL LICENSE",
    re.MULTILINE | re.IGNORECASE,
)
_TITLE = re.compile(
    r"Project Gutenberg(?:['’]s)? (?:E-?book|E-?text) of ([^\n]+?)(?:, by ([^\n]+?))?\s*$", re.I | re.M
)
_HEADER_CHARS = 20_000  # the old small print is about 13,000
_FIELD = re.compile(
    r"^[ \t\u3000]*(title|author|language|书名|書名|作者|标题|標題|タイトル|著者)[ \t\u3000]*[:：][ \t\u3000]*(\S[^\n]*(?:\n[ \t]{4,}\S[^\n]*)*)$",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD_NAMES = {
    "书名": "title",
    "書名": "title",
    "标题": "title",
    "標題": "title",
    "タイトル": "title",
    "作者": "author",
    "著者": "author",
}
_CREDIT = re.compile(
    r"\s*((?:Produced|Prepared|Digitized|Transcribed|Scanned|Proofed|Etext|E-text|This e-?text|This e-?book|Credits)"
    r"\b[^\n]*(?:\n[^\n]*\S[^\n]*)*|\[?Transcriber['’]s? Notes?\b[^\n]*(?:\n[^\n]*\S[^\n]*)*)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Body:
    """text[start:end] is the book; `facts` are title, author and language where the file says them."""

    start: int
    end: int
    facts: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


def find_body(text: str) -> Body:
    start = end = 0
    head = text[:_HEADER_CHARS]
    body = Body(0, len(text))
    first = _START.search(head)
    if first:
        start = first.end()
        body.facts = _facts(head[: first.start()])
        named = _TITLE.search(head[:start])
        if named:
            body.facts.setdefault("title", named[1])
            if named[2]:
                body.facts.setdefault("author", named[2])
        body.left_out.append(LeftOut("Project Gutenberg's header", text[:start], 0))
    end = len(text)
    tail_from = max(start, len(text) - 60_000)  # the licence has about 19,000
    for last in _END.finditer(text, tail_from):
        end = last.start()
        break
    if end < len(text):
        body.left_out.append(LeftOut("Project Gutenberg's licence", text[end:], end))
    while first and (credit := _CREDIT.match(text, start)) and credit.end() <= end:
        body.left_out.append(LeftOut("credits", text[start : credit.end()], start))
        start = credit.end()
    start = _leading_fields(text, start, end, body)
    body.start, body.end = start, end
    return body


def _leading_fields(text: str, start: int, end: int, body: Body) -> int:
    """Passes over "Title: …" and "作者：…" lines at the very top, and keeps what they say."""
    at = start
    for _ in range(8):
        lead = re.compile(r"\s*").match(text, at, end)
        here = lead.end() if lead else at
        line = _FIELD.match(text, _line_start(text, here), end)
        if not line:
            break
        body.facts.setdefault(*_fact(line))
        at = line.end()
    if at > start:
        body.left_out.append(LeftOut("title and author", text[start:at], start))
    return at


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _facts(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _FIELD.finditer(head):
        found.setdefault(*_fact(line))
    return found


def _fact(line: re.Match[str]) -> tuple[str, str]:
    name = line[1].lower()
    return _FIELD_NAMES.get(name, name), " ".join(line[2].split())
