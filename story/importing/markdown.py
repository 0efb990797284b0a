"""What is particular to a Markdown file: its front matter, and a file that is one fenced block.

Its headings are read in outline.py, its inline marks in inline.py; paragraphs are those of any text.
"""

from __future__ import annotations

import re

from story.importing.gutenberg import Body
from story.importing.manuscript import LeftOut

_FRONT = re.compile(
    r"\s*(?:---[ \t]*\n(.*?)\n(?:---|\.\.\.)|\+\+\+[ \t]*\n(.*?)\n\+\+\+)[ \t]*(?:\n|$)", re.DOTALL
)
_FIELD = re.compile(r"^([A-Za-z_\u3400-\u9fff]+)[ \t]*[:=：][ \t]*(.+?)[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"\s*(```|~~~)[^\n`]*\n")
_NAMES = {
    "标题": "title",
    "书名": "title",
    "書名": "title",
    "作者": "author",
    "lang": "language",
    "语言": "language",
}
_FRONT_CHARS = 20_000


def narrow(body: Body, text: str) -> bool:
    """Takes front matter and an all-embracing fence out of `body`; False if what is left is plain text."""
    if front := _FRONT.match(text, body.start, min(body.end, body.start + _FRONT_CHARS)):
        for field in _FIELD.finditer(front[1] or front[2] or ""):
            name = field[1].lower()
            value = field[2].strip().strip("\"'").strip()
            if value and not value.startswith(("[", "{", "|", ">")):
                body.facts.setdefault(_NAMES.get(name, name), value)
        body.left_out.append(LeftOut("front matter of the file", text[body.start : front.end()], body.start))
        body.start = front.end()
    opening = _FENCE.match(text, body.start, body.end)
    if not opening:
        return True
    closing = text.rfind(opening[1], opening.end(), body.end)
    if (
        closing < 0
        or text[closing + 3 : body.end].strip()
        or (
            text.count("\n" + opening[1], opening.end(), closing) > 0
            and closing != text.find("\n" + opening[1], opening.end()) + 1
        )
    ):
        return True
    body.left_out.append(LeftOut("fence", text[body.start : opening.end()], body.start))
    body.left_out.append(LeftOut("fence", text[closing : body.end], closing))
    body.start, body.end = opening.end(), closing
    return False
