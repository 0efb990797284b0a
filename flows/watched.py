"""What a serial watches: a novel file, or a folder whose files are its chapters or books of their own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from story.errors import InputError, SoundboundError
from story.loading import load_novel
from story.merging import merge, natural_key
from story.novel import Novel
from tasks.publish import folder_name

ENDINGS = {".json"}


@dataclass
class Watched:
    """The shows found, and the files that could not be read, with the reason."""

    novels: list[Novel] = field(default_factory=list)
    unread: dict[Path, str] = field(default_factory=dict)


def look(watch: Path) -> Watched:
    """Every novel in `watch`. In a folder, files whose title is the same are one novel, in natural order of their names.

    A file that can't be read (it may still be on its way) keeps no other from being rendered.

    Raises:
        InputError: there is nothing at `watch`, or the one file it is can't be read.
    """
    if watch.is_file():
        return Watched(novels=[load_novel(watch)])
    if not watch.is_dir():
        raise InputError("there is no such file or folder", where=str(watch), remedy="give what to watch")
    found = Watched()
    parts: dict[str, list[tuple[str, Novel]]] = defaultdict(list)
    for path in sorted(watch.iterdir(), key=lambda p: natural_key(p.name)):
        if path.suffix.lower() not in ENDINGS or path.name.startswith(".") or not path.is_file():
            continue
        try:
            novel = load_novel(path)
        except SoundboundError as e:
            found.unread[path] = str(e)
            continue
        parts[folder_name(novel.title)].append((path.stem, novel))
    found.novels = [merge(group) for group in parts.values()]
    return found
