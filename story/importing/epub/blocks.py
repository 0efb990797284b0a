"""The text of one XHTML file as blocks: runs of text become paragraphs, headings, stanzas, breaks and notes.

What surrounds the text (a heading, a letter, a stanza, a footnote) is told from outside, by whoever reads the markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from story.errors import InputError
from story.importing.manuscript import BlockKind
from story.importing.paragraphs import is_break_line

MAX_BLOCKS = 400_000  # of a whole book; the longest novels have some 40,000 paragraphs
_SPACE = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f]+")
_IDEOGRAPHIC = re.compile(r"[ \t\r\n\f\u00a0\u2000-\u200a\u202f\u205f]+")
_INVISIBLE = str.maketrans(dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff\u200e\u200f")))
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


class BlockWriter:
    """Writes a document's blocks.

    Attributes:
        room: how many blocks may still come.
        depths: how many elements of each role are open.
        types: epub:type words of the open sections, innermost last.
        run: pieces of the paragraph, or the line of verse, that is being read; `lines`: of the stanza.
        level: of the heading that is open, 0 for none.
        note_ids: of the open footnotes.
        closing: the element whose end is being read.
        spaced: the run has a non-breaking space, so an empty paragraph is meant as a gap.
    """

    def __init__(self, name: str, room: int) -> None:
        self.document = Document(name)
        self.room = room
        self.depths = {"skip": 0, "note": 0, "verse": 0, "letter": 0, "title": 0, "link": 0, "quote": 0}
        self.types: list[str] = []
        self.run: list[str] = []
        self.lines: list[str] = []
        self.level = 0
        self.note_ids: list[str] = []
        self.closing = ""
        self.spaced = False

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
            self.emit("break", "", blank=True)

    def end_stanza(self) -> None:
        self.depths["verse"] += 1
        self.flush()
        self.depths["verse"] -= 1
        self.stanza()

    def stanza(self) -> None:
        lines, self.lines = [line for line in self.lines if line], []
        if lines:
            self.emit("letter" if self.depths["letter"] and len(lines) == 1 else "verse", "\n".join(lines))

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
                    self.emit("verse", "\n".join(stanza))
                    stanza = []
            return
        for line in full:
            self._paragraph(line)

    def _paragraph(self, line: str) -> None:
        if is_break_line(line):
            self.emit("break", line)
        elif self.level or self.depths["title"]:
            self.emit("heading", line)
        elif self.depths["letter"]:
            self.emit("letter", line)
        else:
            self.emit("narration", line)

    def emit(self, kind: BlockKind, text: str, *, blank: bool = False) -> None:
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


def _unwrapped(text: str) -> str:
    """Spaces that only stood for line ends between Chinese or Japanese characters go."""
    return re.sub(
        r"(?<=[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]) (?=[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef])",
        "",
        text,
    )
