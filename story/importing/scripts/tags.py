"""Text with [name]…[/name] around what each person says; what stands outside belongs to the narrator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from story.importing.headings import recognise
from story.importing.paragraphs import is_break_line
from story.importing.scripts.tree import Tree
from story.speakers import is_narrator_name

_TAG = re.compile(r"\[(/?)([^\[\]/\n]{1,60})\]")
_SAMPLE = 200_000


@dataclass(slots=True)
class _Said:
    name: str
    text: str
    start: int
    end: int


def looks_tagged(text: str) -> bool:
    """At least two pairs of tags, with a good part of the text inside them."""
    sample = text[:_SAMPLE]
    pairs = list(_tagged(sample))
    return len(pairs) >= 2 and sum(p.end - p.start for p in pairs) >= 0.15 * len(sample)


def _tagged(text: str) -> Iterator[_Said]:
    """Pairs in order; a tag inside a pair is text. One pass: the next closing tag of each name is looked up."""
    closings: dict[str, list[re.Match[str]]] = {}
    for tag in _TAG.finditer(text):
        if tag[1]:
            closings.setdefault(tag[2], []).append(tag)
    for found in closings.values():
        found.reverse()  # the next one is the last
    done = 0
    for tag in _TAG.finditer(text):
        ahead = closings.get(tag[2], []) if not tag[1] and tag.start() >= done else []
        while ahead and ahead[-1].start() < tag.end():
            ahead.pop()
        if ahead:
            done = ahead[-1].end()
            yield _Said(tag[2], text[tag.end() : ahead[-1].start()], tag.start(), done)


def read_tagged(text: str) -> Tree:
    """Lines in order; headings outside the tags begin chapters."""
    tree = Tree()
    at = 0
    for said in _tagged(text):
        _outside(tree, text[at : said.start])
        name = " ".join(said.name.split())
        for paragraph in _paragraphs(said.text):
            if is_narrator_name(name):
                _told(tree, paragraph)
            else:
                tree.line("dialogue", paragraph, name)
        at = said.end
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
