"""Stage: publish. Everything of a chapter into one folder that appears whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from mixing.containers import tag_m4a
from mixing.tags import Tags, write_tags
from models.takes import Take
from story.captions import from_srt, to_srt, to_vtt
from story.errors import SoundboundError
from story.timeline import Timeline
from tasks.plan import word_times
from tasks.progress import StageProgress
from tasks.report import lanes_of, report_html
from tasks.report.lanes import scenes_of
from tasks.results import ChapterResult
from tasks.stage import stage


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


@stage("publish", retry_delay_s=1, timeout_s=3600)
def publish(
    result: ChapterResult,
    timeline: Timeline,
    takes: dict[str, Take],
    names: dict[str, str],
    mixed: Path,
    target: Path,
) -> ChapterResult:
    """Complete the mixed folder with timeline, captions, report, provenance and tags, and put it in `target`'s place.

    Raises:
        PublishError: it can't be written; what was published before is as it was.
    """
    progress = StageProgress("publish", 1, "chapter")
    try:
        _write_parts(timeline, takes, names, mixed)
        for master in mixed.glob("master.*"):
            tag_master(master, result.tags, mixed / "captions.srt")
        found = {
            "outputs": _outputs(mixed, target),
            "lanes": lanes_of(timeline, names),
            "scenes": scenes_of(timeline),
        }
        result = result.model_copy(update=found)
        write_report(result, mixed)
        replace_folder(mixed, target)
    except OSError as error:
        raise PublishError(
            f"the finished chapter can't be written ({_reason(error)})",
            where=str(error.filename or target),
            remedy="check free disk space and permissions, then render again: all takes are kept",
        ) from error
    progress.advance()
    progress.finish()
    return result


class PublishError(SoundboundError):
    """A finished chapter that can't be put in its place."""


def _reason(error: OSError) -> str:
    """In a few words; shutil gathers the errors of a whole folder in one."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][0][-1])
    return error.strerror or str(error)


def write_report(result: ChapterResult, folder: Path) -> None:
    """report.json and report.html, each whole or not at all."""
    for name, text in (
        ("report.json", result.model_dump_json(indent=1)),
        ("report.html", report_html(result)),
    ):
        incoming = folder / f".{name}"
        incoming.write_text(text, encoding="utf-8")
        incoming.replace(folder / name)


def tag_master(path: Path, tags: Tags, captions: Path) -> None:
    """Title and captions into a finished master, in place."""
    cues = from_srt(captions.read_text(encoding="utf-8"))
    if path.suffix == ".m4a":
        tag_m4a(path, tags, cues=cues)
    else:
        write_tags(path, path.suffix.removeprefix("."), tags, cues=cues)  # pyright: ignore[reportArgumentType] - a master's


def _write_parts(timeline: Timeline, takes: dict[str, Take], names: dict[str, str], mixed: Path) -> None:
    """Timeline, captions and provenance beside the audio."""
    words = word_times(takes)
    (mixed / "timeline.json").write_text(timeline.model_dump_json(indent=1), encoding="utf-8")
    (mixed / "captions.vtt").write_text(to_vtt(timeline, names, words), encoding="utf-8")
    (mixed / "captions.srt").write_text(to_srt(timeline, names, words), encoding="utf-8")
    text = json.dumps(provenance(takes), ensure_ascii=False, indent=1)
    (mixed / "provenance.json").write_text(text, encoding="utf-8")


def _outputs(mixed: Path, target: Path) -> dict[str, Path]:
    """What will be in `target`, by name; the two report files are written later."""
    outputs = {
        p.relative_to(mixed).with_suffix("").as_posix(): target / p.relative_to(mixed) for p in _files(mixed)
    }
    outputs["captions_srt"] = target / "captions.srt"
    outputs["captions"] = target / "captions.vtt"
    outputs["report"] = target / "report.json"
    outputs["report_html"] = target / "report.html"
    return dict(sorted(outputs.items()))


def replace_folder(new: Path, target: Path) -> None:
    """Put folder `new` in `target`'s place: copied beside it first (it may come from another disk), then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming, outgoing = (target.with_name(f".{target.name}.{end}") for end in ("incoming", "outgoing"))
    if outgoing.exists() and not target.exists():  # killed between the two renames
        outgoing.rename(target)
    for stale in (incoming, outgoing):
        shutil.rmtree(stale, ignore_errors=True)
    try:
        shutil.move(new, incoming)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    if target.exists():
        target.rename(outgoing)
    incoming.rename(target)
    shutil.rmtree(outgoing, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file()]
