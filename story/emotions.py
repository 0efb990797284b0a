"""How a line of dialogue is said: emotion, intensity and style, from the narration beside it and from its own words.

Verbs of speech, adverbs and gestures next to the line tell most; interjections and punctuation in the line tell the
rest; where nothing tells, the line is neutral. Every answer names the words it rests on. What a person wrote into a
novel always wins: `feel_chapter` fills only lines that say nothing.

Names are rows of the delivery table (models/data/emotions.json).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from story.emotion_lexicon import Clue, clues, families, punctuation
from story.lexicon import load_data, plain_chinese, verb_forms
from story.novel import Chapter, Segment, is_chinese
from story.phrases import Phrases

Where = Literal["before", "line", "after"]

# What a clause's distance from the line leaves of a clue's weight: the same clause, the one before it, and so on.
_CLOSENESS = (1.0, 0.85, 0.65, 0.45, 0.3)
# Narration that is no tag tells of the moment, not surely of the speaker.
_BESIDE = {"before": 0.55, "after": 0.45}
# What is told of somebody the speaker looks at ("seeing her tears").
_OTHERS_SHARE = 0.35
_CLAUSE = {"en": re.compile(r"[,;:—]|--| and "), "zh": re.compile("[，；：、]")}
_SENTENCE = {
    "en": re.compile(
        r"[.!?…](?<!\bMr.)(?<!\bMrs.)(?<!\bMs.)(?<!\bDr.)(?<!\bSt.)(?<!\bCapt.)(?<!\bCol.)(?<!\bRev.)(?<!\bHon.)(?<!\b[A-Z].)"
        r"[\"”’')]*\s+(?=[A-Z“\"‘])"
    ),
    "zh": re.compile("[。！？…]+"),
}
_LEAST_INTENSITY, _NEUTRAL_INTENSITY = 0.2, 0.5


@dataclass(frozen=True)
class FeelingEvidence:
    """Words a feeling rests on: in the line or in the narration beside it; code points, end exclusive."""

    where: Where
    start: int
    end: int
    word: str


@dataclass(frozen=True)
class Feeling:
    """How a line is said.

    Attributes:
        emotion: a row of the delivery table; "neutral" when nothing tells.
        intensity: 0..1; 0.5 for neutral.
        style: a style of the delivery table ("whisper", "shout" …) or "".
        confidence: 0..1, the share of all weight that speaks for this answer; 0 when nothing tells.
        evidence: the words, strongest first.
    """

    emotion: str = "neutral"
    intensity: float = _NEUTRAL_INTENSITY
    style: str = ""
    confidence: float = 0.0
    evidence: tuple[FeelingEvidence, ...] = ()


class _Weighed(NamedTuple):
    clue: Clue
    where: Where
    weight: float


def _has_tag(text: str, language: str) -> bool:
    """True when narration says that somebody speaks."""
    if language == "zh":
        return any(word in text for word in load_data("emotions_zh")["tag_words"])
    return next(_english_tags().find(text), None) is not None


@cache
def _english_tags() -> Phrases:
    words = load_data("emotions_en")["tag_words"]
    return Phrases(
        form for word in words for form in (verb_forms(word[:-1]) if word.endswith("!") else [word])
    )


@cache
def _others(language: str) -> re.Pattern[str]:
    return re.compile(load_data(f"emotions_{language}")["others"], re.IGNORECASE)


def _sentences_beside(text: str, plain: str, language: str, where: Where) -> list[tuple[int, int]]:
    """Where the two sentences nearest to the line lie, the nearest first."""
    spans: list[tuple[int, int]] = []
    at = 0
    for match in _SENTENCE[language].finditer(plain):
        if text[at : match.end()].strip():
            spans.append((at, match.end()))
            if where == "after" and len(spans) > 2:
                return spans[:2]
        at = match.end()
    if text[at:].strip():
        spans.append((at, len(text)))
    if where == "before":
        spans.reverse()
    elif spans and plain.rstrip()[-1:] in (":", "："):
        spans.pop()  # leads in the next line, which is another's or another saying
    return spans[:2]


def _weigh_narration(text: str, language: str, where: Where) -> list[_Weighed]:
    """Clues of the sentence next to the line (and, weaker, of the one beyond), by how near they are."""
    if not text:
        return []
    plain = plain_chinese(text) if language == "zh" else text
    found = []
    for rank, (low, high) in enumerate(_sentences_beside(text, plain, language, where)):
        sentence = text[low:high]
        leads_in = where == "before" and sentence.rstrip()[-1:] in ",:，：—"
        follows = where == "after" and _has_tag(sentence[:80], language)
        base = 1.0 if rank == 0 and (leads_in or follows) else _BESIDE[where] * (1.0 if rank == 0 else 0.5)
        for clue in clues(sentence, language, "narration", plain[low:high]):
            between = (
                sentence[clue.end :].rstrip(" ,:，：—")
                if where == "before"
                else sentence[: clue.start].lstrip(" ,，")
            )
            clauses = len(_CLAUSE[language].findall(between))
            closeness = _CLOSENESS[min(clauses, len(_CLOSENESS) - 1)]
            moved = clue._replace(start=clue.start + low, end=clue.end + low)
            whose = _OTHERS_SHARE if _others(language).search(sentence[: clue.start]) else 1.0
            found.append(_Weighed(moved, where, clue.weight * base * closeness * whose))
    return found


def _weigh_line(line: str, language: str) -> list[_Weighed]:
    found = [_Weighed(clue, "line", clue.weight) for clue in clues(line, language, "line")]
    for mark in punctuation(language):
        if (match := mark.search(line)) is not None:
            clue = Clue(
                match.start(), match.end(), match[0], mark.emotion, mark.style, mark.intensity, mark.weight
            )
            found.append(_Weighed(clue, "line", mark.weight))
    shouted = load_data(f"emotions_{language}")["exclamation"]
    places = [at for mark in shouted["marks"] if (at := line.find(mark)) >= 0]
    if places:
        at = min(places)
        clue = Clue(at, at + 1, line[at], shouted["emotion"], "", shouted["intensity"], shouted["weight"])
        found.append(_Weighed(clue, "line", shouted["weight"]))
    return found


def _strongest(weighed: list[_Weighed], threshold: float) -> tuple[str, float, list[_Weighed]]:
    """(emotion, its family's share of the weight, its clues), "neutral" below the threshold."""
    family_of = families()
    totals: dict[str, float] = {}
    for item in weighed:
        if item.clue.emotion:
            family = family_of[item.clue.emotion]
            totals[family] = totals.get(family, 0.0) + item.weight
    if not totals:
        return "neutral", 0.0, []
    family = max(totals, key=lambda name: (totals[name], name))
    if totals[family] < threshold:
        return "neutral", 0.0, []
    own = [w for w in weighed if w.clue.emotion and family_of[w.clue.emotion] == family]
    by_emotion: dict[str, float] = {}
    for item in own:
        by_emotion[item.clue.emotion] = by_emotion.get(item.clue.emotion, 0.0) + item.weight
    emotion = max(by_emotion, key=lambda name: (by_emotion[name], name))
    return emotion, totals[family] / sum(totals.values()), own


def feel_line(line: str, before: str = "", after: str = "", language: str = "en") -> Feeling:
    """How a line of dialogue is said.

    Args:
        line: the spoken words, marks not needed.
        before, after: narration of the same paragraph that stands directly before and after the line ("" for
            none); a sentence or two is enough, more is not read.
        language: BCP 47 tag; Chinese tags are read as Chinese, all others as English.

    Returns:
        A feeling with evidence; neutral when nothing tells. Pure and deterministic.
    """
    tongue = "zh" if is_chinese(language) else "en"
    weighed = [
        *_weigh_narration(before, tongue, "before"),
        *_weigh_line(line, tongue),
        *_weigh_narration(after, tongue, "after"),
    ]
    data = load_data(f"emotions_{tongue}")
    emotion, share, own = _strongest(weighed, data["threshold"])
    styles: dict[str, float] = {}
    for item in weighed:
        if item.clue.style:
            styles[item.clue.style] = styles.get(item.clue.style, 0.0) + item.weight
    style = max(styles, key=lambda name: (styles[name], name), default="")
    if style and styles[style] < data["threshold"]:
        style = ""
    strongest = sorted(own, key=lambda w: -w.weight)
    intensity = _NEUTRAL_INTENSITY
    if strongest:
        shouted = data["exclamation"]
        marks = sum(line.count(mark) for mark in shouted["marks"])
        intensity = strongest[0].clue.intensity + min(2, marks) * shouted["each"]
        intensity = round(min(1.0, max(_LEAST_INTENSITY, intensity)), 2)
    kept = [*strongest, *(w for w in weighed if style and w.clue.style == style and w not in own)]
    return Feeling(
        emotion=emotion,
        intensity=intensity,
        style=style,
        confidence=round(min(0.95, share * min(1.0, sum(w.weight for w in own))), 2),
        evidence=tuple(FeelingEvidence(w.where, w.clue.start, w.clue.end, w.clue.word) for w in kept[:6]),
    )


def _beside(segments: list[Segment], at: int, step: int) -> str:
    """The narration directly before (step −1) or after (step 1) a line, within its paragraph."""
    i = at + step
    if not 0 <= i < len(segments) or segments[i].type != "narration":
        return ""
    line, other = segments[at], segments[i]
    same = line.paragraph is None or other.paragraph is None or line.paragraph == other.paragraph
    # A tag may end the paragraph before its line: 他说：
    leads_in = step < 0 and other.content.rstrip()[-1:] in ":：,，"
    return other.content if same or leads_in else ""


def feel_chapter(chapter: Chapter, language: str) -> dict[str, Feeling]:
    """Feelings of a chapter's dialogue lines that carry none yet, by segment id; neutral ones are left out.

    A line with an emotion or a style of its own (a person wrote it) is not looked at.
    """
    told: dict[str, Feeling] = {}
    for i, segment in enumerate(chapter.segments):
        if (
            segment.type != "dialogue"
            or segment.emotion.strip().lower() not in ("", "neutral")
            or segment.style
        ):
            continue
        feeling = feel_line(
            segment.content,
            before=_beside(chapter.segments, i, -1),
            after=_beside(chapter.segments, i, 1),
            language=language,
        )
        if feeling.emotion != "neutral" or feeling.style:
            told[segment.id] = feeling
    return told
