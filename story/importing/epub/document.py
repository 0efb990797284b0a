"""One XHTML file of a book → blocks of text with what the markup says about them.

Left aside while reading: page numbers, numbers of notes and of verse lines, ruby readings, pictures, scripts, hidden
text. Kept apart: footnotes, by their ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from story.errors import InputError
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
from story.importing.manuscript import BlockKind
from story.importing.markup import Markup, Token, tokens
from story.importing.paragraphs import is_break_line

MAX_BLOCKS = 400_000  # of a whole book; the longest novels have some 40,000 paragraphs

_SPACE = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f]+")
_IDEOGRAPHIC = re.compile(r"[ \t\r\n\f\u00a0\u2000-\u200a\u202f\u205f]+")
_INVISIBLE = str.maketrans(dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f")))
_NOTE_NUMBER = re.compile(
    r"[\[(（〔【［{]?\s*(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]|注?[一二三四五六七八九十]{1,3}|[①-⑳⑴-⒇])\s*[\])）〕】］}]?\.?$"
)
_BACKLINK = re.compile(r"[↩↑⤴^←\ufe0e\s]+$")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CJK_TEXT = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(slots=True)
class DocumentBlock:
    """
    Attributes:
        level: of a heading, 1 to 6; 0 for what is none.
        types: epub:type words of the sections around it, innermost last.
        blank: an empty paragraph that may mean a scene break.
    """

    kind: BlockKind
    text: str
    level: int = 0
    types: tuple[str, ...] = ()
    blank: bool = False


@dataclass(slots=True)
class Document:
    """
    Attributes:
        anchors: id → index of the block it stands before.
        notes: id of a footnote → its paragraphs.
        note_links: ids of notes in the order in which the text refers to them, with the block they stand in.
        readings: text → phonemes (ssml:ph).
        linked: characters inside links, to tell a contents page.
    """

    name: str
    title: str = ""
    language: str = ""
    blocks: list[DocumentBlock] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    note_links: list[tuple[int, str]] = field(default_factory=list)
    readings: dict[str, str] = field(default_factory=dict)
    linked: int = 0
    letters: int = 0


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


class _Builder:
    def __init__(self, name: str, room: int) -> None:
        self.document = Document(name)
        self.room = room
        self.stack: list[_Element] = []
        self.types: list[str] = []
        self.depths = {"skip": 0, "note": 0, "verse": 0, "letter": 0, "title": 0, "link": 0, "quote": 0}
        self.run: list[str] = []
        self.lines: list[str] = []  # of the stanza being read
        self.level = 0
        self.note_ids: list[str] = []
        self.title: list[str] | None = None
        self.pre = 0
        self.closing = ""  # the element whose end is being read
        self.spaced = False  # the run has a non-breaking space, so an empty paragraph is meant as a gap

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
            self._emit("break", "")
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
                self._end_stanza()
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
            self._stanza()
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

    def _take(self) -> str:
        """The run so far as one line of text."""
        raw = "".join(self.run)
        self.run = []
        self.spaced = "\u00a0" in raw or "\u3000" in raw
        raw = raw.translate(_INVISIBLE)
        if "\u3000" in raw.strip() and _CJK_TEXT.search(raw):
            text = _IDEOGRAPHIC.sub(" ", raw).strip(" \u3000")
        else:
            text = _SPACE.sub(" ", raw).strip()
        if _CONTROL.search(text):
            text = _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()
        return _unwrapped(text) if "\n" in raw else text

    def line_break(self) -> None:
        if not self.depths["skip"]:
            line = self._take()
            if line or self.lines:
                self.lines.append(line)

    def flush(self) -> None:
        """Ends a paragraph or a line of verse."""
        line = self._take()
        if self.depths["verse"]:
            if line:
                self.lines.append(line)
            return
        if self.lines:
            if line:
                self.lines.append(line)
            self._broken_paragraph()
        elif line:
            self._paragraph(line)
        elif self.spaced and self.closing in {"p", "div"}:
            self._blank()

    def _blank(self) -> None:
        blocks = self.document.blocks
        if blocks and blocks[-1].kind not in {"heading", "break"} and not self.depths["note"]:
            self._emit("break", "", blank=True)

    def _end_stanza(self) -> None:
        self.depths["verse"] += 1
        self.flush()
        self.depths["verse"] -= 1
        self._stanza()

    def _stanza(self) -> None:
        lines, self.lines = [line for line in self.lines if line], []
        if lines:
            self._emit("letter" if self.depths["letter"] and len(lines) == 1 else "verse", "\n".join(lines))

    def _broken_paragraph(self) -> None:
        """Lines divided by <br/>: verse if they look so, else paragraphs."""
        lines, self.lines = self.lines, []
        while lines and not lines[-1]:
            lines.pop()
        full = [line for line in lines if line]
        cjk = bool(full) and bool(_CJK_TEXT.match(full[0]))
        looks = len(full) >= 3 and max(map(len, full)) <= (24 if cjk else 64)
        begins = sum(line[0].isupper() or not line[0].isalpha() for line in full)
        if looks and not cjk and begins >= 0.8 * len(full) and not self.level and not self.depths["title"]:
            stanza: list[str] = []
            for line in [*lines, ""]:
                if line:
                    stanza.append(line)
                elif stanza:
                    self._emit("verse", "\n".join(stanza))
                    stanza = []
            return
        for line in full:
            self._paragraph(line)

    def _paragraph(self, line: str) -> None:
        if is_break_line(line):
            self._emit("break", line)
        elif self.level or self.depths["title"]:
            self._emit("heading", line)
        elif self.depths["letter"]:
            self._emit("letter", line)
        else:
            self._emit("narration", line)

    def _emit(self, kind: BlockKind, text: str, *, blank: bool = False) -> None:
        document = self.document
        if self.depths["note"]:
            note = self.note_ids[-1] if self.note_ids else ""
            if text and kind != "break":
                document.notes.setdefault(note, []).append(text.replace("\n", " / "))
            return
        if kind == "break" and document.blocks and document.blocks[-1].kind == "break":
            return
        document.letters += len(text)
        level = (self.level or 3) if kind == "heading" else 0
        document.blocks.append(DocumentBlock(kind, text, level, tuple(self.types[-12:]), blank))
        if len(document.blocks) > self.room:
            raise InputError(
                f"more than {MAX_BLOCKS:,} paragraphs are no book",
                where=document.name,
                remedy="split it into volumes",
            )

    def _end_note(self, element: _Element) -> None:
        self.note_ids.pop()
        paragraphs = self.document.notes.get(element.note)
        if paragraphs:
            paragraphs[0] = (
                re.sub(r"^[\[(（]?\s*(?:\d{1,4}|[*†‡])\s*[\])）]?[.:：、]?\s+", "", paragraphs[0])
                or paragraphs[0]
            )


def _unwrapped(text: str) -> str:
    """Spaces that only stood for line ends between Chinese or Japanese characters go."""
    return re.sub(
        r"(?<=[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]) (?=[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef])",
        "",
        text,
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
