"""Fountain, the plain-text screenplay (fountain.io/syntax): scene headings, action, characters with dialogue."""

from __future__ import annotations

import re

from story.importing.scripts.tree import NARRATOR, Tree
from story.importing.titles import capitals_to_title

_TITLE_PAGE = re.compile(r"(?:[A-Za-z ]{1,40}:[^\n]*\n(?:[ \t]+[^\n]*\n)*)+")
_TITLE_KEY = re.compile(
    r"^(Title|Author|Authors|Credit|Source|Draft date|Contact|Copyright|Language)[ \t]*:[ \t]*(.*(?:\n[ \t]+.*)*)",
    re.I | re.M,
)
_BONEYARD = re.compile(r"/\*.*?\*/", re.DOTALL)
_EFFECT = re.compile(r"\[\[\s*(?:effect|sfx|sound)\s*:\s*([^\[\]]+?)\s*\]\]", re.IGNORECASE)
_NOTE = re.compile(r"\[\[[^\[\]]*\]\]")
_SCENE = re.compile(r"(?:(?:INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E)[. ]|\.(?=[^\s.]))", re.IGNORECASE)
_SCENE_START = re.compile(r"^(?:\.(?!\.)|(?:INT\.?/EXT|EXT\.?/INT|I/E|INT|EXT|EST)\.?[ \t]+)", re.IGNORECASE)
_SCENE_NUMBER = re.compile(r"[ \t]*#[\w.-]+#[ \t]*$")
_TRANSITION = re.compile(r"[A-Z \t]+TO:$|>(?![^<]*<$)|FADE (?:IN|OUT)[.:]?$")
_CUE = re.compile(
    r"^(?:@(?P<forced>[^\n(^]+)|(?P<name>[^a-z\n(^@!>~.#=]*[A-Z\u3400-\u9fff][^a-z\n(^]*))(?P<extension>(?:[ \t]*\([^)\n]*\))*)[ \t]*\^?$"
)
_PARENTHETICAL = re.compile(r"^[ \t]*[(（](?P<how>[^()（）\n]{1,120})[)）][ \t]*$")
_EMPHASIS = re.compile(r"(?<!\\)(?:\*{1,3}|_)")
_STYLES = {
    "whisper": "whisper",
    "whispering": "whisper",
    "whispers": "whisper",
    "shout": "shout",
    "shouting": "shout",
    "shouts": "shout",
    "yelling": "shout",
    "低声": "whisper",
    "大喊": "shout",
}


def looks_like_fountain(text: str) -> bool:
    """Scene headings and characters' cues, several of each."""
    head = text[:60_000]
    scenes = len(re.findall(r"^(?:INT|EXT|INT\./EXT|I/E)\.[ \t]+[A-Z]", head, re.MULTILINE))
    cues = len(re.findall(r"^[ \t]*[A-Z][A-Z .'-]{1,30}(?:\([^)\n]*\))?[ \t]*\n[ \t]*\S", head, re.MULTILINE))
    return scenes >= 2 and cues >= 3


def read_fountain(text: str) -> Tree:
    """Sections (# …) begin chapters; action is the narrator's, (whispering) is a style, transitions are left out."""
    tree = Tree()
    text = _BONEYARD.sub("", text)
    text = _title_page(text, tree)
    for block in re.split(r"\n[ \t]*\n", text):
        for effect in _EFFECT.finditer(block):
            tree.line("effect", effect[1])
        lines = [line.rstrip() for line in _NOTE.sub("", block).split("\n") if line.strip()]
        if lines:
            _block(tree, lines)
    return tree


def _title_page(text: str, tree: Tree) -> str:
    found = _TITLE_PAGE.match(text.lstrip("\n"))
    if not found or not _TITLE_KEY.match(found[0]):
        return text
    for entry in _TITLE_KEY.finditer(found[0]):
        key = entry[1].lower().rstrip("s")
        value = _plain(" ".join(entry[2].split()))
        if key in {"title", "author", "language"} and value:
            tree.facts.setdefault(key, value)
    return text.lstrip("\n")[found.end() :]


def _block(tree: Tree, lines: list[str]) -> None:
    first = lines[0].strip()
    if first.startswith("#"):
        title = _plain(first.lstrip("#").strip())
        if len(first) - len(first.lstrip("#")) == 1 or not tree.chapters:
            tree.chapter(title)
        tree.line("heading", title)
        _rest(tree, lines)
    elif re.fullmatch(r"={3,}", first):
        tree.line("break", "")
        _rest(tree, lines)
    elif first.startswith("="):
        _rest(tree, lines)
    elif first.startswith("!"):
        tree.line("narration", _plain(" ".join([first[1:], *lines[1:]])))
    elif first.startswith("~"):
        tree.line("verse", "\n".join(_plain(line.strip().lstrip("~").strip()) for line in lines))
    elif len(lines) == 1 and first.startswith(">") and first.endswith("<"):
        tree.line("heading", _plain(first[1:-1].strip()))
    elif _SCENE.match(first):
        tree.line("break", "")
        place = _plain(_SCENE_NUMBER.sub("", _SCENE_START.sub("", first)).strip())
        tree.line("heading", capitals_to_title(place), scene_heading=_plain(first))
        _rest(tree, lines)
    elif _TRANSITION.match(first):
        _rest(tree, lines)
    elif len(lines) > 1 and (cue := _CUE.match(first)) and any(c.isalpha() for c in first):
        _dialogue(tree, cue, lines[1:])
    else:
        tree.line("narration", _plain(" ".join(line.strip() for line in lines)))


def _rest(tree: Tree, lines: list[str]) -> None:
    if len(lines) > 1:
        _block(tree, lines[1:])


def _dialogue(tree: Tree, cue: re.Match[str], lines: list[str]) -> None:
    name = cue["forced"].strip() if cue["forced"] else capitals_to_title(cue["name"].strip())
    kind, how = "dialogue", ""
    said: list[str] = []

    def put() -> None:
        text = _plain(" ".join(said))
        said.clear()
        if text:
            style = next((s for word in re.findall(r"\w+", how.casefold()) if (s := _STYLES.get(word))), "")
            tree.line(kind, text, name or NARRATOR, style=style, parenthetical=how)

    for line in lines:
        if found := _PARENTHETICAL.match(line):
            put()
            how = found["how"].strip()
            kind = "thought" if re.search(r"\bthink|thought", how, re.IGNORECASE) else "dialogue"
        elif line.strip().startswith("~"):
            put()
            tree.line("verse", _plain(line.strip()[1:].strip()), name)
        else:
            said.append(line.strip())
    put()


def _plain(text: str) -> str:
    return re.sub(r"\\([*_])", r"\1", _EMPHASIS.sub("", text)).strip()
