"""What a serial watches: a novel file, or a folder whose files are its chapters or books of their own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from story.errors import InputError, SoundboundError
from story.importing.library import novel_file
from story.loading import load_novel
from story.merging import merge, natural_key
from story.novel import Novel
from tasks.publish import folder_name

# Books that carry a title of their own, and texts that are chapters of what the folder is named for.
BOOK_ENDINGS = {".json", ".epub"}
TEXT_ENDINGS = {".txt", ".md", ".html", ".htm", ".fountain"}


@dataclass
class Watched:
    """The shows found, and the files that could not be read, with the reason."""

    novels: list[Novel] = field(default_factory=list)
    unread: dict[Path, str] = field(default_factory=dict)


def look(watch: Path, shelf: Path) -> Watched:
    """Every novel in `watch`. In a folder, files whose title is the same are one novel, in natural order of their names;
    a text file is a chapter of the novel that the folder is named for.

    `shelf` keeps imported books. A file that can't be read (it may still be on its way) keeps no other from being rendered.

    Raises:
        InputError: there is nothing at `watch`, or the one file it is can't be read.
    """
    if watch.is_file():
        return Watched(novels=[load_novel(novel_file(watch, shelf))])
    if not watch.is_dir():
        raise InputError("there is no such file or folder", where=str(watch), remedy="give what to watch")
    found = Watched()
    parts: dict[str, list[tuple[str, Novel]]] = defaultdict(list)
    for path in sorted(watch.iterdir(), key=lambda p: natural_key(p.name)):
        ending = path.suffix.lower()
        if ending not in BOOK_ENDINGS | TEXT_ENDINGS or path.name.startswith(".") or not path.is_file():
            continue
        try:
            novel = load_novel(novel_file(path, shelf))
        except SoundboundError as e:
            found.unread[path] = str(e)
            continue
        if ending in TEXT_ENDINGS:
            novel = novel.model_copy(update={"title": watch.name})
        parts[folder_name(novel.title)].append((path.stem, novel))
    found.novels = [merge(group) for group in parts.values()]
    return found
