"""The novel as a Fountain screenplay: narration as action, each line under its speaker's name.

story/importing/scripts/fountain.py reads it back with the same speakers and words.
"""

from __future__ import annotations

from story.novel import Novel, Segment


def to_fountain(novel: Novel) -> str:
    names = {c.id: c.name for c in novel.characters}
    parts = [f"Title: {_line(novel.title)}"]
    if novel.author:
        parts[0] += f"\nAuthor: {_line(novel.author)}"
    parts[0] += f"\nLanguage: {novel.language}"
    for chapter in novel.chapters:
        parts.append(f"# {_line(chapter.title) or chapter.number}")
        headings = chapter.segments
        if headings and headings[0].type == "heading" and headings[0].content == chapter.title:
            headings = headings[1:]  # the section says it
        parts += [block for segment in headings if (block := _block(segment, names))]
    return "\n\n".join(parts) + "\n"


def _block(segment: Segment, names: dict[str, str]) -> str:
    text = _line(segment.content)
    match segment.type:
        case "break":
            return "==="
        case "effect":
            return f"[[effect: {text}]]"
        case "heading":
            return f"> {text} <"
        case "verse":
            return "\n".join(f"~ {line.strip()}" for line in segment.content.split("\n") if line.strip())
        case "dialogue" | "thought":
            how = "thinking" if segment.type == "thought" else segment.style
            how = how or (segment.emotion if segment.emotion != "neutral" else "")
            said = f"({how})\n{text}" if how else text
            return f"@{_line(names.get(segment.speaker, segment.speaker))}\n{said}"
        case _:
            return f"!{text}"


def _line(text: str) -> str:
    """On one line, with Fountain's own marks escaped."""
    return " ".join(text.split()).replace("*", r"\*").replace("_", r"\_")
