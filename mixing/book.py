"""A book as one programme: one gain for all its chapters, found from the energies kept beside their stems.

chapters = [ChapterMix.in_folder(folder) for folder in folders]
gain_db = book_gain_db(chapters, profile)
made = [remaster(c, f / "master.flac", profile, "flac", gain_db) for c, f in zip(chapters, folders)]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixing.contracts import SAMPLE_RATE_HZ, STEMS, AudioFormat, MixError, MixReport
from mixing.encodes import EncodeCache, digest
from mixing.loudness import programme_lufs
from mixing.mastering import GAIN_MAX_DB, master
from mixing.overview import kept_energies, with_master
from mixing.profiles import Profile
from mixing.results import Mastered
from mixing.sources import StemFiles
from mixing.waveform import Waveform

_BLOCK_FRAMES = 8 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class ChapterMix:
    """What a chapter's mix left behind: its stems and their kept energies."""

    stems: dict[str, Path]
    energies: Path

    @classmethod
    def in_folder(cls, folder: Path) -> ChapterMix:
        """Of a published chapter. Raises MixError if something is missing."""
        found = {
            path.stem: path for path in sorted(folder.glob("stems/*.*"))
        }  # FLAC, or WAV with a WAV master
        stems = {name: found.get(name, folder / "stems" / f"{name}.flac") for name in STEMS}
        made = cls(stems, folder / "loudness.npy")
        for path in (*made.stems.values(), made.energies):
            if not path.exists():
                raise MixError(
                    "a part of the chapter's mix is missing",
                    where=str(path),
                    remedy="render the chapter again",
                )
        return made


def book_gain_db(chapters: Sequence[ChapterMix], profile: Profile) -> float:
    """The gain that brings the chapters together to the profile's loudness; 0 if they are all silent.

    Gated loudness needs only the kept energies; an RMS target reads the stems once.
    """
    if profile.integrated_lufs is not None:
        now = programme_lufs([kept_energies(chapter.energies)["sum"] for chapter in chapters])
        wanted = profile.integrated_lufs - now
    else:
        power, frames = 0.0, 0
        for chapter in chapters:
            shape = Waveform.Meter(SAMPLE_RATE_HZ)
            for block in StemFiles(chapter.stems).blocks(_BLOCK_FRAMES):
                shape.add(block)
            whole = shape.finish()
            power += 10 ** (whole.rms_dbfs / 10) * whole.frames
            frames += whole.frames
        wanted = (profile.rms_dbfs or 0.0) - 10 * float(np.log10(power / frames)) if power else 0.0
    return float(np.clip(wanted, -GAIN_MAX_DB, GAIN_MAX_DB)) if np.isfinite(wanted) else 0.0


def remaster(
    chapter: ChapterMix,
    path: Path,
    profile: Profile,
    audio_format: AudioFormat,
    gain_db: float | None = None,
    cache: EncodeCache | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Mastered:
    """Make a chapter's master again from its stems, in any format, at a given gain (None: the chapter's own).

    Raises MixError: a stem is missing or damaged, or the file can't be written; `path` is then as it was before.
    """
    source = StemFiles(chapter.stems)
    before = programme_lufs([kept_energies(chapter.energies)["sum"]])
    unfinished = path.with_name(f".{path.name}")
    try:
        made = master(
            source,
            unfinished,
            profile,
            audio_format,
            before,
            _BLOCK_FRAMES,
            progress,
            fixed_gain_db=gain_db,
            cache=cache,
            content=lambda: digest(chapter.stems.values()),
        )
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return made


def mix_of(report: MixReport, made: Mastered, profile: Profile, audio_format: AudioFormat) -> MixReport:
    """A chapter's report for another master of it: every level moves with the gain."""
    shift_db = made.gain_db - report.master_gain_db

    def moved(level: float | None) -> float | None:
        return None if level is None else round(level + shift_db, 3)

    lines = [e.model_copy(update={"mixed_lufs": e.mixed_lufs + shift_db}) for e in report.lines]
    worst = report.worst_speech_to_bed
    stems = [
        stem.model_copy(
            update={
                "integrated_lufs": moved(stem.integrated_lufs),
                "short_term_max_lufs": moved(stem.short_term_max_lufs),
            }
        )
        for stem in report.overview.stems
    ]
    return report.model_copy(
        update={
            "target_lufs": profile.integrated_lufs,
            "ceiling_dbtp": profile.ceiling(audio_format),
            "master_gain_db": made.gain_db,
            "limited_share": made.limited_share,
            "lines": lines,
            "speakers": [
                e.model_copy(update={"mixed_lufs": e.mixed_lufs + shift_db}) for e in report.speakers
            ],
            "worst_speech_to_bed": worst
            and next((line for line in lines if line.segment == worst.segment), worst),
            "overview": with_master(
                report.overview.model_copy(update={"stems": stems}), made.energies, made.waveform
            ),
            "checks": made.checks,
        }
    )
