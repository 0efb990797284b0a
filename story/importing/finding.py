"""Which paragraphs of a text file are headings, and of which manner its chapters' headings are.

A line may read like a heading and be none: bare numbers must run in sequence with prose between, page numbers cut
sentences, a table of contents lists headings without their chapters.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

from story.importing.contents import PrintedContents
from story.importing.headings import Heading, HeadingKind, is_title_line, recognise, undecorated
from story.importing.paragraphs import Paragraph

_MAX_LINES = 6
_ENDS_SENTENCE = re.compile(r"[.!?。！？…—\-:：;；*][\"'”’」』）)\]*_\s]*$")
_MARKED = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})$")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


class FoundHeadings(PrintedContents):
    """A book's paragraphs with the headings found in them."""

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
