"""Stage: mix. Separate files into stems and a master, in blocks, on the CPU."""

from __future__ import annotations

from pathlib import Path

from mixing.contracts import AudioFormat, MixInputs, MixResult
from mixing.encodes import EncodeCache
from mixing.engine import mix_chapter
from mixing.linecache import LineCache
from mixing.profiles import load_profile
from models.takes import Take, TakeStore
from story.timeline import Timeline
from tasks.progress import StageProgress
from tasks.stage import stage


@stage("mix", timeout_s=6 * 3600)
def mix(
    timeline: Timeline,
    dialogue: dict[str, Take],
    beds: dict[str, Take],
    effects: dict[str, Take],
    takes_dir: Path,
    work_dir: Path,
    profile_name: str,
    audio_format: AudioFormat | None,
    encodes_dir: Path,
    lines_dir: Path,
    music: str = "off",
) -> MixResult:
    """Mix into `work_dir`/chapter; returns where everything is and what was measured.

    `music`: off, generated, or the path of a sound file. Lines processed for an earlier mix are found in `lines_dir`, finished masters in `encodes_dir`.
    """
    store = TakeStore(takes_dir)
    progress = StageProgress("mix", 100, "percent", work=timeline.total_duration_s)

    def paths(takes: dict[str, Take]) -> dict[str, Path]:
        return {place: store.path(take) for place, take in takes.items()}

    scratch = work_dir / "mix"
    scratch.mkdir(parents=True, exist_ok=True)
    out = work_dir / "chapter"
    out.mkdir(parents=True, exist_ok=True)
    profile = load_profile(profile_name)
    inputs = MixInputs(
        timeline=timeline,
        dialogue=paths(dialogue),
        beds=paths(beds),
        effects=paths(effects),
        music="generated" if music in ("off", "generated") else Path(music),
    )
    result = mix_chapter(
        inputs,
        out,
        profile,
        profile.format(audio_format),
        scratch,
        progress=lambda share: progress.set(round(100 * share)),
        encodes=EncodeCache(encodes_dir),
        cache=LineCache(lines_dir),
    )
    progress.finish()
    return result
