"""A printed table of contents among a book's paragraphs: told because its entries come again."""

from __future__ import annotations

import re

from story.importing.headings import Heading, is_title_line, recognise
from story.importing.paragraphs import Manner, Paragraph

_CONTENTS_CHARS = 6000  # more than a tenth of a book is no table of contents, unless the book is this short
_PAGE_DOTS = re.compile(r"[\s.…·_]*(?:\d{1,4}|[ivxlc]{1,7})?$", re.IGNORECASE)
PROSE_CHARS = 160  # a paragraph this long is no entry of a table of contents


class PrintedContents:
    """A book's paragraphs with the headings found in them, and what of them is its printed table of contents."""

    def __init__(self, text: str, paragraphs: list[Paragraph], manner: Manner) -> None:
        self.text, self.paragraphs, self.manner = text, paragraphs, manner
        self.found: dict[int, Heading] = {}
        self.lists: set[int] = set()  # paragraphs of several heading lines: a printed table of contents
        self.contents: set[int] = set()
        self.listed: set[str] = set()  # what the printed table of contents names
        self.dropped: set[int] = set()
        self.titles: dict[int, int] = {}  # title paragraph → its heading

    def words(self, i: int) -> str:
        return " ".join(self.text[s:e] for s, e in self.paragraphs[i].lines)

    def size(self, i: int) -> int:
        p = self.paragraphs[i]
        return p.end - p.start

    def drop_contents(self) -> None:
        for i in [i for i, h in self.found.items() if h.kind == "contents"] + sorted(self.lists):
            if i not in self.contents:
                self._contents_from(i)
        self._unnamed_contents()
        self._detailed_contents()
        for i in self.contents:
            self.found.pop(i, None)

    def _contents_from(self, begin: int) -> None:
        """Entries follow until the first of them comes again as the heading of prose, or until prose."""
        seen: set[str] = set()
        end = begin + 1
        for j in range(begin, len(self.paragraphs)):
            p = self.paragraphs[j]
            if p.end - p.start > PROSE_CHARS * len(p.lines) or (
                len(p.lines) == 1 and self.size(j) > PROSE_CHARS
            ):
                end = j
                while end > begin + 1 and (end - 1 in self.found or self._title_like(end - 1)):
                    end -= 1
                break
            keys = {self.key(self.text[s:e]) for s, e in p.lines}
            if (
                j > begin
                and (j in self.found or len(p.lines) == 1)
                and (self.key(self.words(j)) in seen or keys & seen)
                and self.leads_to_prose(j)
            ):
                end = j
                break
            if (
                j > begin + 1
                and j not in self.found
                and len(p.lines) >= 3
                and j not in self.lists
                and self._is_prose(j)
            ):
                end = j
                while end > begin + 1 and (end - 1 in self.found or self._title_like(end - 1)):
                    end -= 1
                break
            seen |= keys
            end = j + 1
        size = self.paragraphs[end - 1].end - self.paragraphs[begin].start
        if size > max(_CONTENTS_CHARS, 0.1 * (self.paragraphs[-1].end - self.paragraphs[0].start)):
            end = (
                begin + 1
            )  # that was no table of contents any more: better one entry read aloud than a book lost
            while end < len(self.paragraphs) and end in self.lists:
                end += 1
        self.contents |= set(range(begin, end))
        for j in range(begin, end):
            for s, e in self.paragraphs[j].lines:
                self.listed.add(self.key(self.text[s:e]))

    def _detailed_contents(self) -> None:
        """Headings 1 … n with a line or two each, that come again with chapters under them."""
        marked = [
            i for i, h in self.found.items() if h.number is not None and h.kind in {"chapter", "numbered"}
        ]
        ends = dict(zip(marked, [*marked[1:], len(self.paragraphs)], strict=False))
        again: dict[int | None, list[int]] = {}
        for i in marked:
            again.setdefault(self.found[i].number, []).append(i)
        first = [
            at[0]
            for at in again.values()
            if len(at) == 2 and self._span(at[0], ends) * 4 < self._span(at[1], ends)
        ]
        second = [at[1] for at in again.values() if len(at) == 2]
        if len(first) >= 3 and len(first) >= 0.6 * len(again) and max(first) < min(second):
            self.contents |= set(range(min(first), min(second)))

    def _span(self, i: int, ends: dict[int, int]) -> int:
        return self.paragraphs[ends[i] - 1].end - self.paragraphs[i].start

    def _is_prose(self, j: int) -> bool:
        """Lines filled to the margin that carry sentences over."""
        p = self.paragraphs[j]
        full = sum(e - s >= 0.8 * self.manner.width for s, e in p.lines[:-1])
        return p.kind == "prose" and full >= 0.7 * (len(p.lines) - 1)

    def _title_like(self, i: int) -> bool:
        return len(self.paragraphs[i].lines) == 1 and is_title_line(self.words(i)) and i - 1 in self.found

    def leads_to_prose(self, i: int) -> bool:
        return any(
            j not in self.found
            and (self.size(j) > PROSE_CHARS or (self._is_prose(j) and len(self.paragraphs[j].lines) > 1))
            for j in range(i + 1, min(i + 5, len(self.paragraphs)))
        )

    @staticmethod
    def key(line: str) -> str:
        heading = recognise(line)
        if heading and heading.number is not None:
            return f"{heading.kind} {heading.number}"
        return re.sub(r"[\W_]+", " ", _PAGE_DOTS.sub("", line[:200])).strip().casefold()

    def _unnamed_contents(self) -> None:
        """Three headings or more in a row, all of which come again."""
        later: dict[str, int] = {}
        for i, h in self.found.items():
            later[h.key] = i
        run: list[int] = []
        for i in [*sorted(self.found), len(self.paragraphs) + 1]:
            if run and i > run[-1] + 1:
                if len(run) >= 3 and sum(later[self.found[j].key] > run[-1] for j in run) >= 0.6 * len(run):
                    self.contents |= {j for j in run if later[self.found[j].key] > run[-1]}
                run = []
            run.append(i)
