"""Is a chapter finished? A hash of everything that decides how it sounds, kept in its report.

What a listener would hear differently changes the hash: the chapter's own words, who speaks them with which voice,
the scene it inherits, the options, the models. The number of the chapter, the folder it is in and the other chapters do
not. A new version of Soundbound does not either: published chapters stay as they are until somebody asks for them again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import soundfile
from pydantic import ValidationError

from flows.options import RenderOptions
from models import catalog
from models.machine import Machine
from models.sound.library import Library
from story.cast import Cast
from story.novel import Chapter, Novel
from story.scenes import analyze_scenes
from tasks.results import ChapterResult

INHERITED = {"setting", "place", "place_class", "time_of_day", "weather", "mood"}


def fingerprint(book: Novel, chapter: Chapter, cast: Cast, options: RenderOptions, machine: Machine) -> str:
    """Hex digest of what decides the chapter's sound."""
    speakers = {s.speaker for s in chapter.segments}
    library = machine.effect_library
    decides = {
        "chapter": chapter.model_dump(mode="json", exclude={"number"}),
        "language": book.language,
        "pronunciation": book.pronunciation,
        "characters": [c.model_dump(mode="json") for c in book.characters if c.id in speakers],
        "voices": {a.character: a.voice_id for a in cast.assignments if a.character in speakers},
        "before": _inherited(book, chapter),
        "options": options.model_dump(mode="json", exclude={"output"}) | {"music": music_of(options)},
        "speech": cast.model,
        "sound": catalog.resolve(options.sound, "sound", machine).name,
        "library": Library({"folder": str(library)}, "cpu").version if library else None,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def music_of(options: RenderOptions) -> str:
    """off, generated, or the hash of the file that plays: another file of that name is other music."""
    file = options.music_file
    if file is None:
        return options.music
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def finished(folder: Path, wanted: str) -> ChapterResult | None:
    """The report of a chapter in `folder` that is complete, whole on disk and what `wanted` asks for; else None."""
    try:
        result = ChapterResult.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    if result.status != "completed" or result.fingerprint != wanted:
        return None
    if not all(path.exists() for path in result.outputs.values()):
        return None
    return result if _whole(result) else None


def _whole(result: ChapterResult) -> bool:
    """Whether the master is as long as the report says (a compressed one may be padded) and can be read to its end."""
    master = result.outputs.get("master", Path())
    if master.suffix == ".m4a":  # libsndfile reads no AAC
        return master.stat().st_size > 0
    try:
        with soundfile.SoundFile(str(master)) as f:
            if abs(f.frames / f.samplerate - result.duration_s) > 1.0:
                return False
            f.seek(max(0, f.frames - 1000))
            return len(f.read(1000)) == min(1000, f.frames)
    except (RuntimeError, OSError):
        return False


def _inherited(book: Novel, chapter: Chapter) -> dict | None:
    at = next(i for i, c in enumerate(book.chapters) if c.id == chapter.id)
    if at == 0:
        return None
    return analyze_scenes(book.chapters[at - 1], book.language).scenes[-1].model_dump(include=INHERITED)
