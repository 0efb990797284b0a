"""One reader for XHTML, OPF, NCX, PLS: a flat stream of tags and text that no file can break.

Books in the wild are often not well formed, so there is no strict parser to fall back from. Nothing is expanded (no
entity of a DOCTYPE, no external file), nothing recurses, and time is linear in the input, whatever it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from story.importing.encoding import decode_book

_TAG = re.compile(r"<(/?)([A-Za-z_][\w:.-]{0,80})((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*'){0,2000}?)(/?)>")
_ATTRIBUTE = re.compile(r"([\w:.-]{1,80})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+))")
_XML_ENCODING = re.compile(rb"^[\s\xef\xbb\xbf]*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.-]{2,30})[\"']")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.-]{2,30})", re.IGNORECASE)
_UNKNOWN_ENTITY = re.compile(r"&[A-Za-z][\w.-]{0,40};")
VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_DOCTYPE_END = re.compile(r"\]\s*>")
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9A-Fa-f]{8,}")


@dataclass(slots=True)
class Markup:
    """A document as text; `faults` counts what was not well formed, once it has been read through."""

    text: str
    faults: int = 0
    unknown_entities: int = 0
    damaged: int = 0


@dataclass(slots=True)
class Token:
    """One event. For text: `name` is "" and `text` holds it; for tags: name without its prefix, in lower case."""

    kind: Literal["start", "end", "text"]
    name: str = ""
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def decode_markup(raw: bytes, where: str) -> Markup:
    """The document's text by byte order mark, its own declaration, or the guess for text files."""
    head = raw[:1024]
    declared = None
    if not raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        found = _XML_ENCODING.match(head) or _META_CHARSET.search(head)
        declared = found[1].decode("ascii").lower() if found else None
    if declared in {"utf-16", "utf16", "ucs-2"}:  # without a mark the declaration itself could not be read
        declared = None
    if declared in {"gb2312", "gbk", "x-gbk"}:
        declared = "gb18030"
    if declared:
        try:
            return Markup(raw.decode(declared))
        except (LookupError, ValueError):
            pass  # a wrong declaration: guess
    decoded = decode_book(raw, where)
    return Markup(decoded.text, damaged=decoded.damaged)


def tokens(markup: Markup) -> Iterator[Token]:
    """The document's events in order. Elements that are never closed, or closed in the wrong order, count as faults."""
    text = markup.text
    open_names: list[str] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] != "<":
            stop = text.find("<", at)
            stop = end if stop < 0 else stop
            yield Token("text", text=_plain(text[at:stop], markup))
            at = stop
            continue
        if text.startswith("<!--", at):
            at = _after(text, "-->", at + 4, markup)
        elif text.startswith("<![CDATA[", at):
            stop = text.find("]]>", at)
            stop = end if stop < 0 else stop
            yield Token("text", text=text[at + 9 : stop])
            at = stop + 3
        elif text.startswith("<!", at):
            at = _after_doctype(text, at, markup)
        elif text.startswith("<?", at):
            at = _after(text, ">", at, markup)
        elif tag := _TAG.match(text, at):
            at = tag.end()
            name = tag[2].rpartition(":")[2].lower()
            if tag[1]:
                if name in open_names[-64:]:
                    while (last := open_names.pop()) != name:
                        markup.faults += 1
                        yield Token("end", last)
                    yield Token("end", name)
                elif name not in VOID:
                    markup.faults += 1
                continue
            yield Token("start", name, attributes=_attributes(tag[3]) if tag[3] else {})
            if name in _RAW_END and not tag[4]:
                close = _RAW_END[name].search(text, at)
                at = close.start() if close else end
            if tag[4] or name in VOID:
                yield Token("end", name)
            else:
                open_names.append(name)
        else:
            markup.faults += 1
            yield Token("text", text="<")
            at += 1
    for name in reversed(open_names):
        markup.faults += 1
        yield Token("end", name)


def _after(text: str, mark: str, at: int, markup: Markup) -> int:
    stop = text.find(mark, at)
    if stop < 0:
        markup.faults += 1
        return len(text)
    return stop + len(mark)


def _after_doctype(text: str, at: int, markup: Markup) -> int:
    """Past <!DOCTYPE …>, with its internal subset in [ ] if it has one; its entities are not read."""
    stop = text.find(">", at)
    bracket = text.find("[", at, stop) if stop >= 0 else -1
    if bracket < 0:
        return _after(text, ">", at, markup)
    closing = _DOCTYPE_END.search(text, bracket)
    if closing is None:
        markup.faults += 1
        return len(text)
    return closing.end()


def _attributes(written: str) -> dict[str, str]:
    return {
        m[1].lower(): unescape(m[2] if m[2] is not None else m[3] if m[3] is not None else m[4])
        for m in _ATTRIBUTE.finditer(written)
    }


def _plain(text: str, markup: Markup) -> str:
    if "&" not in text:
        return text
    plain = unescape(text)
    if "&" in plain and (unknown := _UNKNOWN_ENTITY.findall(plain)):
        markup.unknown_entities += len(unknown)
        plain = _UNKNOWN_ENTITY.sub(" ", plain)
    return plain


def unescape(text: str) -> str:
    """Named and numeric character references replaced; absurdly long numbers become U+FFFD instead of an error."""
    if "&" not in text:
        return text
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))
