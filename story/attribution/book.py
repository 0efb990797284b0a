"""A manuscript becomes a novel: quotations cut out, every line given a speaker, nothing of the text lost.

Each segment keeps its place (`char_start`, `char_end`) and the `separator` before it (marks and white space), so that
separators and contents in order, and the chapter's `tail`, are the chapter's text again. That is also how a novel is
attributed anew, after its characters were edited, without the book it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from story.attribution.chinese import attribute_chinese
from story.attribution.decode import Decision
from story.attribution.english import attribute_english
from story.attribution.marks import detect_style
from story.attribution.people_of_book import characters_of
from story.attribution.quotations import Quote, Span, find_quotes
from story.attribution.reading import Prose, Spoken
from story.attribution.roster import Person, Roster, from_list
from story.importing.manuscript import Block, BlockKind, Manuscript, ManuscriptChapter
from story.novel import Chapter, Character, Novel, Segment, SegmentType, is_chinese
from story.speakers import infer_roles

CORRECTED = "corrected"  # the rule of a line whose speaker a person gave
QUOTABLE = frozenset({"narration", "letter", "footnote"})
_TYPES: dict[str, SegmentType] = {
    "heading": "heading",
    "verse": "verse",
    "letter": "letter",
    "break": "break",
}


_QUOTED: dict[str, SegmentType] = {"thought": "thought", "letter": "letter"}


def novel_of(manuscript: Manuscript, characters: Sequence[Character] = (), *, spend: bool = False) -> Novel:
    """The manuscript as a novel.

    Args:
        characters: a closed list of who there is; empty: they are found in the text.
        spend: the manuscript's chapters are given up as they become the novel's, which spares the memory of both.
    """
    sources = manuscript.chapters if spend else [*manuscript.chapters]
    chapters, people = attribute_chapters(sources, manuscript.language, characters)
    return Novel(
        title=manuscript.title or "Untitled",
        author=manuscript.author,
        language=manuscript.language,
        characters=people,
        pronunciation=manuscript.pronunciation,
        chapters=chapters,
    )


def attribute_chapters(
    chapters: list[ManuscriptChapter], language: str, given: Sequence[Character]
) -> tuple[list[Chapter], list[Character]]:
    """Segments with speakers for every chapter, and the characters; `chapters` is empty afterwards."""
    style = detect_style(b.text for c in chapters for b in c.blocks if b.kind in QUOTABLE)
    prose = []
    for chapter in chapters:
        spans = [
            Span(b.char_start, b.char_end, b.kind in QUOTABLE, b.kind == "verse") for b in chapter.blocks
        ]
        prose.append(Prose(chapter.text, spans, find_quotes(chapter.text, spans, style)))
    engine: Callable[[Sequence[Prose], Sequence[Person] | None], tuple[Roster, list[Spoken]]]
    engine = attribute_chinese if is_chinese(language) else attribute_english
    known = from_list((c.id, c.name, c.aliases, c.gender, c.age) for c in given) if given else None
    crowds = {c.id for c in given if c.role == "crowd"}
    for person in known or ():
        person.group = person.id in crowds
    roster, reads = engine(prose, known)
    lines = Counter(decision.person for spoken in reads for decision in spoken.values())
    merged = {p.id for p in roster.people}
    listed = [c for c in given if c.id in merged]
    people, ids = characters_of(roster.people, lines, language, listed)
    teller = next(c.id for c in people if c.role == "narrator")
    found: list[Chapter] = []
    for rest in (chapters, prose, reads):
        rest.reverse()
    while chapters:
        found.append(_chapter(chapters.pop(), prose.pop().quotes, reads.pop(), ids, teller))
    infer_roles(
        people,
        {c.id for c in listed} | {c.id for c in people if c.role in ("narrator", "crowd")},
        [s for c in found for s in c.segments],
    )
    return found, people


def _chapter(
    chapter: ManuscriptChapter,
    quotes: Sequence[Quote],
    spoken: Spoken,
    ids: dict[int, str],
    teller: str,
) -> Chapter:
    identifier = f"ch{chapter.number:02d}"
    found: list[tuple[SegmentType, int, int, int, int, Decision | None]] = []
    at = 0  # up to here everything is in a segment or a separator

    def put(kind: SegmentType, start: int, end: int, paragraph: int, line: Decision | None = None) -> None:
        nonlocal at
        while start < end and chapter.text[start].isspace():
            start += 1
        while end > start and chapter.text[end - 1].isspace():
            end -= 1
        if kind != "break" and not any(c.isalnum() for c in chapter.text[start:end]):
            return  # marks between two quotations
        found.append((kind, at, start, end, paragraph, line))
        at = end

    k = 0
    for number, block in enumerate(chapter.blocks):
        plain = _TYPES.get(block.kind, "narration")
        if block.kind not in QUOTABLE:
            put(plain, block.char_start, block.char_end, number)
            continue
        begin = max(block.char_start, at)
        while k < len(quotes) and quotes[k].start < block.char_end:
            quote = quotes[k]
            line = spoken.get(k)
            k += 1
            if line is None:
                continue  # quoted words: narration
            put(plain, begin, max(begin, quote.outer_start), number)
            kind = _QUOTED.get(quote.kind, "dialogue")
            put(kind, quote.start, quote.end, number, line)
            begin = max(begin, quote.outer_end)
        if begin < block.char_end:
            put(plain, begin, block.char_end, number)
    offsets = chapter.source_offsets([offset for _, _, start, end, _, _ in found for offset in (start, end)])
    marks: dict[str, str] = {}  # the same few separators thousands of times
    segments = [
        _light(
            id=f"{identifier}-{i + 1:04d}",
            type=kind,
            content=chapter.text[start:end],
            speaker=ids[line.person] if line else teller,
            paragraph=paragraph,
            char_start=offsets[2 * i],
            char_end=offsets[2 * i + 1],
            speaker_confidence=line.confidence if line else None,
            speaker_rule=line.rule if line else None,
            separator=marks.setdefault(mark := chapter.text[before:start], mark),
        )
        for i, (kind, before, start, end, paragraph, line) in enumerate(found)
    ]
    return Chapter(
        id=identifier, number=chapter.number, title=chapter.title, segments=segments, tail=chapter.text[at:]
    )


_FIELDS = set(Segment.model_fields)


def _light(**fields: Any) -> Segment:
    """A segment that shares with all others its set of "fields that were given": a third of a segment's memory."""
    segment = Segment(**fields)
    object.__setattr__(segment, "__pydantic_fields_set__", _FIELDS)
    return segment


