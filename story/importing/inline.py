"""What changes inside a paragraph on its way from the file to a chapter's text, each change recorded as an edit.

Lines are joined, Project Gutenberg's _italics_ and [Illustration]s go, numbers of notes go, editors' notes go. Marks
that carry meaning for a reader stay: 【system messages】 of web novels are text, 【左“口”右“皇”】 in an edition is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from story.importing.manuscript import Block, BlockKind, Edit, ManuscriptChapter
from story.importing.paragraphs import Line

_CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff“”‘’…—·"
_IS_CJK = re.compile(f"[{_CJK}]")
_PLAIN_CJK = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
CIRCLED = "⑴-⒇①-⑳㈠-㈩❶-❿㉑-㉟㊱-㊿"
_SUPER = "⁰¹²³⁴-⁹"
_EDITORIAL = (
    r"(?:注|按|编者|編者|校|原文|原注|音|左|右|上|下|据|底本|缺|疑|此处|此處|[“「\"『]?.[”」\"』]?[+＋])"
)
_REFERENCE = r"\[(?:\d{1,3}|[*†‡]|注?[一二三四五六七八九十]{1,3}|[A-Z])\]|〔(?:注?\d{1,3}|注?[一二三四五六七八九十]{1,3})〕|【注?\d{1,3}】|［注?\d{1,3}］|\{\d{1,3}\}"
_MARKUP = (
    r"(?P<italic>(?<![\w_])_(?=[^\s_])|(?<=[^\s_])_(?![\w_]))",
    r"(?P<picture>[ \t]*\[(?:Illustration|Picture|Image|Frontispiece|Music)\b[^\]\n]{0,400}(?:\n[^\]\n]{1,200}){0,6}\])",
    rf"(?P<circled>[ \t]?[{CIRCLED}]+)",
    rf"(?P<number>(?<=[^\s\[])(?:{_REFERENCE})|(?<=[.,;:!?”’\"'。，、；：！？])[{_SUPER}]+)",
    rf"(?P<editor>(?:□{{1,20}})?【{_EDITORIAL}[^】\n]{{0,120}}(?:\n[^】\n]{{0,120}}){{0,3}}】|□{{1,20}}【[^】]{{0,120}}】)",
    r"(?P<system>【[^】]{0,200}】)",
)
_JOIN = r"(?P<join>[ \t\u3000\u00a0]*\n[ \t\u3000\u00a0]*)"
_PROSE = re.compile("|".join((_JOIN, *_MARKUP)))
_VERSE = re.compile("|".join((r"(?P<indent>(?<=\n)[ \t\u3000\u00a0]+|[ \t\u3000\u00a0]+(?=\n))", *_MARKUP)))
_MARKDOWN = (
    r"(?P<mdhead>^#{1,6}(?:[ \t]+|$)|[ \t]+#+$)",
    r"(?P<mdquote>^(?:>[ \t]?)+|(?<=\n)[ \t]*(?:>[ \t]?)+)",
    r"(?P<mdlist>^[-*+][ \t]+(?=\S))",
    r"(?P<mdescape>\\(?=[\\`*_{}\[\]()#+.!~>|\"'-])|\\(?=\n))",
    r"(?P<mdimage>!\[[^\]\n]{0,300}\]\([^)\n]{0,1000}\))",
    r"(?P<mdnote>\[\^[^\]\n]{1,60}\]:?)",
    r"(?P<mdlink>\[(?=[^\]\n]{1,300}\]\()|(?<=[^\[])\]\([^)\n]{0,1000}\))",
    r"(?P<mdhtml><!--.{0,2000}?-->|</?[A-Za-z][^<>\n]{0,300}>)",
    r"(?P<mdstar>(?<![\s*])\*{1,3}|\*{1,3}(?![\s*])|~~(?=\S)|(?<=\S)~~|`+)",
)
_MD_JOIN = r"(?P<join>[ \t\u3000\u00a0]*\\?\n[ \t\u3000\u00a0]*(?:>[ \t]?)*)"
_PROSE_MD = re.compile("|".join((_MD_JOIN, *_MARKDOWN, *_MARKUP)))
_VERSE_MD = re.compile(
    "|".join((r"(?P<indent>(?<=\n)[ \t\u3000\u00a0]+|[ \t\u3000\u00a0]+(?=\n))", *_MARKDOWN, *_MARKUP))
)
_MARGIN = " \t\u3000\u00a0"
_NEVER = re.compile("(?!)")
_LINE_END = re.compile(r"\n[ \t\u3000\u00a0]*")
_MARKED = re.compile(rf"[_\[〔【［{{□{CIRCLED}{_SUPER}]")
_NEEDED_MD = re.compile(rf"[\n_\[〔【［{{□{CIRCLED}{_SUPER}#>*\\!<~`+-]")
_NEEDED = re.compile(rf"[\n_\[〔【［{{□{CIRCLED}{_SUPER}]")


@dataclass(slots=True)
class Marks:
    """Which marks this book uses for notes and italics; others are left alone as text.

    Attributes:
        circled: ⑴ and ① are numbers of notes.
        markdown: the file is Markdown: its marks are no text.
        editorial: any 【…】 is an editor's remark, not only those that read like one.
    """

    circled: bool = True
    markdown: bool = False
    editorial: bool = False


class ChapterText:
    """Builds a chapter's text from stretches of the file, with its blocks and edits."""

    def __init__(self, source: str, start: int, marks: Marks) -> None:
        self._source, self._marks, self._start, self._at = source, marks, start, start
        self._parts: list[str] = []
        self._length = 0
        self._edits: list[Edit] = []
        self._late: list[tuple[BlockKind, list[Line]]] = []
        self.blocks: list[Block] = []

    def add(self, kind: BlockKind, lines: list[Line]) -> None:
        """A block of these lines; the white space before it stays as it is in the file."""
        start, end = lines[0][0], lines[-1][1]
        self._keep_until(start)
        begin, raw = self._length, self._source[start:end]
        needed = _NEVER if kind == "break" else _NEEDED_MD if self._marks.markdown else _NEEDED
        if needed.search(raw) is None:
            text = raw
        elif kind == "verse" or self._marks.markdown or _MARKED.search(raw):
            text = self._edited(raw, kind)
        else:
            text = self._joined(raw)
        self._parts.append(text)
        self._length += len(text)
        self._at = end
        if trimmed := text.strip():
            self.blocks.append(Block(kind, trimmed, begin + text.index(trimmed[0])))

    def add_break(self) -> None:
        """A scene break that the file shows by empty lines only."""
        self.blocks.append(Block("break", "", self._length))

    def drop(self, start: int, end: int) -> None:
        """Leaves a stretch out; only the edit remembers it."""
        self._keep_until(start)
        self._edits.append(Edit(self._length, self._source[start:end], 0))
        self._at = end

    def append(self, kind: BlockKind, lines: list[Line]) -> None:
        """A block of lines that were dropped where they stood; call this last, before finish()."""
        self._late.append((kind, lines))

    def finish(self, end: int, title: str, number: int) -> ManuscriptChapter:
        self._keep_until(end)
        for kind, lines in self._late:
            self._insert("\n\n")
            begin = self._length
            shadow = ChapterText(self._source, lines[0][0], self._marks)
            shadow.add(kind, lines)
            for block in shadow.blocks:
                self.blocks.append(Block(kind, block.text, begin))
                self._insert(block.text)
        return ManuscriptChapter(title, number, "".join(self._parts), self.blocks, self._start, self._edits)

    def _insert(self, text: str) -> None:
        """Text that stands for nothing at this place of the file."""
        self._edits.append(Edit(self._length, "", len(text)))
        self._parts.append(text)
        self._length += len(text)

    def _keep_until(self, start: int) -> None:
        between = self._source[self._at : start]
        self._parts.append(between)
        self._length += len(between)
        self._at = start

    def _joined(self, raw: str) -> str:
        """Lines joined and nothing else to do: what most paragraphs of a hard-wrapped book need."""
        pieces: list[str] = []
        length, done = self._length, 0
        for found in _LINE_END.finditer(raw):
            end = found.start()
            while raw[end - 1] in " \t\u3000\u00a0":
                end -= 1
            stop = found.end()
            instead = joint(raw[end - 1], raw[stop : stop + 1] or " ", raw[max(0, end - 2)])
            pieces += (raw[done:end], instead)
            length += end - done
            self._edits.append(Edit(length, raw[end:stop], len(instead)))
            length += len(instead)
            done = stop
        pieces.append(raw[done:])
        return "".join(pieces)

    def _edited(self, raw: str, kind: BlockKind) -> str:
        pieces: list[str] = []
        length, done = self._length, 0
        for found in _matches(raw, verse=kind == "verse", markdown=self._marks.markdown):
            instead = self._instead(raw, found)
            if instead is None:
                continue
            kept = raw[done : found.start()]
            pieces += (kept, instead)
            length += len(kept)
            self._edits.append(Edit(length, found[0], len(instead)))
            length += len(instead)
            done = found.end()
        pieces.append(raw[done:])
        return "".join(pieces)

    def _instead(self, raw: str, found: re.Match[str]) -> str | None:
        """What stands in the text for a match; None leaves it as it is."""
        match found.lastgroup:
            case "join":
                after = raw[found.end() : found.end() + 1] or " "
                return joint(raw[found.start() - 1], after, raw[max(0, found.start() - 2)])
            case "circled" if not self._marks.circled:
                return None
            case "system" if not self._marks.editorial:
                return None
            case _:
                return ""


