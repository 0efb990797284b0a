"""A text file's paragraphs to a table of contents of our own: which lines are headings, and what each part of it is.

Headings of one manner make the chapters (CHAPTER I … if there are such, else numbered lines, else parts, else lines in
capitals); coarser ones open with the next chapter, finer ones stay inside. A printed table of contents is recognised
because its entries come again, page numbers because they cut sentences.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from story.importing.contents import PROSE_CHARS, PrintedContents
from story.importing.headings import Heading, HeadingKind, is_title_line, recognise, undecorated
from story.importing.paragraphs import Manner, Paragraph

SectionKind = Literal["chapter", "front", "back", "contents"]
_MAX_LINES = 6
_ENDS_SENTENCE = re.compile(r"[.!?。！？…—\-:：;；*][\"'”’」』）)\]*_\s]*$")
_MARKED = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})$")
_ITALIC = re.compile(r"(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


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


class _Book(PrintedContents):
    def find_marked(self) -> set[str]:
        """Markdown's own headings (# …, or underlined); empty if there are not enough to make chapters."""
        marked: dict[int, tuple[int, Heading | None]] = {}
        for i, p in enumerate(self.paragraphs):
            words = self.words(i) if len(p.lines) == 1 and self.size(i) <= 200 else ""
            under = (
                self.text[self.paragraphs[i + 1].start : self.paragraphs[i + 1].end]
                if i + 1 < len(self.paragraphs)
                else ""
            )
            if found := _MARKED.match(words):
                marked[i] = (len(found[1]), recognise(found[2]))
            elif words and _UNDERLINE.match(under) and self.paragraphs[i + 1].gap == 0:
                marked[i] = (1 if under[0] == "=" else 2, recognise(words))
                self.dropped.add(i + 1)
        if not marked:
            return set()
        told = [level for level, h in marked.values() if h and h.kind in {"chapter", "numbered", "number"}]
        several = [level for level in range(1, 7) if sum(at == level for at, _ in marked.values()) >= 2]
        chosen = min(told) if told else several[0] if several else min(level for level, _ in marked.values())
        for i, (level, h) in marked.items():
            words = undecorated(self.words(i))
            if h and h.kind in {"story", "front", "back", "notes", "contents"}:
                self.found[i] = h
            else:
                kind: HeadingKind = "part" if level < chosen else "chapter" if level == chosen else "sub"
                self.found[i] = Heading(
                    kind, h.number if h else None, h.title if h else words, words.casefold()
                )
        if not told and not several and len(marked) == 1:  # one heading: the book's title
            self.found.clear()
            return set()
        for i, h in self.found.items():
            if h.kind == "contents":
                stop = next((j for j in self.found if j > i), len(self.paragraphs))
                self.contents |= set(range(i, stop))
        for i in self.contents:
            self.found.pop(i, None)
        return {"chapter"}

    def find(self) -> None:
        for i, p in enumerate(self.paragraphs):
            if p.kind == "break" or len(p.lines) > 400:
                continue
            s, e = p.lines[0]
            if e - s > 140:
                continue
            first = recognise(self.text[s:e])
            if len(p.lines) == 1:
                if first:
                    self.found[i] = first
                continue
            if self._is_list(p):
                self.lists.add(i)
            elif first and len(p.lines) <= _MAX_LINES:
                whole = recognise(self.words(i))
                rest = " ".join(self.text[a:b] for a, b in p.lines[1:])
                if whole or (is_title_line(rest) and first.kind != "contents"):
                    self.found[i] = whole or first
                elif first.kind == "contents":
                    self.lists.add(i)

    def _is_list(self, p: Paragraph) -> bool:
        """Whether most of its lines are headings."""
        least = max(2, math.ceil(0.6 * len(p.lines)))
        entries, left = 0, len(p.lines)
        for a, b in p.lines:
            if entries + left < least:
                return False  # of prose not all lines need be looked at
            entries += recognise(self.text[a:b]) is not None
            left -= 1
        return entries >= least and (entries > 2 or entries == len(p.lines))

    def check_numbers(self) -> None:
        """Bare numbers and "12. Title" are headings only as a sequence 1, 2, 3 … with prose between."""
        for kind in ("number", "numbered"):
            numbered = [i for i, h in self.found.items() if h.kind == kind]
            if kind == "number" and self._are_pages(numbered):
                self.dropped = set(numbered)
                numbered_kept: set[int] = set()
            else:
                numbered_kept = self._sequence(numbered)
            for i in numbered:
                if i not in numbered_kept:
                    del self.found[i]

    def _sequence(self, numbered: list[int]) -> set[int]:
        kept: list[int] = []
        runs: list[list[int]] = []
        expected = 1
        for i in numbered:
            number = self.found[i].number
            if number == expected and (not kept or expected > 1):
                kept.append(i)
            elif number == 1 or not kept:
                runs.append(kept)
                kept = [i]
            elif kept and number is not None and expected < number <= expected + 2:
                kept.append(i)  # one was lost or is spelled otherwise
            else:
                continue
            expected = number + 1 if number is not None else expected
        runs.append(kept)
        good = [
            run
            for run in runs
            if run and len(run) >= (2 if self.found[run[0]].number == 1 else 3) and self._has_prose(run)
        ]
        return {i for run in good for i in run}

    def _has_prose(self, run: list[int]) -> bool:
        """Enough between two of them to be a chapter; Chinese says three times as much in a character."""
        start, end = self.paragraphs[run[0]].end, self.paragraphs[run[-1]].start
        between = (end - start) * (3 if _CJK.search(self.text, start, min(end, start + 300)) else 1)
        apart = all(b > a + 1 for a, b in pairwise(run))
        return between >= (200 if apart else 400) * (len(run) - 1)

    def _are_pages(self, numbered: list[int]) -> bool:
        inner = [i for i in numbered if i > 0]
        if len(inner) < 5:
            return False
        cut = sum(not _ENDS_SENTENCE.search(self.words(i - 1)[-6:]) for i in inner)
        return cut >= 0.3 * len(inner)

    def choose_level(self) -> set[str]:
        """Which kinds of heading begin a chapter."""
        counts = {
            kind: sum(h.kind == kind for h in self.found.values())
            for kind in ("chapter", "section", "numbered", "number", "part")
        }
        if counts["chapter"] >= 1 and counts["chapter"] + counts["part"] > 1:
            return {"chapter", "numbered"} if self._goes_on() else {"chapter"}
        for kind in ("section", "numbered", "number"):
            if counts[kind] >= 2:
                return {kind, "chapter"}
        if counts["part"] or counts["chapter"]:
            return {"part", "chapter"}
        self._capitals()
        return {"numbered"}

    def _goes_on(self) -> bool:
        """Whether numbered lines carry on where the chapters end: ADVENTURE VI, then VII. The Blue Carbuncle."""
        last = [h for h in self.found.values() if h.kind == "chapter"][-1]
        after = [h for h in self.found.values() if h.kind == "numbered"]
        return bool(after) and last.number is not None and after[0].number == last.number + 1

    def _capitals(self) -> None:
        """Stories named in the table of contents, or by a line in capitals that stands apart, or by a title far apart."""
        for i, p in enumerate(self.paragraphs[:-1]):
            words = self.words(i) if len(p.lines) <= 2 and p.kind != "break" else ""
            apart = p.gap > self.manner.gap or i == 0
            far = p.gap >= self.manner.gap + 2
            listed = len(words) > 2 and self.key(words) in self.listed
            if (
                (listed or (words.isupper() and apart) or (far and words[-1:] not in ".!?"))
                and 4 <= len(words) <= 80
                and is_title_line(words)
                and (listed or self.leads_to_prose(i))
            ):
                if i in self.contents or i in self.found:
                    continue
                self.found[i] = Heading("numbered", None, undecorated(words), words.casefold())
        capitals = [i for i, h in self.found.items() if h.kind == "numbered"]
        if len(capitals) < 2 or not self._has_prose(capitals):
            for i in capitals:
                del self.found[i]
        self.found = dict(sorted(self.found.items()))

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
