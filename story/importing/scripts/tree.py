"""Builds the tree of a novel (as in novel JSON) line by line; parse_novel checks it afterwards."""

from __future__ import annotations

from typing import Any

NARRATOR = "Narrator"


class Tree:
    """Chapters of lines; empty chapters vanish.

    Attributes:
        facts: title, author, language, as far as known.
    """

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.chapters: list[dict[str, Any]] = []
        self.genders: dict[str, str] = {}
        self.warnings: list[str] = []
        self._paragraph = 0

    def chapter(self, title: str = "") -> None:
        """Begin a chapter; one that has no lines yet is named instead."""
        if self.chapters and not self.chapters[-1]["segments"]:
            self.chapters[-1]["title"] = title or self.chapters[-1]["title"]
        else:
            self.chapters.append({"title": title, "segments": []})

    def line(self, kind: str, content: str, speaker: str = NARRATOR, **more: Any) -> None:
        """Add a line in a paragraph of its own."""
        text = content.strip()
        if not text and kind != "break":
            return
        if not self.chapters:
            self.chapter()
        self._paragraph += 1
        given = {k: v for k, v in more.items() if v}
        line = {"type": kind, "content": text, "speaker": speaker, "paragraph": self._paragraph, **given}
        self.chapters[-1]["segments"].append(line)

    @property
    def lines(self) -> int:
        return sum(len(c["segments"]) for c in self.chapters)

    def novel(self) -> dict[str, Any]:
        """The tree. Characters are listed only where something is known of them; otherwise the lines name them."""
        chapters = [c for c in self.chapters if any(s["type"] != "break" for s in c["segments"])]
        tree: dict[str, Any] = {**self.facts, "chapters": chapters}
        if self.genders:
            names = dict.fromkeys(s["speaker"] for c in chapters for s in c["segments"])
            tree["characters"] = [
                {"id": n, "name": n, "gender": self.genders.get(n, "unknown")}
                | ({"role": "narrator"} if n == NARRATOR else {})
                for n in names
            ]
        return tree
