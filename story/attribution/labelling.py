"""Lines whose speaker a language model may name: contiguous batches of the uncertain ones, a closed list of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from story.novel import Chapter, Novel, Segment
from story.questions import ANSWER_FORM, LEAVE, Batch, plain
from story.review import REVIEWED

BELOW = 0.9  # speaker_confidence; from there on the rules are right 98 times in a hundred (docs/speakers.md)
RULE = "llm"
CONFIDENCE = 0.8  # of a label: not measured, so never among the sure ones
MAX_LINES = 24  # uncertain lines of a batch
MAX_CHARS = 6000
JOIN = 8  # segments between two uncertain lines of one batch
AROUND = 4  # segments of context before and after
CAST_AROUND = 40  # segments on either side whose speakers may be meant
MAX_CANDIDATES = 20

INSTRUCTIONS = (
    "You attribute lines of dialogue in a novel. The passage marks lines whose speaker is known with the speaker's code, "
    "<C3: …>, and lines in question with their own code, <L1: …>. For every L code answer with the C code of who speaks "
    "it, from the list only, or C0 if nobody on the list does. " + ANSWER_FORM
)


def batches(novel: Novel, below: float = BELOW) -> list[Batch]:
    """Questions for all lines whose speaker is less certain than `below`, in order."""
    found = []
    for chapter in novel.chapters:
        for first, last, asked in _stretches(chapter, below):
            found.append(_batch(novel, chapter, first, last, asked))
    return found


def _uncertain(segment: Segment, below: float) -> bool:
    return (
        segment.type in REVIEWED
        and segment.speaker_confidence is not None
        and segment.speaker_confidence < below
    )


def _stretches(chapter: Chapter, below: float) -> list[tuple[int, int, list[int]]]:
    """(first segment, last segment, uncertain ones) of each batch of the chapter."""
    found: list[tuple[int, int, list[int]]] = []
    asked: list[int] = []
    size = 0

    def close() -> None:
        if asked:
            last = len(chapter.segments) - 1
            found.append((max(0, asked[0] - AROUND), min(last, asked[-1] + AROUND), list(asked)))

    for i, segment in enumerate(chapter.segments):
        size += len(segment.content)
        if not _uncertain(segment, below):
            continue
        if asked and (i - asked[-1] > JOIN or len(asked) >= MAX_LINES or size > MAX_CHARS):
            close()
            asked, size = [], len(segment.content)
        asked.append(i)
    close()
    return found


def _batch(novel: Novel, chapter: Chapter, first: int, last: int, asked: list[int]) -> Batch:
    segments = chapter.segments
    near = segments[max(0, first - CAST_AROUND) : last + CAST_AROUND + 1]
    heard = Counter(s.speaker for s in near if s.type in REVIEWED)
    text = "\n".join(s.content for s in near)
    for person in novel.characters:  # named nearby, though silent so far
        if person.id not in heard and any(len(n) > 2 and n in text for n in (person.name, *person.aliases)):
            heard[person.id] = 0
    chosen = [c for c, _ in heard.most_common(MAX_CANDIDATES)]
    candidates = {f"C{k}": c for k, c in enumerate(chosen, 1)}
    code_of = {c: code for code, c in candidates.items()}
    lines = {f"L{k}": segments[i].id for k, i in enumerate(asked, 1)}
    label_of = {i: f"L{k}" for k, i in enumerate(asked, 1)}
    passage = []
    for i in range(first, last + 1):
        segment = segments[i]
        content = plain(segment.content)
        if i in label_of:
            content = f"<{label_of[i]}: {content}>"
        elif segment.type in REVIEWED:
            content = f"<{code_of.get(segment.speaker, LEAVE)}: {content}>"
        if i and segment.paragraph != segments[i - 1].paragraph:
            passage.append("\n")
        passage.append(content + " ")
    people = []
    for code, identifier in candidates.items():
        person = novel.character(identifier)
        names = ", ".join(dict.fromkeys([person.name, *person.aliases[:5]]))
        people.append(f"{code}: {plain(names)} ({person.gender})")
    question = "Passage:\n" + "".join(passage).strip() + "\n\nWho may speak:\n" + "\n".join(people)
    return Batch(lines, candidates, question, INSTRUCTIONS)


def labelled(novel: Novel, labels: Mapping[str, str]) -> tuple[Novel, int]:
    """The novel with these speakers, and how many lines changed theirs. Text and places are the novel's own."""
    chapters, changed = [], 0
    for chapter in novel.chapters:
        copy = chapter.model_copy(deep=True)
        for segment in copy.segments:
            speaker = labels.get(segment.id)
            if speaker is None:
                continue
            changed += speaker != segment.speaker
            rules = segment.speaker_confidence or 0.0
            segment.speaker_confidence = max(CONFIDENCE, rules) if speaker == segment.speaker else CONFIDENCE
            segment.speaker, segment.speaker_rule = speaker, RULE
        chapters.append(copy)
    return novel.model_copy(update={"chapters": chapters}), changed
