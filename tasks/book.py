"""A book from its published chapters: one loudness for all of them, and one M4B.

Plain functions over chapter folders; a flow wraps them. `level_book` may be stopped at any point and run again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixing.book import ChapterMix, book_gain_db, mix_of, remaster
from mixing.containers import Mark, Part, make_m4b
from mixing.contracts import AudioFormat, MixError
from mixing.encodes import EncodeCache
from mixing.loudness import programme_lufs, tenths
from mixing.profiles import Profile, load_profile
from mixing.results import Mastered
from mixing.tags import Cover, Tags
from story.captions import from_srt
from tasks.publish import tag_master, write_report
from tasks.results import ChapterResult, Loudness

_SAME_DB = 0.05  # a master this near its book's gain is left as it is
_TOLERANCE_LU = 0.1
_PASSES = 3


@dataclass(frozen=True)
class BookLevel:
    gain_db: float
    integrated_lufs: float | None  # of all masters as one programme; None where none was made again
    remastered: list[Path]  # folders whose master changed
    chapters: list[ChapterResult]  # as they are now, in the order of the folders


def level_book(
    folders: Sequence[Path],
    profile_name: str,
    audio_format: AudioFormat | None = None,
    *,
    gain_db: float | None = None,
    encodes_dir: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> BookLevel:
    """Master published chapters again with one gain, so that they match; those that already have it are left alone.

    Args:
        folders: the chapters' folders, as `publish` left them.
        audio_format: of the masters; None for the profile's own.
        gain_db: the book's gain if it is settled (a serial's next chapter); None finds it over these chapters.

    Raises:
        SoundboundError: a folder is not whole, or a master can't be written (the old one stays).
    """
    profile = load_profile(profile_name)
    audio_format = profile.format(audio_format)
    cache = EncodeCache(encodes_dir) if encodes_dir else None
    mixes = [ChapterMix.in_folder(folder) for folder in folders]
    results = [read_result(folder) for folder in folders]
    settled = gain_db is not None
    asked_db = gain_db if gain_db is not None else book_gain_db(mixes, profile)
    gain_db = asked_db if settled else _made_before(results, asked_db)
    changed: set[Path] = set()
    level: float | None = None
    for attempt in range(_PASSES):
        made: list[Mastered | None] = []
        for number, (folder, mix) in enumerate(zip(folders, mixes, strict=True)):
            result = results[number]
            if _has(result, folder, gain_db, profile, audio_format):
                made.append(None)
                continue
            fresh = folder / f".fresh.{audio_format}"
            try:
                master = remaster(mix, fresh, profile, audio_format, gain_db, cache)
                tag_master(fresh, result.tags, folder / "captions.srt")
                fresh.replace(folder / f"master.{audio_format}")
            finally:
                fresh.unlink(missing_ok=True)
            results[number] = _republish(result, folder, master, profile, audio_format, asked_db)
            changed.add(folder)
            made.append(master)
            progress((number + 1) / len(folders) if attempt == 0 else 1.0)
        whole = [m for m in made if m is not None]
        if settled or profile.integrated_lufs is None or len(whole) < len(folders):
            break
        level = programme_lufs([tenths(m.energies) for m in whole])
        off = profile.integrated_lufs - level
        if abs(off) <= _TOLERANCE_LU:
            break
        gain_db += off  # the limiter took some of it
    progress(1.0)
    return BookLevel(gain_db, level, [f for f in folders if f in changed], results)


def bind_book(
    folders: Sequence[Path],
    path: Path,
    tags: Tags,
    cover: Path | None = None,
    *,
    encodes_dir: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> list[Mark]:
    """Bind published chapters into one M4B: AAC of each (kept from run to run), then packet copy.

    A chapter that was published as M4A is taken as it is; others are encoded from their stems, with their master's
    own gain and profile.

    Returns:
        Where each chapter lies in the book.
    Raises:
        SoundboundError: a folder is not whole, or the book can't be written (the last one stays).
    """
    picture = Cover.read(cover) if cover else None
    cache = EncodeCache(encodes_dir) if encodes_dir else None
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".binding-", dir=path.parent) as scratch:
        parts = []
        for number, folder in enumerate(folders):
            result = read_result(folder)
            audio = folder / "master.m4a"
            if not audio.exists():
                audio = Path(scratch) / f"{number}.m4a"
                gain_db = result.mix.master_gain_db if result.mix else None
                mix = ChapterMix.in_folder(folder)
                remaster(mix, audio, load_profile(result.profile), "m4a", gain_db, cache)
            cues = from_srt((folder / "captions.srt").read_text(encoding="utf-8"))
            parts.append(Part(audio, result.title or f"{result.number}", cues))
            progress(0.9 * (number + 1) / len(folders))
        return make_m4b(parts, path, tags, picture, lambda share: progress(0.9 + 0.1 * share))


def read_result(folder: Path) -> ChapterResult:
    """A published chapter's report. Raises MixError if it is missing or damaged."""
    path = folder / "report.json"
    try:
        return ChapterResult.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MixError(
            f"the chapter's report can't be read ({error})",
            where=str(path),
            remedy="render the chapter again",
        ) from error


def _made_before(results: Sequence[ChapterResult], asked_db: float) -> float:
    """The gain an earlier run arrived at when it asked for the same, or `asked_db`."""
    for result in results:
        if result.mix and result.mix.asked_gain_db is not None:
            if abs(result.mix.asked_gain_db - asked_db) < _SAME_DB:
                return result.mix.master_gain_db
            break
    return asked_db


def _has(
    result: ChapterResult, folder: Path, gain_db: float, profile: Profile, audio_format: AudioFormat
) -> bool:
    return (
        result.mix is not None
        and abs(result.mix.master_gain_db - gain_db) < _SAME_DB
        and result.profile == profile.name
        and (folder / f"master.{audio_format}").exists()
    )


def _republish(
    result: ChapterResult,
    folder: Path,
    made: Mastered,
    profile: Profile,
    audio_format: AudioFormat,
    asked_db: float,
) -> ChapterResult:
    """The chapter's report for its new master; a master of another format goes."""
    assert result.mix is not None
    mix = mix_of(result.mix, made, profile, audio_format).model_copy(update={"asked_gain_db": asked_db})
    outputs = {name: path for name, path in result.outputs.items() if name != "master"}
    outputs["master"] = folder / f"master.{audio_format}"
    changed = result.model_copy(
        update={
            "profile": profile.name,
            "loudness": Loudness(**made.loudness.model_dump(include=set(Loudness.model_fields))),
            "mix": mix,
            "outputs": dict(sorted(outputs.items())),
        }
    )
    write_report(changed, folder)
    for old in folder.glob("master.*"):
        if old != outputs["master"]:
            old.unlink()
    return changed