def chapter_text(chapter: Chapter) -> str | None:
    """The chapter's text again, or None where a segment does not keep what stood before it."""
    if any(s.separator is None for s in chapter.segments):
        return None
    return "".join((s.separator or "") + s.content for s in chapter.segments) + chapter.tail


_KINDS: dict[str, BlockKind] = {"heading": "heading", "verse": "verse", "letter": "letter", "break": "break"}


def attributed_anew(novel: Novel, characters: Sequence[Character]) -> Novel:
    """The novel with every line attributed again, by this list of characters; its text and ids of lines stay.

    Chapters that do not keep their text (not imported by Soundbound) are left as they are.
    """
    keep = [c for c in novel.chapters if chapter_text(c) is None]
    redo = [c for c in novel.chapters if chapter_text(c) is not None]
    sources = [_manuscript_chapter(c) for c in redo]
    chapters, people = attribute_chapters(sources, novel.language, characters)
    ids = {c.id for c in people}
    people += [
        c
        for c in novel.characters
        if c.id not in ids and any(s.speaker == c.id for k in keep for s in k.segments)
    ]
    anew = {}
    for old, new in zip(redo, chapters, strict=True):
        anew[old.id] = _with_places(old, new, ids)
    return novel.model_copy(
        update={"characters": people, "chapters": [anew.get(c.id, c) for c in novel.chapters]}
    )


def _with_places(old: Chapter, new: Chapter, people: set[str]) -> Chapter:
    """The new segments with ids and source places of the old ones where they are the same stretch of text."""
    places: dict[tuple[int, int], Segment] = {}
    at = 0
    for segment in old.segments:
        at += len(segment.separator or "")
        places[at, at + len(segment.content)] = segment
        at += len(segment.content)
    segments = []
    taken = {s.id for s in old.segments}
    for segment in new.segments:
        same = places.get((segment.char_start or 0, segment.char_end or 0))
        if same is not None:
            kept = {
                k: getattr(same, k)
                for k in ("id", "char_start", "char_end", "emotion", "emotion_intensity", "style", "voice_id")
            }
            if same.speaker_rule == CORRECTED and same.speaker in people:
                kept |= {
                    k: getattr(same, k) for k in ("speaker", "speaker_confidence", "speaker_rule", "type")
                }
            segments.append(segment.model_copy(update=kept))
        else:
            name = segment.id
            while name in taken:
                name += "b"
            taken.add(name)
            segments.append(segment.model_copy(update={"id": name, "char_start": None, "char_end": None}))
    return old.model_copy(update={"segments": segments, "tail": new.tail})


def _manuscript_chapter(chapter: Chapter) -> ManuscriptChapter:
    """The chapter's text and blocks back from its segments."""
    text = chapter_text(chapter) or ""
    starts: dict[int, tuple[int, str]] = {}
    ends: dict[int, int] = {}
    at = 0
    for number, segment in enumerate(chapter.segments):
        start = at + len(segment.separator or "")
        opening = len((segment.separator or "").rsplit("\n", 1)[-1]) if segment.separator else 0
        paragraph = segment.paragraph if segment.paragraph is not None else number
        at = start + len(segment.content)
        if paragraph not in starts:
            begin = start - opening if segment.separator else start
            begin += len(text[begin:start]) - len(text[begin:start].lstrip())
            starts[paragraph] = (begin, segment.type)
        ends[paragraph] = at
    order = sorted(starts)
    blocks = []
    for i, paragraph in enumerate(order):
        begin, kind = starts[paragraph]
        limit = starts[order[i + 1]][0] if i + 1 < len(order) else len(text)
        end = ends[paragraph]
        closing = text[end:limit]
        end += len(closing.split("\n", 1)[0].rstrip())
        blocks.append(Block(_KINDS.get(kind, "narration"), text[begin:end], begin))
    return ManuscriptChapter(chapter.title, chapter.number, text, blocks)
