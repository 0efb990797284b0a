"""Plain text → Manuscript. Project Gutenberg's files, web novels, anything with lines.

The steps: find where the book begins and ends; split lines into paragraphs; find headings; make chapters; keep or drop
what is no story. Every character of the file ends up in a chapter, in one of its edits, or in `left_out`.
"""

from __future__ import annotations

import re
from collections import Counter

from story.errors import InputError
from story.importing.gutenberg import find_body
from story.importing.headings import is_title_line
from story.importing.inline import CIRCLED, ChapterText, Marks
from story.importing.manuscript import BlockKind, LeftOut, Manuscript, ManuscriptChapter
from story.importing.markdown import narrow
from story.importing.numbering import chapter_numbers
from story.importing.options import ReadOptions
from story.importing.outline import Outline, Section, outline
from story.importing.paragraphs import Manner, Paragraph, split_paragraphs
from story.importing.titles import capitals_to_title, is_author_line, title_of
from story.languages import detect_language, script_of

_ADVERT = re.compile(r"(?:https?://|www\.|[\w-]+\.(?:com|net|org|cc|la|info)\b)", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[Footnotes?\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」』）)_]*$")
_PICTURE = re.compile(r"\s*\[(?:Illustration|Picture|Image|Frontispiece|Music)\b[^\]]*\]\s*$", re.IGNORECASE)
_REASONS = {"front": "front matter", "back": "back matter", "contents": "table of contents"}


def read_text(
    text: str, where: str, stem: str, options: ReadOptions, *, markdown: bool = False
) -> Manuscript:
    """The manuscript of a decoded text file.

    Args:
        text: with "\\n" line ends.
        where: the file, for messages.
        stem: its name without the ending, a last resort for the title.
        markdown: it is Markdown.
    Raises:
        InputError: there is nothing to read in it.
    """
    body = find_body(text)
    if markdown:
        markdown = narrow(body, text)
    paragraphs, manner = split_paragraphs(text, body.start, body.end, markdown=markdown)
    if not paragraphs:
        raise InputError("there is no text in it", where=where, remedy="give a file with the book's text")
    plan = outline(text, paragraphs, manner, markdown=markdown)
    reader = _Reader(text, paragraphs, manner, plan, options, markdown=markdown)
    lone = not any(s.kind == "chapter" and s.own for s in plan.sections)
    top = reader.top_lines(lone)
    title, author = title_of(top, body.facts, stem, lone=lone)
    language = options.language or detect_language(reader.samples())
    book = Manuscript(title, author, language, script_of(language, text[:20_000]), [], left_out=body.left_out)
    reader.fill(book, body.start, body.end, lone=lone)
    if not book.chapters:
        raise InputError("there is no story in it", where=where, remedy="read everything with --matter all")
    return book


