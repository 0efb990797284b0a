"""One XHTML file of a book → blocks of text with what the markup says about them.

Left aside while reading: page numbers, numbers of notes and of verse lines, ruby readings, pictures, scripts, hidden
text. Kept apart: footnotes, by their ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from story.importing.epub.blocks import MAX_BLOCKS, BlockWriter, Document
from story.importing.epub.vocabulary import (
    BLOCKS,
    CLASSES,
    HEADINGS,
    HIDDEN,
    MARK_PIECES,
    NEVER_IN_HEADINGS,
    SKIPPED,
    TYPES,
)
from story.importing.headings import recognise
from story.importing.markup import Markup, Token, tokens

_NOTE_NUMBER = re.compile(
    r"[\[(（〔【［{]?\s*(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]|注?[一二三四五六七八九十]{1,3}|[①-⑳⑴-⒇])\s*[\])）〕】］}]?\.?$"
)
_BACKLINK = re.compile(r"[↩↑⤴^←\ufe0e\s]+$")


@dataclass(slots=True)
class _Element:
    name: str
    role: str  # skip | note | verse | letter | title | link | quote | ""
    types: int = 0  # how many types it added
    start: int = 0  # how many pieces the run of text had when it began
    phonemes: str = ""
    href: str = ""
    note: str = ""
    pause: bool = False  # a block: text before and after it is apart


class _Builder(BlockWriter):
    """Reads the markup around the text."""

    def __init__(self, name: str, room: int) -> None:
        super().__init__(name, room)
        self.stack: list[_Element] = []
        self.title: list[str] | None = None
        self.pre = 0

    # ---- events

    def start(self, token: Token) -> None:
        a = token.attributes
        name = token.name
        self.closing = ""
        if name == "title" and not self.title and self._inside("head"):
            self.title = []
        element = _Element(name, "", pause=name in BLOCKS)
        if name == "html":
            self.document.language = a.get("xml:lang", a.get("lang", ""))
        if self.depths["skip"]:
            element.role = "skip" if name in SKIPPED else ""
            self._push(element)
            return
        if a:
            self._read_attributes(element, a)
        if name in SKIPPED:
            element.role = "skip"
        if element.pause:
            self.flush()
            if self.level and name in NEVER_IN_HEADINGS:
                self._close_heading()
        if name == "br":
            self.line_break()
        elif name == "hr":
            self.flush()
            self.emit("break", "")
        elif name == "img":
            self._picture(a)
        elif name in HEADINGS:
            element.role = element.role or "title"
            self.level = int(name[1])
        elif name == "pre":
            self.pre += 1
        elif name == "q":
            self._add("“" if self.depths["quote"] % 2 == 0 else "‘")
            element.role = "quote"
        elif name in {"td", "th"} and self.run:
            self._add(", ")
        if a.get("id") or a.get("name"):
            self.document.anchors.setdefault(a.get("id") or a["name"], len(self.document.blocks))
        element.start = len(self.run)
        self._push(element)

    def end(self, name: str) -> None:
        if not self.stack or self.stack[-1].name != name:  # the token stream is balanced
            return
        element = self.stack.pop()
        self.closing = name
        if element.role:
            self.depths[element.role] -= 1
        if name == "title" and self.title is not None and not self.document.title:
            self.document.title = " ".join("".join(self.title).split())
        if self.depths["skip"] or element.role == "skip":
            self._pop_types(element)
            return
        if element.role == "quote":
            self._add("”" if self.depths["quote"] % 2 == 0 else "’")
        if element.phonemes:
            self._reading(element)
        if element.href and name == "a":
            self._link(element)
        if element.pause:
            if element.role == "verse" or (self.depths["verse"] and name == "p" and self.lines):
                self.end_stanza()
            else:
                self.flush()
        if element.note:
            self._end_note(element)
        if name in HEADINGS:
            self.level = 0
        elif name == "pre":
            self.pre -= 1
        self._pop_types(element)

    def text(self, text: str) -> None:
        if self.title is not None and self.stack and self.stack[-1].name == "title":
            self.title.append(text)
        if self.depths["skip"]:
            return
        if self.depths["link"]:
            self.document.linked += len(text.strip())
        if self.pre and "\n" in text:
            for i, line in enumerate(text.split("\n")):
                if i:
                    self.line_break()
                self._add(line)
            return
        self._add(text)

    def finish(self) -> Document:
        self.flush()
        if self.lines:
            self.stanza()
        return self.document

    # ---- inside

    def _close_heading(self) -> None:
        """A paragraph inside a heading means that nobody closed the heading."""
        self.level = 0
        for element in self.stack[-8:]:
            if element.name in HEADINGS and element.role == "title":
                element.role = ""
                self.depths["title"] -= 1

    def _inside(self, name: str) -> bool:
        return any(e.name == name for e in self.stack[-4:])

    def _push(self, element: _Element) -> None:
        if element.role:
            self.depths[element.role] += 1
        self.stack.append(element)

    def _pop_types(self, element: _Element) -> None:
        if element.types:
            del self.types[-element.types :]

    def _read_attributes(self, element: _Element, a: dict[str, str]) -> None:
        words = f"{a.get('epub:type', '')} {a.get('role', '')}".split()
        roles = [TYPES[w] for w in words if w in TYPES]
        if "hidden" in a or a.get("aria-hidden") == "true" or HIDDEN.search(a.get("style", "")):
            roles.insert(0, "skip")
        if not roles and (classes := a.get("class")):
            roles = [role for pattern, role in CLASSES if pattern.search(classes)]
        role = roles[0] if roles else ""
        if (
            element.name in {"html", "body", "section"}
            and role in {"title", "verse"}
            and "class" in a
            and not words
        ):
            role = ""
        if role == "title" and not element.pause:
            role = ""
        if role == "skip" and element.name == "a" and (href := a.get("href", "")) and "#" in href:
            self.document.note_links.append((len(self.document.blocks), href))
        if role == "note":
            if element.pause and not self.depths["note"] and a.get("id"):
                element.note = a["id"]
                self.note_ids.append(element.note)
            elif not element.pause:
                role = ""
        element.role = role
        if element.name == "a" and "href" in a and not role:
            element.role, element.href = "link", a["href"]
        element.phonemes = a.get("ssml:ph", "")
        if words and element.name in {"body", "section", "div", "article", "aside", "header"}:
            self.types += words
            element.types = len(words)

    def _add(self, text: str) -> None:
        if text:
            self.run.append(text)

    def _picture(self, a: dict[str, str]) -> None:
        """A letter or character drawn as a picture: an initial, a gaiji."""
        alt = a.get("alt", "").strip()
        if alt and (len(alt) == 1 or ("gaiji" in a.get("class", "") and len(alt) <= 4)):
            self._add(alt)

    def _link(self, element: _Element) -> None:
        """Takes a note's number out of the text, and remembers which note it was."""
        if len(self.run) - element.start > MARK_PIECES:
            return
        inner = "".join(self.run[element.start :])
        if "#" not in element.href or not inner.strip():
            return
        if _BACKLINK.match(inner) or (self.depths["note"] and _NOTE_NUMBER.match(inner.strip())):
            del self.run[element.start :]
        elif _NOTE_NUMBER.match(inner.strip()) and (element.start or not inner.strip()[0].isalpha()):
            before = "".join(self.run[max(0, element.start - 2) : element.start]).rstrip(" [(")
            in_sup = any(e.name == "sup" for e in self.stack[-3:])
            if (before and not before[-1].isspace()) or in_sup or inner.strip()[0] in "[(*†‡":
                self.document.note_links.append((len(self.document.blocks), element.href))
                del self.run[element.start :]

    def _reading(self, element: _Element) -> None:
        if len(self.run) - element.start > MARK_PIECES:
            return
        inner = " ".join("".join(self.run[element.start :]).split())
        if 0 < len(inner) <= 60 and any(c.isalnum() for c in inner):
            self.document.readings.setdefault(inner, element.phonemes)

    def _end_note(self, element: _Element) -> None:
        self.note_ids.pop()
        paragraphs = self.document.notes.get(element.note)
        if paragraphs:
            paragraphs[0] = (
                re.sub(r"^[\[(（]?\s*(?:\d{1,4}|[*†‡])\s*[\])）]?[.:：、]?\s+", "", paragraphs[0])
                or paragraphs[0]
            )


def read_document(name: str, markup: Markup, room: int = MAX_BLOCKS) -> Document:
    """The blocks of one XHTML file.

    Args:
        room: how many blocks may still come.
    Raises:
        InputError: more blocks than a book can have.
    """
    builder = _Builder(name, room)
    for token in tokens(markup):
        if token.kind == "text":
            builder.text(token.text)
        elif token.kind == "start":
            builder.start(token)
        else:
            builder.end(token.name)
    document = builder.finish()
    _mark_headings(document)
    return document


def _mark_headings(document: Document) -> None:
    """Books made without heading tags: their first lines are headings if they read like one."""
    if any(b.kind == "heading" for b in document.blocks[:4]):
        return
    for block in document.blocks[:3]:
        found = (
            recognise(block.text) if block.kind in {"narration", "verse"} and "\n" not in block.text else None
        )
        if found is None:
            break
        block.kind, block.level = "heading", 2
