"""Cuts a Chinese chapter's quotations into turns, each with what its lead, its tag or the action beside it says.

Works on simplified text; see chinese_tags for how a clause tells its subject.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from story.attribution.chinese_tags import (
    Names,
    Subject,
    clause_subject,
    clauses,
    find_subject,
    groups,
    lead_verb,
    nouns,
    speech_verb,
)
from story.attribution.mentions import Mention
from story.attribution.quotations import Quote, Span
from story.attribution.reading import Prose
from story.attribution.tags import Finding
from story.attribution.turns import Turn

LEAD_CHARS = 160


def cut_turns(chapter: Prose, names: Names) -> list[Turn]:
    """Quotations with what their leads and tags say; a paragraph's lines may be of several people."""
    turns: list[Turn] = []
    text, quotes = chapter.text, chapter.quotes
    last_block = -1
    for i, quote in enumerate(quotes):
        if quote.kind == "word":
            continue
        if quote.continues and turns:
            turns[-1].quotes.append(i)
            turns[-1].last_block = quote.last_block
            last_block = quote.last_block
            continue
        same = i > 0 and quotes[i - 1].last_block == quote.block
        floor = quotes[i - 1].outer_end if same else chapter.spans[quote.block].start
        before = text[floor : quote.outer_start]
        nxt = quotes[i + 1] if i + 1 < len(quotes) and quotes[i + 1].block == quote.last_block else None
        ceiling = nxt.outer_start if nxt else chapter.spans[quote.last_block].end
        after = text[quote.outer_end : max(ceiling, quote.outer_end)]
        if (
            same
            and turns
            and turns[-1].block == quote.block
            and not (turns[-1].led or turns[-1].abuts)
            and _resumes(before)
        ):
            turns[-1].quotes.append(i)
            turns[-1].led = True
            finding = _lead(before, names)
            if finding is not None and not turns[-1].findings:
                turns[-1].findings.append(finding)
            continue
        turn = Turn([i], quote.block, quote.last_block)
        finding = _lead(before, names)
        if finding is None and not before.strip() and quote.block and not same:
            above = chapter.spans[quote.block - 1]
            tail = text[max(above.start, above.end - LEAD_CHARS) : above.end]
            if tail.rstrip().endswith(("：", ":")) and not _has_quote(quotes, i, above):
                finding = _lead(tail, names)
        turn.led = lead_verb(before)
        turn.abuts = same and bool(turns) and not before.strip()
        for_next = nxt is not None and lead_verb(after)
        if finding is not None:
            turn.findings.append(finding)
        elif after.strip() and not (for_next and (turn.abuts or after.rstrip().endswith(("：", ":")))):
            tag = _tag(after, names)
            if tag is not None and tag.rule == "tag":
                turn.findings.append(tag)
            elif (
                tag is not None
                and tag.mention.kind == "noun"
                and _SOMEBODY.search(after[: tag.mention.end + 1])
            ):
                turn.findings.append(replace(tag, rule="tag far"))  # “喂！”一个黑衣人站在面前
            elif tag is not None:
                turn.action = tag
        if not turn.findings and before.strip():
            subject = _first_subject(before, names, last=True)
            if subject is not None:
                turn.action = Finding("action before", mention_of(subject))
        turn.gap = 0 if same else None if not turns else max(0, quote.block - last_block - 1)
        if turn.gap or turn.gap is None:
            above = chapter.spans[quote.block - 1] if quote.block else None
            if above is not None:
                subject = _first_subject(text[above.start : above.end], names)
                turn.gap_subject = mention_of(subject) if subject else None
        last_block = quote.last_block
        turns.append(turn)
    return turns


def forget_genders(chapters: Sequence[Sequence[Turn]]) -> None:
    for turns in chapters:
        for turn in turns:
            mentions = [f.mention for f in (*turn.findings, turn.action) if f] + [turn.gap_subject]
            for mention in mentions:
                if mention is not None and mention.kind == "pronoun":
                    mention.gender = "unknown"


def _has_quote(quotes: Sequence[Quote], i: int, above: Span) -> bool:
    return i > 0 and quotes[i - 1].outer_end >= above.end - 1


def _resumes(between: str) -> bool:
    """`…，”老栓说，“…`: the same person goes on; `…。”宝玉道：“…` is another's lead."""
    stripped = between.strip()
    if not stripped:
        return False
    return not stripped.endswith(("：", ":")) and bool(speech_verb().search(stripped)) and len(stripped) <= 60


def _lead(before: str, names: Names) -> Finding | None:
    if not before.strip() or not lead_verb(before):
        return None
    subject = find_subject(before[-LEAD_CHARS:], names)
    return Finding(f"lead {subject.reach}".strip(), mention_of(subject)) if subject else None


_VOICE = re.compile(
    r"^[，,]?(?:这)?是(?P<who>[^。，；]{1,14}?)(?:的(?:声音|嗓音|口气|声气)|(?:来|到|开口|发话|说话|在说)了?$)"
)
_SOMEBODY = re.compile(r"一个|一位|一名")


def _tag(after: str, names: Names) -> Finding | None:
    """What follows a line: a tag when its sentence has a verb of speech, else the subject of an action."""
    sentence = re.split(r"[。！？；\n]", after[:120], maxsplit=1)[0]
    voice = _VOICE.match(sentence)
    if voice:
        word = voice["who"]
        word = re.sub(r"^一个|^那个|^这个", "", word)
        head = next((n for n in sorted(nouns(), key=len, reverse=True) if word.endswith(n)), "")
        kind = "name" if word in names.known else "noun"
        subject = Subject(0, 0, word, kind, nouns().get(head, "unknown"))
        return Finding("tag", mention_of(subject))
    spans = clauses(sentence)
    if not spans:
        return None
    subject = clause_subject(sentence, *spans[0], names, last=True)
    if subject is None:  # 坐在后排的一个二十多岁的人
        somebody = _SOMEBODY.search(sentence, *spans[0])
        subject = clause_subject(sentence, somebody.start(), spans[0][1] + 1, names) if somebody else None
    if subject is None:
        return None
    verb = speech_verb().search(sentence, subject.end)
    said = verb is not None and verb.start() - subject.end <= 24
    if verb is not None and re.search(
        "[不没未]|听[见得到]|[见闻]有?人", sentence[subject.end : verb.start()]
    ):
        return None  # 掌柜也不再问, 老栓似乎听得有人问他: another one speaks
    rule = "tag" if said else "action after"
    return Finding(rule, mention_of(subject))


def _first_subject(text: str, names: Names, *, last: bool = False) -> Subject | None:
    """The subject of a paragraph's last sentence (`last`) or else of its first clause that has one."""
    sentence = [s for s in re.split(r"[。！？\n]", text) if s.strip()]
    if not sentence:
        return None
    piece = sentence[-1]
    for start, end in clauses(piece):
        subject = clause_subject(piece, start, end, names)
        if subject is not None:
            return subject
    return None


def mention_of(subject: Subject) -> Mention:
    text = "I" if subject.text == "我" else subject.text
    if subject.kind == "pronoun" and subject.group:
        text = "they"
    return Mention(
        subject.kind,
        subject.start,
        subject.end,
        text,
        subject.gender,
        (subject.text,) if subject.kind == "name" else (),
        head=subject.text,
        group=subject.group or subject.text in groups(),
    )