class _Reader:
    def __init__(
        self,
        text: str,
        paragraphs: list[Paragraph],
        manner: Manner,
        plan: Outline,
        options: ReadOptions,
        *,
        markdown: bool,
    ) -> None:
        self.text, self.paragraphs, self.manner, self.plan, self.options = (
            text,
            paragraphs,
            manner,
            plan,
            options,
        )
        self.marks = self._marks(markdown)
        self.wide_gap = self._wide_gap()

    def words(self, i: int) -> str:
        return " ".join(self.text[s:e] for s, e in self.paragraphs[i].lines)

    def samples(self) -> list[str]:
        """Text from the book's beginning, middle and end, for telling its language."""
        count = len(self.paragraphs)
        places = range(0, count, max(1, count // 120))
        return [self.text[self.paragraphs[i].start : self.paragraphs[i].end] for i in places]

    def top_lines(self, lone: bool) -> list[str]:
        """The short lines a book opens with: title, author."""
        first = next((s for s in self.plan.sections if s.kind == "chapter" and s.own), None)
        end = first.first if first else len(self.paragraphs)
        lines: list[str] = []
        for i in range(min(end, 8)):
            p = self.paragraphs[i]
            if any(e - s > 100 for s, e in p.lines) or len(p.lines) > 6 or (lone and not self._title_like(i)):
                break
            lines += [self.text[s:e] for s, e in p.lines]
        return lines

    def _title_like(self, i: int) -> bool:
        return is_title_line(re.sub(rf"[{CIRCLED}]+$", "", self.words(i)).strip(" ·•　"))

    def _marks(self, markdown: bool) -> Marks:
        starts = sum(self.text[p.start] in "①②③" or "⑴" <= self.text[p.start] <= "⑸" for p in self.paragraphs)
        return Marks(bool(self.plan.notes) or starts == 0, markdown)

    def _wide_gap(self) -> int:
        """How many blank lines make a scene break: one more than usual, if that is rare."""
        gaps = Counter(p.gap for p in self.paragraphs[1:])
        wide = self.manner.gap + 1
        rare = sum(n for gap, n in gaps.items() if gap >= wide) <= max(3, 0.12 * len(self.paragraphs))
        return wide if rare else 10**6

    def fill(self, book: Manuscript, start: int, end: int, *, lone: bool) -> None:
        """Chapters and what is left out, from start to end of the file without a hole."""
        sections = list(self.plan.sections)
        kept = [s for s in sections if self._keeps(s, lone)] or [s for s in sections if s.kind != "contents"]
        numbers = chapter_numbers([s.own.number if s.own else None for s in kept])
        number_of = dict(zip(map(id, kept), numbers, strict=True))
        names = Counter(s.name for s in kept)
        at = start
        for section in sections:
            stop = end if section is sections[-1] else self.paragraphs[section.last + 1].start
            if id(section) not in number_of:
                reason = _REASONS.get(section.kind, "title page")
                reason = (
                    f"{reason}: {section.name}"
                    if section.name
                    else "title page"
                    if section.kind == "front"
                    else reason
                )
                book.left_out.append(LeftOut(reason, self.text[at:stop], at))
            else:
                title = (
                    section.name
                    if names[section.name] == 1 or not section.part
                    else f"{section.part}, {section.name}"
                )
                lead = {} if section.own else self._lead(section)
                number = number_of[id(section)]
                chapter = self._chapter(section, at, stop, capitals_to_title(title), number, lead, book)
                if any(b.kind not in {"heading", "break"} for b in chapter.blocks) or len(kept) == 1:
                    book.chapters.append(chapter)
                else:
                    book.left_out.append(LeftOut("headings without text", self.text[at:stop], at))
            at = stop

    def _keeps(self, section: Section, lone: bool) -> bool:
        if section.kind == "chapter":
            return True
        if section.kind == "contents":
            return False
        if self.options.matter == "all":
            return True
        return section.own is None and section.kind == "front" and self._is_story(section)

    def _is_story(self, section: Section) -> bool:
        """An opening without a heading is kept if it is prose and not a title page."""
        sentences = 0
        for i in range(section.first, section.last + 1):
            p = self.paragraphs[i]
            raw = self.text[p.start : p.end]
            if _SENTENCE_END.search(raw) and not is_title_line(raw) and not _ADVERT.search(raw):
                sentences += len(raw)
        return sentences > 500

    def _lead(self, section: Section) -> dict[int, BlockKind | None]:
        """In a book without chapters: title lines on top become headings, the author's name goes (None)."""
        lead: dict[int, BlockKind | None] = {}
        for i in range(section.first, min(section.first + 4, section.last)):
            if not self._title_like(i) or self.paragraphs[i].kind == "break":
                break
            lead[i] = "heading"
        return lead

    def _chapter(
        self,
        section: Section,
        start: int,
        stop: int,
        title: str,
        number: int,
        lead: dict[int, BlockKind | None],
        book: Manuscript,
    ) -> ManuscriptChapter:
        chapter = ChapterText(self.text, start, self.marks)
        notes: list[int] = []
        for i in range(section.first, section.last + 1):
            p = self.paragraphs[i]
            raw = self.text[p.start : p.end]
            if (
                i in self.plan.dropped
                or (self.marks.markdown and raw.startswith(("```", "~~~")))
                or _PICTURE.match(raw)
                or (len(raw) < 160 and self._is_advert(i, raw))
            ):
                chapter.drop(p.start, p.end)
            elif (
                i in self.plan.notes or _FOOTNOTE.match(raw) or (self.marks.markdown and raw.startswith("[^"))
            ):
                notes.append(i)
                chapter.drop(p.start, p.end)
            elif lead.get(i) and is_author_line(self.words(i), book.author):
                chapter.drop(p.start, p.end)
            elif i in section.headings or i in lead:
                self._add_heading(chapter, p)
            else:
                if (
                    p.gap >= self.wide_gap
                    and chapter.blocks
                    and chapter.blocks[-1].kind not in {"heading", "break"}
                    and p.kind != "break"
                ):
                    chapter.add_break()
                kind: BlockKind = "narration" if p.kind == "prose" else p.kind
                chapter.add(kind, p.lines)
        if self.options.notes == "end":
            for i in notes:
                chapter.append("footnote", self.paragraphs[i].lines)
        return chapter.finish(stop, title, number)

    def _is_advert(self, i: int, raw: str) -> bool:
        """A site's own line in a downloaded novel."""
        if self.marks.markdown:
            return False
        found = _ADVERT.search(raw)
        if found is None:
            return False
        edge = i < 10 or i >= len(self.paragraphs) - 10
        cjk = sum("\u3400" <= c <= "\u9fff" for c in raw)
        return cjk > 5 or (edge and len(found[0]) > 0.2 * len(raw))

    def _add_heading(self, chapter: ChapterText, p: Paragraph) -> None:
        if len(p.lines) > 1 and p.lines[0][1] - p.lines[0][0] <= 40:
            chapter.add("heading", p.lines[:1])
            chapter.add("heading", p.lines[1:])
        else:
            chapter.add("heading", p.lines)
