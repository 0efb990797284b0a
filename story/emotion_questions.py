"""How lines are said, asked of a language model: the lines of which the book's own words tell the rules little.

A line whose emotion or style a person wrote is never asked: it is told from the rules' own answer by asking the rules
again. Only a name from data/emotion_families.json comes back.
"""

from __future__ import annotations

from collections.abc import Mapping

from story.emotion_lexicon import families
from story.emotions import feel_chapter
from story.novel import Chapter, Novel, Segment
from story.questions import ANSWER_FORM, LEAVE, Batch, plain

BELOW = 0.5  # the rules' confidence in a feeling; a line where nothing tells has 0
INTENSITY = 0.6  # of a labelled feeling: not measured, so a middling one
MAX_LINES = 24
MAX_CHARS = 6000
AROUND = 2  # segments of context before and after

INSTRUCTIONS = (
    "You judge with what feeling lines of dialogue in a novel are said, for actors. The passage marks the lines in "
    "question with a code, <L1: …>. For every L code answer with one word of the list, neutral where a line is said "
    "plainly, or C0 if you can't tell. " + ANSWER_FORM
)


def batches(novel: Novel, below: float = BELOW) -> list[Batch]:
    """Questions for all lines of dialogue whose feeling the rules are less sure of than `below`, in order."""
    names = {name: name for name in families()}
    found = []
    for chapter in novel.chapters:
        asked = _uncertain(chapter, novel.language, below)
        for group in _grouped(chapter, asked):
            found.append(_batch(chapter, group, names))
    return found


def _uncertain(chapter: Chapter, language: str, below: float) -> list[int]:
    """Places of the lines in question."""
    blank = chapter.model_copy(
        update={
            "segments": [s.model_copy(update={"emotion": "neutral", "style": ""}) for s in chapter.segments]
        }
    )
    felt = feel_chapter(blank, language)
    asked = []
    for i, segment in enumerate(chapter.segments):
        rules = felt.get(segment.id)
        by_rules = (rules.emotion, rules.style) if rules else ("neutral", "")
        confidence = rules.confidence if rules else 0.0
        mine = (segment.emotion.strip().lower() or "neutral", segment.style)
        if segment.type == "dialogue" and segment.voiced and mine == by_rules and confidence < below:
            asked.append(i)
    return asked


def _grouped(chapter: Chapter, asked: list[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    size = 0
    for i in asked:
        begin = groups[-1][-1] + 1 if groups else 0
        size += sum(len(s.content) for s in chapter.segments[begin : i + 1])
        if groups and i - groups[-1][-1] <= 2 * AROUND and len(groups[-1]) < MAX_LINES and size <= MAX_CHARS:
            groups[-1].append(i)
        else:
            groups.append([i])
            size = len(chapter.segments[i].content)
    return groups


def _batch(chapter: Chapter, group: list[int], names: Mapping[str, str]) -> Batch:
    segments = chapter.segments
    code_of = {i: f"L{k}" for k, i in enumerate(group, 1)}
    passage = []
    for i in range(max(0, group[0] - AROUND), min(len(segments), group[-1] + AROUND + 1)):
        content = plain(segments[i].content)
        if i and segments[i].paragraph != segments[i - 1].paragraph:
            passage.append("\n")
        passage.append(f"<{code_of[i]}: {content}> " if i in code_of else content + " ")
    question = "Passage:\n" + "".join(passage).strip() + "\n\nFeelings:\n" + ", ".join([*names, LEAVE])
    return Batch({code: segments[i].id for i, code in code_of.items()}, names, question, INSTRUCTIONS)


def felt(novel: Novel, labels: Mapping[str, str]) -> tuple[Novel, int]:
    """The novel with these emotions, and how many lines changed theirs. Nothing else of a line changes."""
    changed = 0

    def said(segment: Segment) -> Segment:
        nonlocal changed
        emotion = labels.get(segment.id)
        if emotion is None or emotion == segment.emotion:
            return segment
        changed += 1
        default = Segment.model_fields["emotion_intensity"].default
        return segment.model_copy(
            update={"emotion": emotion, "emotion_intensity": default if emotion == "neutral" else INTENSITY}
        )

    chapters = [c.model_copy(update={"segments": [said(s) for s in c.segments]}) for c in novel.chapters]
    return novel.model_copy(update={"chapters": chapters}), changed
