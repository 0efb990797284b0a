"""What every reader hands on: a book as chapters of plain text cut into blocks, before anyone asks who speaks.

A chapter has one text. Its blocks are slices of that text, in order, never overlapping; between blocks there is only
white space. Where the text differs from the file it came from (a hard-wrapped line joined, a note number dropped),
an edit says so: text and edits together give the file back, and `left_out` holds what is in no chapter. So nothing of
a text file is lost without a trace, and an offset in a chapter leads back to the file.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from story.languages import Script

BlockKind = Literal["narration", "heading", "verse", "letter", "break", "footnote"]


@dataclass(slots=True)
class Block:
    """A paragraph, a heading, a stanza, a paragraph of a letter, a scene break or a footnote.

    Attributes:
        text: `chapter.text[char_start:char_end]`; a break may be empty. Verse keeps its line breaks as "\\n".
        char_start: code points into the chapter's text.
    """

    kind: BlockKind
    text: str
    char_start: int

    @property
    def char_end(self) -> int:
        return self.char_start + len(self.text)


@dataclass(slots=True)
class Edit:
    """`chapter.text[at : at + inserted]` stands where the file has `removed`."""

    at: int
    removed: str
    inserted: int


@dataclass(slots=True)
class ManuscriptChapter:
    """One chapter.

    Attributes:
        title: as the book gives it ("Chapter 1. Mr. Sherlock Holmes"), on one line; may be "".
        number: 1, 2, 3 … in reading order.
        text: the chapter's text, headings included.
        source_start: where the chapter begins in a text file, in code points; None for an EPUB.
        edits: in order of `at`; empty for an EPUB.
    """

    title: str
    number: int
    text: str
    blocks: list[Block]
    source_start: int | None = None
    edits: list[Edit] = field(default_factory=list)

    def source_text(self) -> str:
        """The chapter as it stands in the file."""
        parts, at = [], 0
        for edit in self.edits:
            parts += (self.text[at : edit.at], edit.removed)
            at = edit.at + edit.inserted
        return "".join((*parts, self.text[at:]))

    def source_offsets(self, offsets: list[int]) -> list[int]:
        """Where these offsets (ascending or not) into `text` lie in the file, in code points.

        An offset inside replaced text maps to the end of what it stands for.
        """
        ends, shifts = [0], [self.source_start or 0]
        for edit in self.edits:
            ends.append(edit.at + edit.inserted)
            shifts.append(shifts[-1] + len(edit.removed) - edit.inserted)
        starts = [e.at for e in self.edits]
        found = []
        for offset in offsets:
            i = bisect.bisect_right(ends, offset) - 1
            if i < len(starts) and starts[i] < offset:  # inside the next edit
                i += 1
                found.append(ends[i] + shifts[i])
            else:
                found.append(offset + shifts[i])
        return found


MAX_BLOCK_CHARS = 6000  # a block longer than this is cut at sentence ends: a whole book may stand on one line
_SENTENCE_END = re.compile(r"[.!?。！？…]+[\"'”’」』）)]*\s*|\n")


def split_long_blocks(manuscript: Manuscript) -> None:
    """Cuts blocks that are too long for one take, at the last sentence end before the limit, else anywhere."""
    for chapter in manuscript.chapters:
        if any(len(b.text) > MAX_BLOCK_CHARS for b in chapter.blocks):
            chapter.blocks = [part for block in chapter.blocks for part in _cut(block)]


def _cut(block: Block) -> Iterator[Block]:
    at, text = 0, block.text
    while len(text) - at > MAX_BLOCK_CHARS:
        ends = [m.end() for m in _SENTENCE_END.finditer(text, at, at + MAX_BLOCK_CHARS)]
        space = text.rfind(" ", at, at + MAX_BLOCK_CHARS) + 1
        stop = ends[-1] if ends else space if space > at else at + MAX_BLOCK_CHARS
        part = text[at:stop].strip()
        if part:
            yield Block(block.kind, part, block.char_start + text.index(part[0], at))
        at = stop
    part = text[at:].strip()
    if part:
        yield Block(block.kind, part, block.char_start + text.index(part[0], at))


@dataclass(slots=True)
class LeftOut:
    """A stretch of the file that is in no chapter, and why: licence, contents, notes …"""

    reason: str
    text: str
    source_start: int | None = None


@dataclass(slots=True)
class Manuscript:
    """A book as read from a file.

    Attributes:
        language: BCP 47.
        script: ISO 15924.
        warnings: what was wrong with the file and what was done about it, one sentence each.
        pronunciation: word → phonemes, from an EPUB's lexicons and SSML attributes, in `phoneme_alphabet`.
        phoneme_alphabet: "ipa" or "x-sampa", as the EPUB says; "" without pronunciation.
    """

    title: str
    author: str
    language: str
    script: Script
    chapters: list[ManuscriptChapter]
    warnings: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    pronunciation: dict[str, str] = field(default_factory=dict)
    phoneme_alphabet: str = ""

    def source_text(self) -> Iterator[str]:
        """The whole text file again, piece by piece: chapters and what was left out, in the file's order."""
        pieces = [(c.source_start or 0, c.source_text()) for c in self.chapters]
        pieces += [(part.source_start or 0, part.text) for part in self.left_out]
        yield from (text for _, text in sorted(pieces, key=lambda piece: piece[0]))