def _matches(raw: str, *, verse: bool, markdown: bool) -> Iterator[re.Match[str]]:
    """Everything in a paragraph that may be no text, in order."""
    if verse or markdown:
        patterns = (_PROSE_MD, _VERSE_MD) if markdown else (_PROSE, _VERSE)
        yield from patterns[verse].finditer(raw)
        return
    at = 0
    for mark in _NEEDED.finditer(
        raw
    ):  # far faster than the pattern itself, whose matches hold one of these marks
        begin = mark.start()
        if begin < at:
            continue
        while begin > at and raw[begin - 1] in _MARGIN:
            begin -= 1
        for start in range(begin, mark.end()):
            if (found := _PROSE.match(raw, start)) is not None:
                at = found.end()
                yield found
                break


def joint(left: str, right: str, before_left: str = " ") -> str:
    """What joins two lines of one paragraph, from the characters around the line's end.

    Nothing between Chinese or Japanese characters and after a dash or hyphen, otherwise a space.
    """
    if left.isascii() and right.isascii():
        apart = left != "-" or not (before_left == "-" or (before_left.isalpha() and right.isalpha()))
        return " " if apart else ""
    if (_PLAIN_CJK.match(left) and _IS_CJK.match(right)) or (_PLAIN_CJK.match(right) and _IS_CJK.match(left)):
        return ""
    if left in "—–" or (left == "-" and (before_left == "-" or (before_left.isalpha() and right.isalpha()))):
        return ""
    return "" if right == "—" or left == "\u2e3a" else " "
