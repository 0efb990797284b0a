"""Stage: publish. Everything of a chapter into one folder that appears whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.takes import Take
from story.captions import to_srt, to_vtt
from story.timeline import Timeline
from tasks.plan import word_times
from tasks.progress import StageProgress
from tasks.results import ChapterResult


def folder_name(name: str) -> str:
    """A title as a folder's name: letters and digits of any script, hyphens between them."""
    slug = re.sub(r"[^\w]+", "-", name.lower(), flags=re.UNICODE).strip("-_")
    return slug[:80] or "untitled"


def provenance(takes: dict[str, Take]) -> dict:
    """Model, version, seed and key of every take by the place it is used."""
    return {
        "format": "soundbound.provenance/1",
        "takes": {
            place: {
                "key": take.key,
                "model": take.model,
                "version": take.version,
                "seed": take.request.get("seed"),
                "attempts": take.attempts,
                "sha256": take.sha256,
            }
            for place, take in takes.items()
        },
    }


@task(
    name="publish",
    retries=1,
    retry_delay_seconds=1,
    cache_policy=NO_CACHE,
    persist_result=False,
    timeout_seconds=3600,
)
def publish(
    result: ChapterResult,
    timeline: Timeline,
    takes: dict[str, Take],
    names: dict[str, str],
    mixed: Path,
    target: Path,
) -> ChapterResult:
    """Complete the mixed folder with timeline, captions, report and provenance, and put it in `target`'s place."""
    progress = StageProgress("publish", 1, "chapter")
    words = word_times(takes)
    (mixed / "timeline.json").write_text(timeline.model_dump_json(indent=1), encoding="utf-8")
    (mixed / "captions.vtt").write_text(to_vtt(timeline, names, words), encoding="utf-8")
    (mixed / "captions.srt").write_text(to_srt(timeline, names, words), encoding="utf-8")
    text = json.dumps(provenance(takes), ensure_ascii=False, indent=1)
    (mixed / "provenance.json").write_text(text, encoding="utf-8")
    outputs = {
        p.relative_to(mixed).with_suffix("").as_posix(): target / p.relative_to(mixed) for p in _files(mixed)
    }
    outputs["captions_srt"] = target / "captions.srt"
    outputs["captions"] = target / "captions.vtt"
    outputs["report"] = target / "report.json"
    result = result.model_copy(update={"outputs": dict(sorted(outputs.items()))})
    (mixed / "report.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
    replace_folder(mixed, target)
    progress.advance()
    progress.finish()
    return result


def replace_folder(new: Path, target: Path) -> None:
    """Put folder `new` in `target`'s place: copied beside it first (it may come from another disk), then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming, outgoing = (target.with_name(f".{target.name}.{end}") for end in ("incoming", "outgoing"))
    for stale in (incoming, outgoing):
        shutil.rmtree(stale, ignore_errors=True)
    shutil.move(new, incoming)
    if target.exists():
        target.rename(outgoing)
    incoming.rename(target)
    shutil.rmtree(outgoing, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file()]
