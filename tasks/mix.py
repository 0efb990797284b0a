"""Stage: mix. Separate files into stems and a master, in blocks, on the CPU."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from mixing.engine import MixInputs, MixResult, mix_chapter
from mixing.linecache import LineCache
from mixing.profiles import load_profile
from models.takes import Take, TakeStore
from story.timeline import Timeline
from tasks.progress import StageProgress


@task(
    name="mix",
    retries=1,
    retry_delay_seconds=2,
    cache_policy=NO_CACHE,
    persist_result=False,
    timeout_seconds=6 * 3600,
)
def mix(
    timeline: Timeline,
    dialogue: dict[str, Take],
    beds: dict[str, Take],
    effects: dict[str, Take],
    takes_dir: Path,
    work_dir: Path,
    profile_name: str,
    audio_format: str,
    lines_dir: Path | None = None,
) -> MixResult:
    """Mix into `work_dir`/chapter; returns where everything is and what was measured.

    Lines that were processed for an earlier mix are found in `lines_dir`.
    """
    store, progress = TakeStore(takes_dir), StageProgress("mix", 100, "percent")

    def paths(takes: dict[str, Take]) -> dict[str, Path]:
        return {place: store.path(take) for place, take in takes.items()}

    scratch = work_dir / "mix"
    scratch.mkdir(parents=True, exist_ok=True)
    out = work_dir / "chapter"
    out.mkdir(parents=True, exist_ok=True)
    inputs = MixInputs(timeline=timeline, dialogue=paths(dialogue), beds=paths(beds), effects=paths(effects))
    result = mix_chapter(
        inputs,
        out,
        load_profile(profile_name),
        audio_format,  # pyright: ignore[reportArgumentType] - validated by RenderOptions
        scratch,
        progress=lambda share: progress.set(round(100 * share)),
        cache=LineCache(lines_dir) if lines_dir else None,
    )
    progress.finish()
    return result
