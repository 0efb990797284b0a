"""Where an EPUB's chapters begin: its contents page first, its headings where that says little.

The contents page of a novel may name parts, chapters and sections inside chapters; the level that makes pieces of a
chapter's size is taken. Files the contents page leaves out carry on the chapter before them.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Literal

from story.importing.epub.blocks import Document, DocumentBlock
from story.importing.epub.package import ContentsEntry, Package
from story.importing.headings import recognise, undecorated
from story.importing.outline import joined_title

PieceKind = Literal["chapter", "front", "back"]
_CHAPTER_CHARS = 2500  # a contents level below the top is used if its pieces are usually longer than this

_STORY_TYPES = {
    "chapter",
    "prologue",
    "epilogue",
    "prelude",
    "interlude",
    "conclusion",
    "part",
    "volume",
    "bodymatter",
    "z3998:fiction",
    "text",
    "doc-chapter",
    "doc-prologue",
    "doc-epilogue",
    "doc-part",
    "division",
    "subchapter",
    "se:short-story",
    "z3998:short-story",
}
_FRONT_TYPES = {
    "frontmatter",
    "titlepage",
    "title-page",
    "halftitlepage",
    "halftitle",
    "copyright-page",
    "cover",
    "imprint",
    "imprimatur",
    "dedication",
    "epigraph",
    "preface",
    "foreword",
    "introduction",
    "preamble",
    "acknowledgments",
    "acknowledgements",
    "doc-introduction",
    "doc-preface",
    "doc-foreword",
    "doc-dedication",
    "doc-acknowledgments",
    "doc-epigraph",
    "doc-cover",
    "toc",
    "landmarks",
    "loi",
    "lot",
    "list-of-illustrations",
    "seriespage",
    "other-credits",
    "notice",
}
_BACK_TYPES = {
    "backmatter",
    "colophon",
    "appendix",
    "glossary",
    "bibliography",
    "index",
    "endnotes",
    "rearnotes",
    "footnotes",
    "notes",
    "afterword",
    "contributors",
    "uncopyright",
    "doc-appendix",
    "doc-glossary",
    "doc-bibliography",
    "doc-index",
    "doc-endnotes",
    "doc-afterword",
    "doc-colophon",
    "z3998:colophon",
    "answers",
    "errata",
}
_KIND_OF: dict[str, PieceKind] = {"front": "front", "back": "back", "notes": "back", "contents": "front"}
_ONLY_PLACE = {
    "frontmatter",
    "backmatter",
    "bodymatter",
    "z3998:fiction",
    "text",
    "division",
}  # say less than others


@dataclass(slots=True)
class Piece:
    """Blocks of the book from one cut to the next."""

    title: str
    first: int
    last: int = -1
    kind: PieceKind = "chapter"
    number: int | None = None
    part: str = ""
    types: tuple[str, ...] = ()


@dataclass(slots=True)
class Flow:
    """All documents' blocks in one row.

    Attributes:
        begins: document → index of its first block.
        names: for each block the document it stands in.
    """

    blocks: list[DocumentBlock] = field(default_factory=list)
    begins: dict[str, int] = field(default_factory=dict)
    anchors: dict[tuple[str, str], int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def flow_of(documents: list[Document]) -> Flow:
    flow = Flow()
    for document in documents:
        base = len(flow.blocks)
        flow.begins[document.name] = base
        flow.blocks += document.blocks
        flow.names += [document.name] * len(document.blocks)
        for anchor, at in document.anchors.items():
            flow.anchors[document.name, anchor] = base + at
    return flow


def divide(flow: Flow, package: Package) -> list[Piece]:
    """The pieces of a book in order, covering every block."""
    if not flow.blocks:
        return []
    cuts = _contents_cuts(flow, package.contents)
    if len(cuts) < 2:
        cuts = {}
    cuts |= {at: title for at, title in _heading_cuts(flow, cuts).items() if at not in cuts}
    cuts |= {at: title for at, title in _matter_cuts(flow, package).items() if at not in cuts}
    starts = sorted(cuts)
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    pieces = []
    for begin, end in zip(starts, [*starts[1:], len(flow.blocks)], strict=True):
        if end > begin:
            pieces.append(_piece(flow, package, begin, end, cuts.get(begin, "")))
    return _merged(_sorted_out(pieces, flow), flow)


def _contents_cuts(flow: Flow, contents: list[ContentsEntry]) -> dict[int, str]:
    """Block index → title for the entries of the levels that make chapters."""
    placed: list[tuple[int, ContentsEntry]] = []
    for entry in contents:
        at = flow.anchors.get((entry.name, entry.fragment)) if entry.fragment else None
        at = flow.begins.get(entry.name) if at is None else at
        if at is not None and at < len(flow.blocks):
            placed.append((at, entry))
    cuts: dict[int, str] = {}
    for depth in sorted({e.depth for _, e in placed}):
        level = [(at, e) for at, e in placed if e.depth == depth]
        if cuts and not _makes_chapters(level, flow, cuts):
            break
        for at, entry in level:
            at = _back_to_heading(flow, at)
            if at not in cuts:
                cuts[at] = entry.title
            elif (
                entry.title and entry.title != cuts[at] and recognise(entry.title) and not recognise(cuts[at])
            ):
                cuts[at] = joined_title([cuts[at], entry.title])
    return cuts


def _back_to_heading(flow: Flow, at: int) -> int:
    """An entry often leads to the paragraph after its heading, or into the middle of a heading of two lines."""
    first = flow.begins[flow.names[at]]
    back = at
    while back > first and at - back < 3 and flow.blocks[back - 1].kind == "heading":
        back -= 1
    return back if back == first or flow.blocks[back].kind == "heading" else at


def _makes_chapters(level: list[tuple[int, ContentsEntry]], flow: Flow, cuts: dict[int, str]) -> bool:
    """Whether a lower level of the contents page names chapters rather than sections of them."""
    told = [recognise(e.title) for _, e in level]
    if sum(h is not None and h.kind == "chapter" for h in told) >= 0.5 * len(level):
        return True
    already = [recognise(t) for t in cuts.values()]
    if sum(h is not None and h.kind == "chapter" for h in already) >= 2:
        return False
    starts = sorted({at for at, _ in level} | set(cuts))
    ends = dict(zip(starts, [*starts[1:], len(flow.blocks)], strict=True))
    sizes = [sum(len(b.text) for b in flow.blocks[at : ends[at]]) for at, _ in level]
    return statistics.median(sizes) >= _CHAPTER_CHARS


def _heading_cuts(flow: Flow, cuts: dict[int, str]) -> dict[int, str]:
    """Headings that the contents page does not know: chapters by their words, or, without any contents, by level."""
    found: dict[int, str] = {}
    level = _chapter_level(flow) if not cuts else 0
    listed = {heading.key for title in cuts.values() if (heading := recognise(title)) is not None}
    before = False
    for i, block in enumerate(flow.blocks):
        heading = block.kind == "heading"
        opens = heading and not (before and i - 1 in found)
        before = heading
        if not opens:
            continue
        told = recognise(block.text)
        new_file = flow.begins[flow.names[i]] == i
        if told and told.kind in {"chapter", "part"} and told.key not in listed and not _near(i, cuts):
            if not cuts or new_file:
                found[i] = ""
        elif not cuts and (block.level <= level or (told and new_file)):
            found[i] = ""
    return found


def _near(i: int, cuts: dict[int, str]) -> bool:
    return any(i - d in cuts for d in range(4))


def _chapter_level(flow: Flow) -> int:
    """The heading level that divides a book without a contents page: the highest that comes at least twice."""
    for level in range(1, 5):
        if sum(b.kind == "heading" and b.level == level for b in flow.blocks) >= 2:
            return level
    return 1


def _matter_cuts(flow: Flow, package: Package) -> dict[int, str]:
    """Files that are front or back matter by their types end the chapter before them, and do not carry it on."""
    found: dict[int, str] = {}
    for name, begin in flow.begins.items():
        if begin < len(flow.blocks) and flow.names[begin] == name:
            kind = _kind_by_types(_types_at(flow, package, begin))
            before = _kind_by_types(_types_at(flow, package, begin - 1)) if begin else None
            if kind != before:
                found[begin] = ""
    return found


def _types_at(flow: Flow, package: Package, at: int) -> tuple[str, ...]:
    guide = package.kinds.get(flow.names[at], "")
    return (*guide.split(), *flow.blocks[at].types)


def _kind_by_types(types: tuple[str, ...]) -> PieceKind | None:
    """What the innermost telling word says; "frontmatter" around a "prologue" yields to the prologue."""
    for words in ([t for t in types if t not in _ONLY_PLACE], types):
        for word in reversed(words):
            if word in _STORY_TYPES:
                return "chapter"
            if word in _FRONT_TYPES:
                return "front"
            if word in _BACK_TYPES:
                return "back"
    return None


def _piece(flow: Flow, package: Package, begin: int, end: int, listed: str) -> Piece:
    lines: list[str] = []
    for block in flow.blocks[begin : min(end, begin + 3)]:
        told = recognise(block.text)
        if block.kind != "heading" or (lines and told and told.kind in {"chapter", "part"}):
            break
        lines.append(undecorated(block.text) or block.text)
    own = joined_title(lines)
    better_own = recognise(own) is not None and recognise(listed) is None
    title = " ".join((own if better_own or not listed else listed).split())
    told = recognise(title) or (recognise(lines[0]) if lines else None)
    types = _types_at(flow, package, begin)
    kind = _kind_by_types(types)
    if told and (kind is None or (kind == "chapter" and not set(types) - _ONLY_PLACE)):
        kind = _KIND_OF.get(told.kind) or kind
    number = told.number if told and told.kind in {"chapter", "numbered", "number", "section"} else None
    part = title if told and told.kind == "part" else ""
    return Piece(title, begin, end - 1, kind or "chapter", number, part, types)


def _sorted_out(pieces: list[Piece], flow: Flow) -> list[Piece]:
    """Pieces nobody named: before the first chapter they are front matter unless they are long prose."""
    told = [
        p
        for p in pieces
        if p.kind == "chapter"
        and (p.number is not None or set(p.types) & (_STORY_TYPES - _ONLY_PLACE) or p.part)
    ]
    first = told[0].first if told else 0
    for piece in pieces:
        if piece.kind != "chapter" or piece.first >= first or piece in told:
            continue
        heading = recognise(piece.title)
        if heading and heading.kind == "story":
            continue
        prose = sum(len(b.text) for b in _blocks(piece, flow) if b.kind != "heading" and len(b.text) > 120)
        if prose < 1500:
            piece.kind = "front"
    return pieces


def _blocks(piece: Piece, flow: Flow) -> list[DocumentBlock]:
    return flow.blocks[piece.first : piece.last + 1]


def _merged(pieces: list[Piece], flow: Flow) -> list[Piece]:
    """Title pages of parts open with the chapter after them."""
    out: list[Piece] = []
    for piece in pieces:
        before = out[-1] if out else None
        prose = sum(len(b.text) for b in _blocks(before, flow) if b.kind != "heading") if before else 0
        is_part = before and (before.part or set(before.types) & {"part", "volume", "doc-part", "division"})
        if (
            before
            and before.kind == "chapter"
            and piece.kind == "chapter"
            and before.number is None
            and (prose == 0 or (is_part and prose < 1000))
        ):
            piece.first = before.first
            piece.part = (
                joined_title([p for p in (before.part or before.title, piece.part) if p])
                if before.title != piece.title
                else ""
            )
            out.pop()
        out.append(piece)
    return out
