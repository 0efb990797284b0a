"""WavJourney's script: a JSON list of nodes, each speech, a sound effect or music, in the foreground or background.

Speech becomes lines, effects in the foreground become effects at their place. Music and background sounds have no
place in a novel, whose ambience is found in its prose: they are counted, so that the import can say so.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from story.speakers import is_narrator_name

Path_ = tuple[str | int, ...]


def is_wavjourney(data: list[Any]) -> bool:
    return bool(data) and all(isinstance(n, dict) and _kind(n) for n in data)


def from_wavjourney(data: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[Path_, Path_]]:
    """The tree in our shape, and where each line came from."""
    lines: list[dict[str, Any]] = []
    moved: dict[Path_, Path_] = {}
    dropped: Counter[str] = Counter()
    for i, node in enumerate(data):
        kind = _kind(node)
        if kind == "speech":
            speaker = node.get("character")
            told = isinstance(speaker, str) and is_narrator_name(speaker)
            line = {
                "type": "narration" if told else "dialogue",
                "speaker": speaker,
                "content": node.get("text"),
            }
        elif kind == "sound_effect" and str(node.get("layout", "foreground")).lower() == "foreground":
            line = {"type": "effect", "content": node.get("desc")}
        else:
            if str(node.get("action", "begin")).lower() != "end":
                dropped["music" if kind == "music" else "background sounds"] += 1
            continue
        moved["chapters", 0, "segments", len(lines)] = (i,)
        lines.append(line)
    tree: dict[str, Any] = {"chapters": [{"segments": lines}]}
    if dropped:
        told_of = " and ".join(f"{n} of {what}" for what, n in dropped.items())
        tree["import"] = {
            "warnings": [f"left out: {told_of}; ambience is found in the prose, and there is no music"]
        }
    return tree, moved


def _kind(node: dict[str, Any]) -> str:
    kind = node.get("audio_type", node.get("audio type"))
    return kind.strip().lower().replace(" ", "_") if isinstance(kind, str) else ""
