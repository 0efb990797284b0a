"""What a person wants to know after an import: how long it is, who speaks how much, what to look at again."""

from __future__ import annotations

import re
from collections import Counter

from pydantic import BaseModel

from story.durations import estimate_duration_s
from story.importing.book import Imported
from story.novel import Novel, Segment
from story.pauses import pause_between

REVIEW_BELOW = 0.7  # speaker_confidence; above it the rules are right nine times in ten
_SAMPLE_LINES = 400  # whose length is estimated; the rest in proportion to their characters
_SYLLABLES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+")


class CharacterShare(BaseModel):
    """`share` is the part of all words that the character says."""

    id: str
    name: str
    gender: str
    lines: int
    words: int
    share: float


class ChapterSummary(BaseModel):
    id: str
    number: int
    title: str
    words: int


class Summary(BaseModel):
    """
    Attributes:
        words: words, or characters of Chinese and Japanese.
        duration_s: expected length when spoken, pauses included.
        to_review: dialogue lines whose speaker is uncertain.
    """

    title: str
    author: str
    language: str
    chapters: list[ChapterSummary]
    words: int
    duration_s: float
    dialogue_lines: int
    characters: list[CharacterShare]
    to_review: int
    left_out: list[str]
    warnings: list[str]


def summarise(imported: Imported) -> Summary:
    novel = imported.novel
    words: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    chapters: list[ChapterSummary] = []
    for chapter in novel.chapters:
        count = 0
        for segment in (s for s in chapter.segments if s.spoken):
            n = count_words(segment.content)
            words[segment.speaker] += n
            lines[segment.speaker] += 1
            count += n
        chapters.append(
            ChapterSummary(id=chapter.id, number=chapter.number, title=chapter.title, words=count)
        )
    total = sum(words.values())
    dialogue = [s for c in novel.chapters for s in c.segments if s.type == "dialogue"]
    return Summary(
        title=novel.title,
        author=novel.author,
        language=novel.language,
        chapters=chapters,
        words=total,
        duration_s=round(expected_duration_s(novel), 1),
        dialogue_lines=len(dialogue),
        characters=[
            CharacterShare(
                id=c.id,
                name=c.name,
                gender=c.gender,
                lines=lines[c.id],
                words=words[c.id],
                share=round(words[c.id] / max(1, total), 4),
            )
            for c in sorted(novel.characters, key=lambda c: -words[c.id])
            if lines[c.id]
        ],
        to_review=sum(
            s.speaker_confidence is not None and s.speaker_confidence < REVIEW_BELOW for s in dialogue
        ),
        left_out=[part.reason for part in imported.left_out],
        warnings=imported.warnings,
    )


def count_words(text: str) -> int:
    """Words; every Chinese, Japanese or Korean character counts as one."""
    spaced, runs = _SYLLABLES.subn(" ", text)
    return len(text) - len(spaced) + runs + len(_WORD.findall(spaced))


def expected_duration_s(novel: Novel) -> float:
    """Speech and pauses of the whole novel, from a sample of its lines spread over it."""
    spoken: list[Segment] = [s for c in novel.chapters for s in c.segments if s.voiced]
    seconds = characters = 0.0
    for at in range(0, len(spoken), max(1, len(spoken) // _SAMPLE_LINES)):
        segment = spoken[at]
        after = spoken[at + 1] if at + 1 < len(spoken) else None
        seconds += estimate_duration_s(segment.content, novel.language)
        seconds += pause_between(segment, after, (), novel.language) if after else 0.0
        characters += len(segment.content)
    return seconds * sum(len(s.content) for s in spoken) / characters if characters else 0.0
