"""Cuts a chapter's quotations into turns, each with what the text around it says of its speaker.

A turn is what one person says in one paragraph (and in the paragraphs that go on with it). Two tags that name two
people in one paragraph make two turns.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from story.attribution import tags
from story.attribution.discovery import spoken_to
from story.attribution.mentions import Mention
from story.attribution.names import Name
from story.attribution.quotations import Quote, Span
from story.attribution.tags import Finding

NEAR_BLOCKS = 3  # paragraphs of narration before a turn that count as its neighbourhood


@dataclass(slots=True)
class Turn:
    """One person's words in one paragraph.

    Attributes:
        quotes: indices into the chapter's quotations.
        block: of the first one.
        findings: of tags and leads, best first.
        action: the subject of a sentence of action in the same paragraph, with its rule.
        gap: how many paragraphs without speech stand between this turn and the one before; None for the first.
        gap_subject: the subject of the last sentence of those paragraphs.
        gap_lead: what they end with, when they end like a lead.
        named: names inside the turn's own words, with whether they are spoken to.
        kin: whom a tag such as "his wife" means, when the families tell.
    """

    quotes: list[int]
    block: int
    last_block: int
    findings: list[Finding] = field(default_factory=list)
    action: Finding | None = None
    gap: int | None = None
    gap_subject: Mention | None = None
    gap_lead: Finding | None = None
    named: list[tuple[Name, bool]] = field(default_factory=list)
    kin: int | None = None
    same_block: bool = False  # as the turn before
    led: bool = False  # narration before it leads it in
    abuts: bool = False  # it follows another's words with nothing between

    @property
    def tag(self) -> Finding | None:
        return self.findings[0] if self.findings else None


_RANK = {"tag": 0, "lead": 1, "lead far": 1, "tag far": 2, "lead before": 2, "colon": 3, "lead action": 4}


def cut_turns(text: str, spans: Sequence[Span], quotes: Sequence[Quote]) -> list[Turn]:
    """Turns in order; `named` is filled by `name_turns`."""
    turns: list[Turn] = []
    by_block: dict[int, list[int]] = {}
    for i, quote in enumerate(quotes):
        if quote.kind in ("speech", "thought", "letter"):
            by_block.setdefault(quote.block, []).append(i)
    for block, members in by_block.items():
        begun = len(turns)
        if quotes[members[0]].continues and turns:
            turns[-1].quotes.append(members[0])
            turns[-1].last_block = quotes[members[0]].last_block
            begun = len(turns) - 1
            _read(turns[-1], text, spans, quotes, members, 0)
            members = members[1:]
            turn = turns[-1]
        else:
            turn = None
        rest_offset = len(by_block[block]) - len(members)
        for k, index in enumerate(members):
            piece = Turn([index], block, quotes[index].last_block)
            _read(piece, text, spans, quotes, by_block[block], k + rest_offset)
            floor = quotes[by_block[block][k + rest_offset - 1]].outer_end if turn is not None else 0
            between = text[floor : quotes[index].outer_start] if turn is not None else ""
            if turn is not None and (_goes_on(between) or _same_speaker(turn, piece)):
                turn.quotes.append(index)
                turn.last_block = piece.last_block
                turn.findings = sorted([*turn.findings, *piece.findings], key=lambda f: _RANK[f.rule])
                turn.action = turn.action or piece.action
            else:
                piece.same_block = len(turns) > begun
                turns.append(piece)
                turn = piece
    _fill_gaps(text, spans, turns)
    return turns


def _read(
    turn: Turn, text: str, spans: Sequence[Span], quotes: Sequence[Quote], members: list[int], k: int
) -> None:
    """Adds what stands around the k-th quotation of its paragraph."""
    quote = quotes[members[k]]
    floor = quotes[members[k - 1]].outer_end if k else spans[quote.block].start
    ceiling = quotes[members[k + 1]].outer_start if k + 1 < len(members) else spans[quote.last_block].end
    around_before, around_after = (
        text[floor : quote.outer_start],
        text[quote.outer_end : max(quote.outer_end, ceiling)],
    )
    comma = text[quote.start : quote.end].rstrip()[-1:] == ","
    found = tags.after(around_after, comma) if around_after.strip() else None
    if found is not None:
        turn.findings.append(found)
    if around_before.strip():
        lead = tags.before(around_before)
        if lead is not None and not (k and tags.after(around_before, True) is not None):
            if lead.rule == "lead" and _CARRIES_ON.match(around_after) and found is not None:
                turn.findings.remove(found)  # He had often said to me: “…” and I had thought his words idle
            turn.findings.append(lead)
    turn.findings.sort(key=lambda f: _RANK[f.rule])
    if not turn.findings:
        if around_before.strip() and not k:
            subject = tags.subject(tags.last_sentence(around_before))
            if subject is not None:
                turn.action = Finding("action before", subject)
        if turn.action is None and around_after.strip():
            subject = tags.subject(tags.first_sentence(around_after))
            if subject is not None:
                turn.action = Finding("action after", subject)


_CARRIES_ON = re.compile(r"[\s*_]*(?:and|but|so)\b", re.IGNORECASE)


def _same_speaker(turn: Turn, piece: Turn) -> bool:
    """Whether another quotation of the paragraph is the same person's: so unless its own tag says otherwise."""
    mine, theirs = turn.tag, piece.tag
    if theirs is None or mine is None or theirs.rule not in ("tag", "lead"):
        return True
    a, b = mine.mention, theirs.mention
    if a.kind == "name" and b.kind == "name":
        return bool({w for w in a.words if len(w) > 2} & {w for w in b.words if len(w) > 2})
    if b.kind == "pronoun" and a.kind == "pronoun":
        return a.text == b.text or a.group != b.group
    if b.kind == "noun":
        return (a.kind == "noun" and a.head == b.head) or (a.kind == "name" and theirs.rule == "lead")
    return not (b.kind == "name" and a.kind == "noun")


def _goes_on(between: str) -> bool:
    """Whether a sentence goes on over what stands between two quotations: `“Hullo,” cried he, “who's there?”`."""
    return bool(re.search(r"[,;—–-]\s*$", between)) and not re.search(
        r"(?<!Mr)(?<!Mrs)(?<!Dr)[.!?]\s", between
    )


def _fill_gaps(text: str, spans: Sequence[Span], turns: list[Turn]) -> None:
    for before, turn in zip([None, *turns], turns, strict=False):
        if turn.same_block:
            turn.gap = 0
            continue
        first = before.last_block + 1 if before is not None else max(0, turn.block - NEAR_BLOCKS)
        turn.gap = turn.block - first if before is not None else None
        if turn.block > first:
            span = spans[turn.block - 1]
            last = text[span.start : span.end]
            turn.gap_subject = tags.subject(tags.last_sentence(last)) or tags.subject(
                tags.first_sentence(last)
            )
            if not turn.findings and re.search(r"(?:[:,]|--|[—–])\s*$", last):
                turn.gap_lead = tags.before(last)


def name_turns(text: str, quotes: Sequence[Quote], turns: Sequence[Turn], names: Sequence[Name]) -> None:
    """Fills `named` from the chapter's names (sorted)."""
    starts = [n.start for n in names]
    for turn in turns:
        for i in turn.quotes:
            quote = quotes[i]
            for name in names[
                bisect.bisect_left(starts, quote.start) : bisect.bisect_left(starts, quote.end)
            ]:
                after = text[name.end : min(quote.end, name.end + 6)]
                before = text[max(quote.start, name.start - 10) : name.start]
                spoken = spoken_to(before, after)
                turn.named.append((name, spoken))
