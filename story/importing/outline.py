"""A text file's paragraphs to a table of contents of our own: which lines are headings, and what each part of it is.

Headings of one manner make the chapters (CHAPTER I … if there are such, else numbered lines, else parts, else lines in
capitals); coarser ones open with the next chapter, finer ones stay inside. A printed table of contents is recognised
because its entries come again, page numbers because they cut sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from story.importing.contents import PROSE_CHARS
from story.importing.finding import FoundHeadings
from story.importing.headings import Heading, is_title_line, undecorated
from story.importing.paragraphs import Manner, Paragraph

SectionKind = Literal["chapter", "front", "back", "contents"]
_ITALIC = re.compile(r"(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")


@dataclass(slots=True)
class Section:
    """Paragraphs first..last (inclusive) that are one chapter, or one piece of front or back matter.

    Attributes:
        headings: indices of its heading paragraphs; titles of parts included.
        own: the heading that names it, None for an opening without one.
        part: the number-and-title line of the part that opens with it, or "".
    """

    kind: SectionKind
    first: int
    last: int
    headings: set[int] = field(default_factory=set)
    own: Heading | None = None
    name: str = ""
    part: str = ""


@dataclass(slots=True)
class Outline:
    sections: list[Section]
    dropped: set[int]  # page numbers, headings that come twice
    notes: set[int]  # paragraphs that are the heading of a list of notes, or in it


def outline(text: str, paragraphs: list[Paragraph], manner: Manner, *, markdown: bool = False) -> Outline:
    """The sections of a book, in order, covering every paragraph."""
    book = _Book(text, paragraphs, manner)
    level = book.find_marked() if markdown else set()
    if not level:
        book.find()
        book.drop_contents()
        book.check_numbers()
        level = book.choose_level()
    book.drop_repeated(level)
    book.add_titles(level)
    notes = book.find_notes()
    return Outline(book.sections(level), book.dropped, notes)


class _Book(FoundHeadings):
    """What the headings make of the paragraphs."""

    def add_titles(self, level: set[str]) -> None:
        """A line that reads like a title right under a heading without one belongs to it."""
        for i, heading in list(self.found.items()):
            j = i + 1
            if heading.title or heading.number is None or j >= len(self.paragraphs) or j in self.found:
                continue
            p = self.paragraphs[j]
            words = self.words(j)
            if p.kind == "break" or len(p.lines) > 3 or not is_title_line(words):
                continue
            if j + 1 < len(self.paragraphs) and (heading.kind != "number" or self.leads_to_prose(j)):
                self.titles[j] = i

    def find_notes(self) -> set[int]:
        notes: set[int] = set()
        for i, heading in list(self.found.items()):
            if heading.kind != "notes":
                continue
            stop = next((j for j in self.found if j > i), len(self.paragraphs))
            marked = [j for j in range(i + 1, stop) if NOTE_START.match(self.words(j))]
            if marked and marked[0] == i + 1:
                notes |= set(range(i, stop))
            del self.found[i]
        return notes

    def drop_repeated(self, level: set[str]) -> None:
        """A chapter's heading that comes again, at once or in the middle of the chapter, begins nothing."""
        before = ""
        for i, heading in list(self.found.items()):
            if heading.kind not in level or heading.number is None:
                continue
            key = heading.key.replace(" ", "")
            if key == before and (heading.title or i - 1 in self.found):
                del self.found[i]
                self.dropped.add(i)
            before = key

    def sections(self, level: set[str]) -> list[Section]:
        starts = [i for i, h in self.found.items() if h.kind in level or h.kind == "story"]
        first = min(starts, default=len(self.paragraphs))
        last = max(starts, default=-1)
        cuts: list[tuple[int, SectionKind]] = []
        for i, h in self.found.items():
            if h.kind in level or h.kind in {"story", "part"}:
                cuts.append((i, "chapter"))
            elif h.kind == "front" and i < first and starts:
                cuts.append((i, "front"))
            elif h.kind in {"back", "notes"} and i > last >= 0:
                cuts.append((i, "back"))
        for i in self.contents:
            if i - 1 not in self.contents:
                cuts.append((i, "contents"))
        cuts.sort()
        if not cuts or cuts[0][0] > 0:
            only_top = bool(self.contents) and not any(
                self.size(i) > PROSE_CHARS for i in range(min(self.contents))
            )
            cuts.insert(0, (0, "front" if starts or only_top else "chapter"))
        found = []
        for (begin, kind), (end, _) in zip(cuts, [*cuts[1:], (len(self.paragraphs), "chapter")], strict=True):
            if kind == "contents":
                stop = next((j for j in range(begin, end) if j not in self.contents), end)
                found.append(Section("contents", begin, stop - 1))
                if stop < end:
                    found.append(self._section("front" if end <= first else "chapter", stop, end))
            else:
                found.append(self._section(kind, begin, end))
        return self._merged(found)

    def _section(self, kind: SectionKind, begin: int, end: int) -> Section:
        headings = {i for i in range(begin, end) if i in self.found or i in self.titles}
        own = self.found.get(begin)
        name = ""
        if own:
            p = self.paragraphs[begin]
            lines = [undecorated(self.text[s:e]) for s, e in p.lines]
            if len(lines) > 1:
                lines = [lines[0], " ".join(lines[1:])]
            if self.titles.get(begin + 1) == begin:
                lines.append(undecorated(self.words(begin + 1)))
            name = joined_title(lines)
        return Section(kind, begin, end - 1, headings, own, name)

    def _merged(self, sections: list[Section]) -> list[Section]:
        """Headings without prose of their own (titles of parts) open with the chapter after them."""
        out: list[Section] = []
        waiting: Section | None = None
        for section in sections:
            own_first = section.first
            if waiting and section.kind != "chapter":
                out.append(waiting)
                waiting = None
            if waiting:
                section.first = waiting.first
                waiting.headings |= section.headings  # one set for the whole row: rows may be long
                section.headings = waiting.headings
                part = (waiting.part or waiting.name)[-200:]
                section.part = (
                    joined_title([part, waiting.name])
                    if waiting.part and waiting.own and waiting.own.kind == "part"
                    else part
                )
                if waiting.own and section.own and waiting.own.key == section.own.key:
                    section.part = waiting.part
                waiting = None
            prose = sum(self.size(i) for i in range(own_first, section.last + 1) if i not in section.headings)
            short = prose == 0 or (section.own and section.own.kind == "part" and prose < 1000)
            if section.kind == "chapter" and section.own and short and section is not sections[-1]:
                waiting = section
            else:
                out.append(section)
        if waiting:
            out.append(waiting)
        return out


NOTE_START = re.compile(
    r"[\s　]*(?:[⑴-⒇①-⑳㈠-㈩]|\[\^[^\]]+\]:|[\[〔【［(（]\s*(?:\d{1,3}|[*†‡A-Z]|注?[一二三四五六七八九十]{1,3})\s*[\]〕】］)）]|\d{1,3}[.、．)]|[*†‡])"
)


def joined_title(lines: list[str]) -> str:
    """ "CHAPTER I" and "The One Thing Needful" → "CHAPTER I. The One Thing Needful"."""
    title = ""
    for line in (part for part in lines if part):
        if title:
            title += " " if title[-1] in ".:!?—-。：！？" or title[-1] > "\u2e80" else ". "
        title += line
    return _ITALIC.sub("", title)
