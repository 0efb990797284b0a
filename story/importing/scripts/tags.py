"""Text with [name]…[/name] around what each person says; what stands outside belongs to the narrator."""

from __future__ import annotations

import re

from story.importing.headings import recognise
from story.importing.paragraphs import is_break_line
from story.importing.scripts.tree import Tree
from story.speakers import is_narrator_name

_TAGGED = re.compile(r"\[(?P<name>[^\[\]/\n]{1,60})\](?P<text>[^\[]*(?:\[(?!/)[^\[]*)*)\[/(?P=name)\]")
_SAMPLE = 200_000


def looks_tagged(text: str) -> bool:
    """At least two pairs of tags, with more text inside them than marks of anything else."""
    pairs = list(_TAGGED.finditer(text[:_SAMPLE]))
    if len(pairs) < 2:
        return False
    inside = sum(m.end() - m.start() for m in pairs)
    return inside >= 0.15 * min(len(text), _SAMPLE)


def read_tagged(text: str) -> Tree:
    """Lines in order; headings outside the tags begin chapters."""
    tree = Tree()
    at = 0
    for found in _TAGGED.finditer(text):
        _outside(tree, text[at : found.start()])
        name = " ".join(found["name"].split())
        for paragraph in _paragraphs(found["text"]):
            if is_narrator_name(name):
                _told(tree, paragraph)
            else:
                tree.line("dialogue", paragraph, name)
        at = found.end()
    _outside(tree, text[at:])
    return tree


def _outside(tree: Tree, text: str) -> None:
    for paragraph in _paragraphs(text):
        _told(tree, paragraph)


def _told(tree: Tree, paragraph: str) -> None:
    heading = recognise(paragraph)
    if heading and heading.kind in {"chapter", "part", "story", "number"}:
        tree.chapter(paragraph)
        tree.line("heading", paragraph)
    elif is_break_line(paragraph):
        tree.line("break", "")
    elif any(c.isalnum() for c in paragraph):
        tree.line("narration", paragraph)


def _paragraphs(text: str) -> list[str]:
    blocks = re.split(r"\n[ \t]*\n", text)
    return [" ".join(b.split()) for b in blocks if b.strip()]
