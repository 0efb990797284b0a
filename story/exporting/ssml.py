"""The novel as SSML 1.1 (w3.org/TR/speech-synthesis11): a voice element a line, breaks, and the book's pronunciations."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from story.novel import Character, Novel, Segment
from story.pauses import pause_between

_VOLUMES = {"whisper": "x-soft", "murmur": "soft", "shout": "x-loud", "scream": "x-loud"}
_AGES = {"child": 9, "young": 20, "adult": 40, "old": 70}


def to_ssml(novel: Novel) -> str:
    people = {c.id: c for c in novel.characters}
    words = re.compile(
        "|".join(rf"(?<!\w){re.escape(w)}(?!\w)" for w in sorted(novel.pronunciation, key=len, reverse=True))
        or "(?!)"
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang={quoteattr(novel.language)}>',
        f"<metadata><title>{escape(novel.title)}</title></metadata>",
    ]
    for chapter in novel.chapters:
        lines.append(f"<mark name={quoteattr(chapter.id)}/>")
        before: Segment | None = None
        between: list[Segment] = []
        for segment in chapter.segments:
            if not segment.voiced:
                between.append(segment)
                continue
            if before is not None:
                pause = pause_between(before, segment, between, novel.language)
                lines.append(f'<break time="{round(pause * 1000)}ms"/>')
            lines.append(_voiced(segment, people[segment.speaker], words, novel.pronunciation))
            before, between = segment, []
    lines.append("</speak>")
    return "\n".join(lines) + "\n"


def _voiced(segment: Segment, who: Character, words: re.Pattern[str], phonemes: dict[str, str]) -> str:
    text = _pronounced(segment.content, words, phonemes)
    if volume := _VOLUMES.get(segment.style):
        text = f'<prosody volume="{volume}">{text}</prosody>'
    traits = f"name={quoteattr(segment.voice_id or who.voice_id or who.id)}"
    if who.gender in {"female", "male", "neutral"}:
        traits += f' gender="{who.gender}"'
    if who.age in _AGES:
        traits += f' age="{_AGES[who.age]}"'
    return f"<voice {traits}><mark name={quoteattr(segment.id)}/><p>{text}</p></voice>"


def _pronounced(text: str, words: re.Pattern[str], phonemes: dict[str, str]) -> str:
    parts, at = [], 0
    for found in words.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(
            f'<phoneme alphabet="ipa" ph={quoteattr(phonemes[found[0]])}>{escape(found[0])}</phoneme>'
        )
        at = found.end()
    return "".join((*parts, escape(text[at:])))
