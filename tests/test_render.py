"""The whole path on a small chapter: what a person gets, and what a second run costs. Real models, real Prefect."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from flows import RenderOptions, render_chapter
from models.machine import EngineSettings, Machine
from models.takes import TakeStore
from tasks.results import ChapterResult
from tests.conftest import CommandLine, save
from tests.engines import HERE


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def render(novel: dict[str, Any], folder: Path, machine: Machine, **options: Any) -> ChapterResult:
    """The flow from Python, as a person's script would run it."""
    path = save(novel, folder / "novel.json")
    return render_chapter(
        path, "1", RenderOptions(output=folder / "out", speech="hibari", **options), machine
    )


@pytest.fixture
def fresh(tmp_path: Path, machine: Machine) -> Machine:
    """The session's server, with a take store of this test's own."""
    (tmp_path / "home").mkdir()
    return machine.model_copy(update={"home": tmp_path / "home"})


def test_a_chapter_from_the_command_line(soundbound: CommandLine, storm: dict, tmp_path: Path) -> None:
    novel = save(storm, tmp_path / "storm.json")
    done = soundbound("render", novel, "--output", tmp_path / "out", "--speech", "hibari", "--json")
    assert done.status == 0, done.stderr
    result = done.json
    assert result["status"] == "completed"
    assert result["takes_generated"] + result["takes_cached"] >= 12, "nine lines, a bed, effects"
    assert abs(result["loudness"]["integrated_lufs"] + 18) <= 0.5
    assert result["loudness"]["true_peak_dbtp"] <= -1.5
    folder = tmp_path / "out" / "the-storm" / "ch01"
    expected = {
        "master.flac", "timeline.json", "captions.vtt", "captions.srt", "report.json", "report.html", "provenance.json", "loudness.npy",
        "stems/dialogue.flac", "stems/environment.flac", "stems/effects.flac",
    }  # fmt: skip
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == expected
    assert {Path(p) for p in result["outputs"].values()} == {folder / name for name in expected}
    assert sorted(p.name for p in folder.parent.iterdir()) == ["cast.json", "ch01"], (
        "no temporary files are left"
    )
    assert list((soundbound.home / "work").iterdir()) == []
    info = sf.info(folder / "master.flac")
    assert (info.samplerate, info.channels) == (48000, 2)
    assert abs(info.duration - result["duration_s"]) < 0.01
    for stage in ("dialogue", "environment", "effects", "mix"):
        assert stage in done.stderr, "progress goes to stderr"


