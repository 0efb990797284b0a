"""Finds the quotations in a chapter: which stretches are speech, which only quoted words.

One pass over the marks. A quotation left open at the end of a paragraph goes on in the next one when that begins with
a mark again (a long speech) or holds the missing end (lines broken by a machine). Quoted words and titles inside a
sentence of narration stay narration.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from story.attribution.marks import DASHES, PAIR, Mark, Style, detect_style, marks_in
from story.attribution.speech import is_speech
from story.attribution.verbs import silent_kind, starts_like_a_tag

QuoteKind = Literal["speech", "thought", "letter", "word"]

MAX_RUN_OVER = 40  # paragraphs that an open quotation may pass without a mark, in text broken at sentences
# What someone said, told in the third person and the past though marks stand around it.
# "(smiling)", "(in a low voice)": what the narrator says in the middle of a speech.
_STAGE = re.compile(
    r"\s?\(\s?(?:(?:\w+ly,?\s+)?(?:smiling|laughing|looking|turning|nodding|returning|replacing|recollecting|blushing|sighing|"
    r"lowering|pointing|rising|taking|hesitating|speaking|whispering|weeping|sobbing|shaking|calling|glancing|drawing|"
    r"bowing|pausing|starting|sitting|standing|eyeing|twinkling|trying|leaning|stepping|moving|walking|beginning|recovering|laying|putting|raising|addressing|crying|trembling|holding|touching|striking|clapping)\b[^()]{0,80}"
    r"|(?:in|with)\s(?:an?|the|great|much)\b[^()]{0,40}\b(?:tone|voice|accents?|whisper|undertone|breath|smile|sigh|bow|look|laugh|"
    r"air|emphasis|wink|nod|glance|gesture)\b[^()]{0,40}|(?:to\s)?aside[^()]{0,30}|to\s[A-Z][\w.]*(?:\s[A-Z]\w*)?"
    r"|(?:rather\s|very\s)?(?:\w+ingly|softly|sadly|gravely|bitterly|quickly|slowly|loudly|quietly|angrily|eagerly|warmly|gently)|blushes|laughs|smiles|sighs|pauses|nods|bows|weeps|sobs|whispers)\s?[.,]?\s?\)\s?"
)


@dataclass(slots=True)
class Quote:
    """One stretch of text between marks.

    Attributes:
        start, end: the inner text, code points into the chapter, marks excluded, edges free of white space.
        outer_start, outer_end: with the marks.
        block: index of the paragraph it begins in.
        last_block: of the one it ends in; another only where lines were broken inside the speech.
        continues: it goes on with the speech that the paragraph before left open.
        kind: "word" for quoted words and titles, "thought" and "letter" by their tags, else "speech".
    """

    start: int
    end: int
    outer_start: int
    outer_end: int
    block: int
    last_block: int
    continues: bool = False
    kind: QuoteKind = "speech"


@dataclass(frozen=True, slots=True)
class Span:
    """A paragraph as the finder needs it: headings and verse are not `quotable`, but a speech may go on after verse."""

    start: int
    end: int
    quotable: bool = True
    verse: bool = False


def find_quotes(text: str, spans: Sequence[Span], style: Style | None = None) -> list[Quote]:
    """All quotations of a chapter in order, none overlapping; those of nested marks belong to the outer one."""
    if style is None:
        style = detect_style(text[s.start : s.end] for s in spans if s.quotable)
    finder = _Finder(text, spans, style)
    quotes = finder.run()
    _judge(text, spans, quotes)
    return _without_stage_directions(text, quotes) if "(" in text else quotes


class _Finder:
    def __init__(self, text: str, spans: Sequence[Span], style: Style) -> None:
        self.text, self.spans, self.style = text, spans, style
        self.marks = [marks_in(text, s.start, s.end, style) if s.quotable else [] for s in spans]
        self.quotes: list[Quote] = []
        self.open: tuple[int, int, str] | None = None  # (position of the mark, block, the mark)
        self.depth = 0  # of same-kind marks inside

    def run(self) -> list[Quote]:
        carried = False  # the paragraph before left its speech open
        for index, span in enumerate(self.spans):
            if not span.quotable:
                if self.open is None:
                    carried = False
                continue
            marks = self.marks[index]
            if self.open is None and self.style.dash and self._dash(index, span):
                carried = False
                continue
            continuing = carried and bool(marks) and self._blank(span.start, marks[0].at)
            first = len(self.quotes)
            for i, mark in enumerate(marks):
                self._take(mark, marks[i + 1 :] if self.open is not None else (), index, span)
            if continuing and len(self.quotes) > first:
                self.quotes[first].continues = True
            carried = False
            if self.open is not None:
                if continuing and len(self.quotes) == first:
                    carried = True  # the same speech in a third paragraph
                if not self._goes_on(index):
                    self._close_at_end(index)
                    if continuing and len(self.quotes) == first + 1:
                        self.quotes[-1].continues = True
                    carried = True
        return self.quotes

    def _take(self, mark: Mark, rest: Sequence[Mark], block: int, span: Span) -> None:
        role = mark.role
        if role == "maybe_close":
            if self.open is None or self.open[2] not in "'‘‚‛":
                return
            sure = next((m.role for m in rest if m.role in ("close", "open")), "open")
            if sure == "close":
                return  # an apostrophe: the real end is still to come
            role = "close"
        if role == "either":
            role = "open" if self.open is None else "close"
        if self.open is None:
            if role == "open":
                self.open, self.depth = (mark.at, block, mark.char), 0
            return
        at, _, char = self.open
        if not _same_kind(char, mark.char):
            return
        if role == "open":
            if char in PAIR or self._nested(rest):
                self.depth += 1
            elif self._new_speech(mark, span):
                self._close(self._last_end(at, mark.at), block)
                self.open, self.depth = (mark.at, block, mark.char), 0
            return
        if self.depth:
            self.depth -= 1
            return
        self._close(mark.at, block, mark_chars=1)

    def _new_speech(self, mark: Mark, span: Span) -> bool:
        """Whether an opening mark inside an open quotation begins another one, the end of the first being lost."""
        before = self.text[max(span.start, mark.at - 12) : mark.at].rstrip()
        return not before or before[-1] in "：:,，" or mark.at == span.start

    def _nested(self, rest: Sequence[Mark]) -> bool:
        """Whether a mark that opens inside an open quotation is closed, and then the outer one, before the block ends."""
        depth = 2 + self.depth
        for mark in rest:
            depth += {"open": 1, "close": -1}.get(mark.role, 0)
            if depth == 0:
                return True
        return False

    def _last_end(self, start: int, stop: int) -> int:
        """Where a quotation whose end is lost most likely ended: at its last full stop before the next one opens."""
        stretch = self.text[start + 1 : stop]
        ends = [m.end() for m in re.finditer(r"[.!?。！？…．]", stretch)]
        return start + 1 + (ends[-1] if ends else len(stretch))

    def _close(self, at: int, block: int, mark_chars: int = 0) -> None:
        assert self.open is not None
        opened, first_block, _ = self.open
        self.open = None
        start, end = _trim(self.text, opened + 1, at)
        if start >= end:
            return
        if any(self._apart(b) for b in range(first_block, block)):
            self._pieces(opened, at, mark_chars, first_block, block)
        else:
            self.quotes.append(Quote(start, end, opened, at + mark_chars, first_block, block))

    def _apart(self, block: int) -> bool:
        """Whether a blank line stands between this paragraph and the next: then they are two, not broken lines."""
        return self.text.count("\n", self.spans[block].end, self.spans[block + 1].start) > 1

    def _pieces(self, opened: int, at: int, mark_chars: int, first_block: int, block: int) -> None:
        for b in range(first_block, block + 1):
            start, end = _trim(
                self.text,
                opened + 1 if b == first_block else self.spans[b].start,
                at if b == block else self.spans[b].end,
            )
            if start < end and self.spans[b].quotable:
                outer_start = opened if b == first_block else start
                outer_end = at + mark_chars if b == block else end
                self.quotes.append(Quote(start, end, outer_start, outer_end, b, b, continues=b > first_block))

    def _close_at_end(self, block: int) -> None:
        self._close(self.spans[block].end, block)

    def _goes_on(self, block: int) -> bool:
        """Whether the speech open at this paragraph's end ends in a later one that does not begin with a mark."""
        assert self.open is not None
        char = self.open[2]
        for later in range(block + 1, min(len(self.spans), block + 1 + MAX_RUN_OVER)):
            if not self.spans[later].quotable:
                if self.spans[later].verse:
                    continue
                return False
            relevant = [m for m in self.marks[later] if _same_kind(char, m.char) and m.role != "maybe_close"]
            if relevant:
                first = relevant[0]
                return not (
                    first.role == "open"
                    or (first.role == "either" and self._blank(self.spans[later].start, first.at))
                )
        return False

    def _blank(self, start: int, end: int) -> bool:
        return not self.text[start:end].strip()

    def _dash(self, index: int, span: Span) -> bool:
        """A paragraph that a dash opens is speech, up to its tags."""
        text = self.text
        start, end = _trim(text, span.start, span.end)
        opener = 1 if text[start : start + 1] in DASHES else 2 if text.startswith("--", start) else 0
        if not opener:
            return False
        at = start + opener
        for piece_start, piece_end in dash_pieces(text, at, end):
            s, e = _trim(text, piece_start, piece_end)
            if s < e:
                outer = start if piece_start == at else s
                self.quotes.append(Quote(s, e, outer, e, index, index))
        return True


