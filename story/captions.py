"""Captions from a timeline: WebVTT and SubRip. Whole sentences where they fit, at most two lines of 42 characters
(20 for Chinese), timed by the take's words where they are known and by length where not.

Line lengths: 42 Latin characters and two lines are the common broadcast limit (Netflix timed text style guide; 16 to
20 for Chinese). A cue never overlaps the next one and never begins before the one before it has ended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from story.durations import features
from story.novel import is_chinese
from story.timeline import DialogueSegment, Timeline, WordTime, to_ms

LINES = 2
WIDTH, WIDTH_CHINESE = 42, 40  # columns; a full-width character takes two
LINGER_MS = 400  # a cue may stay this long after its words, if the next one leaves room
NAME_CHARS = 24  # of a speaker's name inside the text
LEAST_MS = 1  # WebVTT needs an end after the start

_SENTENCE_END = re.compile(
    r"(?<!\bMr)(?<!\bDr)(?<!\bSt)(?<!\bMs)(?<!\bMrs)(?<!\b[A-Z])[.!?…]+[\"'”’)\]]*(?=\s)|[。！？…]+[”’」』）]*"
)
_CLAUSE_END = re.compile(r"[,;:—–][\"'”’)]*(?=\s)|--|—+|[，；：、]+[”’」』）]*")
_WORD_END = re.compile(r"(?=\s)|(?<=[\u3400-\u9fff\uf900-\ufaff])")


@dataclass(frozen=True)
class Caption:
    """One cue: milliseconds in the chapter, the speaker's id, its lines of text."""

    start_ms: int
    end_ms: int
    speaker: str
    lines: tuple[str, ...]


def to_vtt(
    timeline: Timeline, names: Mapping[str, str], words: Mapping[str, Sequence[WordTime]] | None = None
) -> str:
    """WebVTT with a voice tag for the speaker of every cue.

    Args:
        names: speaker id → name shown; ids stand for themselves.
        words: measured word times by line id, for exact cue times inside long lines.
    """
    blocks = ["WEBVTT"]
    for caption in captions(timeline, words):
        name = _escape(" ".join(names.get(caption.speaker, caption.speaker).split())) or "?"
        text = "\n".join(_escape(line) for line in caption.lines)
        blocks.append(f"{_time(caption.start_ms, '.')} --> {_time(caption.end_ms, '.')}\n<v {name}>{text}")
    return "\n\n".join(blocks) + "\n"


def to_srt(
    timeline: Timeline, names: Mapping[str, str], words: Mapping[str, Sequence[WordTime]] | None = None
) -> str:
    """SubRip; the speaker's name stands before a line whenever the speaker changes, narration excepted."""
    blocks = []
    before: str | None = None
    kinds = {d.speaker: d.type for d in timeline.dialogue_segments}
    for number, caption in enumerate(captions(timeline, words), start=1):
        lines = [
            line.replace("-->", "→") for line in caption.lines
        ]  # would end the cue's header for some players
        if caption.speaker != before and kinds.get(caption.speaker) not in {"narration", "heading"}:
            name = " ".join(names.get(caption.speaker, caption.speaker).split()).replace("-->", "→")
            lines[0] = f"[{name}] {lines[0]}"
        before = caption.speaker
        start, end = _time(caption.start_ms, ","), _time(caption.end_ms, ",")
        blocks.append(f"{number}\n{start} --> {end}\n" + "\n".join(lines))
    return "\n\n".join(blocks) + ("\n" if blocks else "")


_SRT_CUE = re.compile(
    r"(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})\n(.*?)(?:\n\n|\n?\Z)", re.DOTALL
)


