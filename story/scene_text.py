"""The part of a segment that tells what is heard there: not what is quoted, and not verse."""

from __future__ import annotations

import re
from functools import lru_cache

from story.lexicon import plain_chinese

# Segment types whose words tell what is heard. Letters and verse speak of other places and times.
READ_TYPES = frozenset({"narration"})

_QUOTES = re.compile(
    r"“[^“”\"]{0,3000}(?:[”\"]|(?=“)|$)|\"[^\"“”]{0,3000}(?:[\"”]|(?=“)|$)|「[^「」]{0,3000}(?:」|$)|『[^『』]{0,3000}(?:』|$)|«[^«»]{0,3000}»"
    r"|(?<![\w’])‘[^‘]{0,3000}?[,.!?—…-]’(?!\w)|(?<![\w'])'(?=[A-Z])[^']{0,400}(?:(?<=\w)'(?=\w)[^']{0,400}){0,40}?[,.!?—-]'(?!\w)"
)
# 「“哑——”的一声」: what stands in these quotes is a sound, not speech.
_QUOTED_SOUND = re.compile(
    r"[“「『\"]([^“”「」『』\"，。]{1,6})[”」』\"](?=[的地]?[^，。；]{0,2}一声|地?响|的[^，。；]{0,3}声)"
)
# Verse: four clauses and more of five or of seven characters each, a paragraph that is a couplet of seven without
# the small words of prose, and what the teller of tales announces as a set piece.
_VERSE = re.compile(
    r"\A\s*(?![^了的着他她我你们里]*[了的着他她我你们里])(?:[\u4e00-\u9fff]{7}[，。！？；、 ]+){2,}\s*\Z"
    r"|(?<![\u4e00-\u9fff])(?:(?:[\u4e00-\u9fff]{7}[，。！？；．、\n ]+){4,}|(?:[\u4e00-\u9fff]{5}[，。！？；．、\n ]+){4,})"
    r"|(?:但见[他那]?|好一?场?[杀打战风雪雨山火水]|有诗(?:为证|云|赞|道)|[诗词赞]曰|怎生(?:打扮|模样)|真个是?)[：！]"
    r"[^“「『\"\n]{0,300}"
    r"|(?<![\u4e00-\u9fff])正是：[^。！？\n“]{0,40}"
)


# Bounds, evidence, cues and words ask for the same segments within one chapter.
@lru_cache(maxsize=1024)
def reading_text(content: str, language: str) -> str:
    """What the lexicons are matched against: quotations and Chinese verse blanked, simplified characters; same length."""
    text = mask_quotes(content)
    return _mask_verse(plain_chinese(text)) if language == "zh" else text


def _mask_verse(text: str) -> str:
    """Verse set into Chinese prose tells of battles and storms that are not there; length is kept."""
    return _VERSE.sub(lambda match: " " * len(match[0]), text)


def mask_quotes(text: str) -> str:
    """The text with everything quoted blanked out, length and offsets kept; quotation marks stay as boundaries.

    A quoted onomatopoeia ("“哑——”的一声") is kept: it is a sound, not speech.
    """
    sounds = [match.span(1) for match in _QUOTED_SOUND.finditer(text)]

    def blank(match: re.Match[str]) -> str:
        if any(match.start() < end and start < match.end() for start, end in sounds):
            return match[0]
        last = (
            match[0][-1] if len(match[0]) > 1 and match[0][-1] in "”\"」』»’'" else " " * (len(match[0]) > 1)
        )
        return match[0][0] + " " * (len(match[0]) - 2) + last

    return _QUOTES.sub(blank, text)