def test_the_stems_sum_to_the_master_and_the_timeline_is_measured(
    fresh: Machine, storm: dict, tmp_path: Path
) -> None:
    result = render(storm, tmp_path, fresh)
    assert result.status == "completed"
    master = sf.read(result.outputs["master"], dtype="float64")[0]
    total = sum(
        sf.read(result.outputs[f"stems/{s}"], dtype="float64")[0]
        for s in ("dialogue", "environment", "effects")
    )
    gain = (master * total).sum() / (total * total).sum()
    cells = np.abs(master - gain * total).max(1)[: len(master) // 480 * 480].reshape(-1, 480).max(1)
    assert (cells < 1e-3).mean() >= 0.98
    timeline = json.loads(result.outputs["timeline"].read_text())
    lines = timeline["dialogue_segments"]
    assert len(lines) == 9
    assert all(s["actual_duration_s"] > 0.2 for s in lines)
    store = TakeStore(fresh.takes_dir)
    provenance = json.loads(result.outputs["provenance"].read_text())["takes"]
    for line in lines:
        take = store.get(provenance[line["id"]]["key"])
        assert take is not None
        assert abs(take.duration_s - line["actual_duration_s"]) < 0.002
    sounds = {e["sound"] for e in timeline["effect_segments"]}
    assert {"door_knock", "gun_shot"} <= sounds
    assert any("rain" in e["sound"] for e in timeline["environment_segments"])


def test_again_nothing_is_made_and_the_master_is_the_same(
    fresh: Machine, storm: dict, tmp_path: Path
) -> None:
    first = render(storm, tmp_path, fresh)
    before = sha256(first.outputs["master"]), (fresh.lock_dir / "cpu.log").read_text()
    again = render(storm, tmp_path, fresh)
    assert again.takes_generated == 0
    assert again.takes_cached == first.takes_generated
    assert (sha256(again.outputs["master"]), (fresh.lock_dir / "cpu.log").read_text()) == before, (
        "and no lease was taken"
    )


def test_one_changed_or_inserted_line_costs_one_take(fresh: Machine, storm: dict, tmp_path: Path) -> None:
    render(storm, tmp_path, fresh)
    segments = storm["chapters"][0]["segments"]
    segments[4]["content"] = "asked Tom, and he turned very pale."
    assert render(storm, tmp_path, fresh).takes_generated == 1
    segments.insert(0, {"speaker": "narrator", "content": "This story was told to me by an old friend."})
    inserted = render(storm, tmp_path, fresh)
    assert inserted.takes_generated == 1
    assert inserted.status == "completed"
    segments[3]["emotion"] = "happy"
    assert render(storm, tmp_path, fresh).takes_generated == 1


def test_a_damaged_take_is_made_again_and_sounds_the_same(
    fresh: Machine, storm: dict, tmp_path: Path
) -> None:
    first = render(storm, tmp_path, fresh)
    before = sha256(first.outputs["master"])
    victim = sorted(fresh.takes_dir.rglob("*.flac"))[0]
    victim.write_bytes(victim.read_bytes()[:100])
    again = render(storm, tmp_path, fresh)
    assert again.takes_generated == 1
    assert sha256(again.outputs["master"]) == before


def test_an_edited_cast_wins_and_costs_only_that_characters_lines(
    fresh: Machine, storm: dict, tmp_path: Path
) -> None:
    first = render(storm, tmp_path, fresh)
    path = tmp_path / "out" / "the-storm" / "cast.json"
    cast = json.loads(path.read_text())
    old = cast["models"]["hibari"]["tom"]["voice"]
    taken = {entry["voice"] for entry in cast["models"]["hibari"].values()}
    from models import catalog

    other = next(v.id for v in catalog.voices(catalog.entry("hibari", "speech", fresh)) if v.id not in taken)
    cast["models"]["hibari"]["tom"]["voice"] = other
    path.write_text(json.dumps(cast))
    again = render(storm, tmp_path, fresh)
    assert again.takes_generated == 2, "Tom has two lines"
    voices = {v.character: v.voice_id for v in again.cast}
    assert voices["tom"] == other != old
    assert {k: v for k, v in voices.items() if k != "tom"} == {
        v.character: v.voice_id for v in first.cast if v.character != "tom"
    }


@pytest.mark.parametrize("fault", ["raises", "cannot", "silence", "nan", "hangs", "dies"])
def test_a_line_that_cannot_be_made_ends_degraded_with_a_timed_gap(
    fresh: Machine, storm: dict, tmp_path: Path, fault: str
) -> None:
    voices = [
        {"id": f"v{i}", "model": "faulty", "languages": ["en"], "gender": g, "age": "adult", "pitch_hz": 90.0 + 25 * i,
         "narrator_rank": i + 1, "parameters": {"f0": 90.0 + 25 * i}}
        for i, g in enumerate(["female", "male", "female", "male"])
    ]  # fmt: skip
    (tmp_path / "voices.json").write_text(json.dumps(voices))
    own = EngineSettings(
        kind="speech", engine=f"{HERE}:Faulty", languages=["en"], voices=tmp_path / "voices.json",
    )  # fmt: skip
    machine = fresh.model_copy(update={"engines": {"faulty": own}, "take_timeout_s": 1.0})
    bad = storm["chapters"][0]["segments"][4]
    bad["content"] = f"a nan {fault} in this line" if fault == "nan" else f"this {fault} in the engine"
    path = save(storm, tmp_path / "novel.json")
    import models.under_way

    original, models.under_way.SECONDS_PER_AUDIO_SECOND = models.under_way.SECONDS_PER_AUDIO_SECOND, 0.5
    try:
        result = render_chapter(path, "1", RenderOptions(output=tmp_path / "out", speech="faulty"), machine)
    finally:
        models.under_way.SECONDS_PER_AUDIO_SECOND = original
    assert result.status == "degraded"
    assert [(m.kind, m.id) for m in result.missing] == [("line", "ch01-0005")]
    assert result.missing[0].reason
    timeline = json.loads(result.outputs["timeline"].read_text())["dialogue_segments"]
    gap = timeline[4]
    assert gap["actual_duration_s"] is None
    assert gap["start_s"] + gap["estimated_duration_s"] <= timeline[5]["start_s"] + 1e-6
    dialogue, rate = sf.read(result.outputs["stems/dialogue"])
    inside = dialogue[
        int((gap["start_s"] + 0.1) * rate) : int((gap["start_s"] + gap["estimated_duration_s"] - 0.1) * rate)
    ]
    assert np.abs(inside).max() < 1e-4


def test_degraded_is_exit_status_3_and_names_what_is_missing(
    soundbound: CommandLine, storm: dict, tmp_path: Path
) -> None:
    storm["chapters"][0]["segments"].append(
        {"type": "effect", "speaker": "narrator", "content": "a zylophract quibbles in the vortex"}
    )
    novel = save(storm, tmp_path / "novel.json")
    done = soundbound("render", novel, "--output", tmp_path / "out", "--speech", "hibari", "--json")
    assert done.status == 3, done.stderr
    assert done.json["status"] == "degraded"
    assert [m["what"] for m in done.json["missing"]] == ["a zylophract quibbles in the vortex"]


def test_an_edited_line_leaves_everybodys_voice_in_a_new_folder_too() -> None:
    """Without a cast.json to hold them, voices still do not depend on how much a character says."""
    from models import catalog
    from story.cast import cast_novel
    from story.loading import load_novel
    from tests.conftest import ROOT

    book = load_novel(ROOT / "examples" / "treasure_island_ch05.json")
    voices = catalog.voices(catalog.entry("kokoro", "speech", Machine()))

    def cast() -> dict[str, str]:
        return {
            a.character: a.voice_id for a in cast_novel(book, voices, "kokoro", book.language).assignments
        }

    before = cast()
    for segment in book.chapters[0].segments:
        if segment.speaker in ("man_at_door", "buccaneer_2"):
            segment.content += " And this is a good deal more than was ever said by anybody in that night."
    assert cast() == before