_DASH_TAG = re.compile(r"(?<=[,.!?…])\s+(?=\w)")


def dash_pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spoken pieces of a dash paragraph: a clause that is a tag ("he said", "cried Anna gaily") is cut out."""
    pieces, begin, at = [], start, start
    while True:
        found = _DASH_TAG.search(text, at, end)
        if found is None:
            break
        at = found.end()
        if text[at].islower() or text[at].isupper():
            tag = starts_like_a_tag(text, at, end)
            if tag:
                pieces.append((begin, found.start()))
                stop = re.compile(r"[.!?:](?:\s|$)|,\s|\s[—–]\s?").search(text, at, end)
                begin = stop.end() if stop else end
                at = begin
    pieces.append((begin, end))
    return pieces


def _same_kind(opened: str, other: str) -> bool:
    if opened in "'‘‚‛":
        return other in "'‘’‚‛"
    if opened in PAIR:
        return other in (opened, PAIR[opened])
    return other in '“”„‟"＂〝〞〟'


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _judge(text: str, spans: Sequence[Span], quotes: list[Quote]) -> None:
    """Sets `kind` of each quotation."""
    for i, quote in enumerate(quotes):
        before_in_block = i > 0 and quotes[i - 1].last_block == quote.block
        if quote.continues:
            quote.kind = quotes[i - 1].kind if i else "speech"
            continue
        floor = spans[quote.block].start
        if before_in_block:
            floor = max(floor, quotes[i - 1].outer_end)
        ceiling = spans[quote.last_block].end
        if i + 1 < len(quotes) and quotes[i + 1].block == quote.last_block:
            ceiling = min(ceiling, quotes[i + 1].outer_start)
        before, after = text[floor : quote.outer_start], text[quote.outer_end : ceiling]
        reported = before_in_block and quotes[i - 1].kind == "word" and not before.strip(" \n-—–")
        resumed = before_in_block and not reported
        if not is_speech(text[quote.start : quote.end], before, after, resumed=resumed):
            quote.kind = "word"
            continue
        quote.kind = silent_kind(before, after) or "speech"
        goes_on = before_in_block and quotes[i - 1].kind in ("thought", "letter")
        if quote.kind == "speech" and goes_on and not starts_like_a_tag(after, 0, len(after)):
            quote.kind = quotes[i - 1].kind  # “So that is it,” thought Emma. “I might have known.”


def _without_stage_directions(text: str, quotes: list[Quote]) -> list[Quote]:
    """“Well, (smiling) I hope so.” in two pieces, the direction left to the narrator."""
    found: list[Quote] = []
    for quote in quotes:
        at = quote.start
        if text.find("(", quote.start, quote.end) >= 0:
            for match in _STAGE.finditer(text, quote.start, quote.end):
                start, end = _trim(text, at, match.start())
                if start < end:
                    outer = quote.outer_start if at == quote.start else start
                    found.append(
                        replace(
                            quote,
                            start=start,
                            end=end,
                            outer_start=outer,
                            outer_end=end,
                            last_block=quote.block,
                        )
                    )
                at = match.end()
        start, end = _trim(text, at, quote.end)
        if at == quote.start:
            found.append(quote)
        elif start < end:
            found.append(replace(quote, start=start, end=end, outer_start=start))
    return found