def from_srt(text: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and the text of every cue that `to_srt` wrote."""
    cues = []
    for match in _SRT_CUE.finditer(text):
        start, end = (
            ((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms)
            for h, m, s, ms in (match.groups()[:4], match.groups()[4:8])
        )
        cues.append((start, end, match[9]))
    return cues


def captions(
    timeline: Timeline,
    words: Mapping[str, Sequence[WordTime]] | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> list[Caption]:
    """The cues of a chapter, in order, without overlap. Lines without a take are shown at their planned time.

    Args:
        names: when given, "[name] " stands inside the text wherever someone but the narrator begins to speak.
    """
    found: list[Caption] = []
    before: str | None = None
    for line in timeline.dialogue_segments:
        lead = ""
        if names is not None and line.speaker != before and line.type not in {"narration", "heading"}:
            lead = f"[{' '.join(names.get(line.speaker, line.speaker).split())[:NAME_CHARS]}] "
        before = line.speaker
        found += _of_line(line, timeline.language, (words or {}).get(line.id, ()), lead)
    settled: list[Caption] = []
    for i, caption in enumerate(found):
        start = max(caption.start_ms, settled[-1].end_ms if settled else 0)
        following = found[i + 1].start_ms if i + 1 < len(found) else to_ms(timeline.total_duration_s)
        end = max(start + LEAST_MS, min(caption.end_ms + LINGER_MS, following))
        settled.append(Caption(start, end, caption.speaker, caption.lines))
    return settled


def _of_line(line: DialogueSegment, language: str, words: Sequence[WordTime], lead: str) -> list[Caption]:
    width = WIDTH_CHINESE if is_chinese(language) else WIDTH
    spans = split_spans(line.content, width, lead)
    start, duration = to_ms(line.start_s), to_ms(line.duration_s)
    borders = [0.0]
    for _, end in spans[:-1]:
        borders.append(_time_at(line, language, words, end))
    borders.append(line.duration_s)
    cues = []
    for (a, b), (begin_s, end_s) in zip(spans, pairwise(borders), strict=True):
        text = (lead if a == spans[0][0] else "") + " ".join(line.content[a:b].split())
        if not text:
            continue
        begin, end = (start + min(duration, to_ms(t)) for t in (begin_s, end_s))
        cues.append(Caption(begin, end, line.speaker, wrap(text, width)))
    return cues


def _time_at(line: DialogueSegment, language: str, words: Sequence[WordTime], char: int) -> float:
    """Seconds into the line at which the text from `char` on begins."""
    for _, end, start_s, _ in words:
        if end > char:
            return min(max(0.0, start_s), line.duration_s)
    before, whole = _amount(line.content[:char], language), _amount(line.content, language)
    return line.duration_s * before / max(1e-9, whole)


def _amount(text: str, language: str) -> float:
    """How much there is to say in a text: letters, and pauses as long as a few of them."""
    counts = features(text, language)
    spoken = (
        counts["letter"] + 2 * counts["syllable"] + 4 * (counts["han"] + counts["kana"] + counts["hangul"])
    )
    return spoken + 3 * sum(n for k, n in counts.items() if k.startswith("pause_"))


def split_spans(text: str, width: int = WIDTH, lead: str = "") -> list[tuple[int, int]]:
    """Cuts a line into cues' spans, covering it whole: at sentence ends if pieces fit, else clauses, else words."""
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        end = _cut(text, at, width, "" if spans else lead)
        if text[at:end].strip():
            spans.append((at, end))
        elif spans:
            spans[-1] = (spans[-1][0], end)
        at = end
    return spans or [(0, len(text))]


def _cut(text: str, at: int, width: int, lead: str) -> int:
    """The best place to end the cue that begins at `at`: as far as fits, at the strongest border beyond a third."""
    fits = _fitting(text, at, width, lead)
    if fits == len(text):
        return fits
    for border in (_SENTENCE_END, _CLAUSE_END, _WORD_END):
        ends = [
            m.end()
            for m in border.finditer(text, at + 1, fits + 1)
            if at + (fits - at) // 3 < m.end() <= fits
        ]
        if ends:
            return ends[-1]
    return fits


def _fitting(text: str, at: int, width: int, lead: str) -> int:
    """How far a cue from `at` can reach and still wrap into its lines."""
    low, high = at + 1, min(len(text), at + 2 * LINES * width)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_greedy(lead + " ".join(text[at:middle].split()), width)) <= LINES:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=65536)
def columns(text: str) -> int:
    """Width on screen: full-width characters count two."""
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text
    )


def wrap(text: str, width: int = WIDTH) -> tuple[str, ...]:
    """Lines of at most `width` columns, as even as the words allow; a word longer than a line is cut."""
    if columns(text) <= width:
        return (text,)
    lines = _greedy(text, width)
    if len(lines) == LINES:  # even them out: the narrowest width that still gives as many lines
        for narrow in range(columns(text) // LINES, width):
            even = _greedy(text, narrow)
            if len(even) == LINES and all(columns(line) <= width for line in even):
                return tuple(even)
    return tuple(lines)


_UNITS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff][，。！？；：、…—”’」』）】]*|\s+|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_OPENING = "“‘「『（【《"


def _greedy(text: str, width: int) -> list[str]:
    """As few lines as possible for a text whose words are parted by single spaces."""
    lines: list[str] = []
    line, used = "", 0
    for match in _UNITS.finditer(text):
        unit, wide = match[0], columns(match[0])
        if unit != " " and used + wide > width and line.strip():
            keep = line.rstrip()
            carry = (
                keep[-1] if keep[-1] in _OPENING and len(keep) > 1 else ""
            )  # no line ends in an opening mark
            lines.append((keep[:-1] if carry else keep).rstrip())
            line, used = carry, columns(carry)
        if line or unit != " ":
            line, used = line + unit, used + wide
        while used > width and line.strip():
            cut = next(i for i in range(len(line), 0, -1) if columns(line[:i].rstrip()) <= width or i == 1)
            if cut == len(line):  # only a space hangs over
                break
            lines.append(line[:cut].rstrip())
            line = line[cut:].lstrip()
            used = columns(line)
    if line.strip():
        lines.append(line.strip())
    return lines or [text]


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(value_ms: int, mark: str) -> str:
    hours, rest = divmod(value_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, thousandths = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{mark}{thousandths:03d}"
