"""A whole book: kept chapters, a chapter that fails, what to run again, what Prefect shows. Real Prefect, in process."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterTags,
)

from app.deployments import CHAPTERS_POOL, register
from app.worker import sign_off
from flows import BookError, BookResult, RenderOptions, fan_out, render_book
from flows.book import book_status, kept_chapters
from flows.fingerprint import music_of
from flows.finish_book import published
from mixing.containers import read_marks
from models.machine import Machine
from story.errors import InputError
from story.loading import load_novel
from tests.books import book, with_engine
from tests.conftest import save
from tests.test_render import sha256


@pytest.fixture
def paced(machine: Machine, tmp_path: Path) -> Machine:
    return with_engine(machine, tmp_path)


def options(tmp_path: Path, **more) -> RenderOptions:
    return RenderOptions(output=tmp_path / "out", speech="paced", **more)


def block(machine: Machine, tmp_path: Path, chapter: str) -> Path:
    """A file where the chapter's work folder must go: its render fails, whatever the engine does."""
    import hashlib

    target = (tmp_path / "out" / "the-nights" / chapter).resolve()
    machine.work_dir.mkdir(parents=True, exist_ok=True)
    path = machine.work_dir / f"{chapter}-{hashlib.sha256(str(target).encode()).hexdigest()[:12]}"
    path.write_text("in the way")
    return path


def state_of(result: BookResult) -> tuple[str, str]:
    assert result.flow_run_id is not None
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(result.flow_run_id)).state
    assert state is not None
    return state.name or "", state.message or ""


def test_a_failing_chapter_leaves_the_rest_whole_and_the_next_run_renders_only_it(
    paced: Machine, tmp_path: Path
) -> None:
    novel = save(book("The Nights", 3), tmp_path / "nights.json")
    in_the_way = block(paced, tmp_path, "ch02")
    first = render_book(novel, "all", options(tmp_path), paced)
    assert first.status == "degraded"
    assert [c.status for c in first.chapters] == ["completed", "failed", "completed"]
    assert state_of(first)[0] == "Degraded"
    assert "failed: 2" in state_of(first)[1]
    assert in_the_way.name in first.chapters[1].error
    words = shlex.split(first.again[0])
    assert words[:5] == ["soundbound", "render", str(novel), "--chapter", "2"]
    assert words[words.index("--speech") + 1] == "paced"
    stems = {c.chapter: c.result.outputs["stems/dialogue"] for c in first.chapters if c.result}
    before = {chapter: path.stat().st_mtime_ns for chapter, path in stems.items()}

    in_the_way.unlink()
    second = render_book(novel, "all", options(tmp_path), paced)
    assert second.status == "completed"
    assert [c.kept for c in second.chapters] == [True, False, True]
    assert {c: path.stat().st_mtime_ns for c, path in stems.items()} == before
    assert {r.mix.master_gain_db for r in second.rendered if r.mix} == {second.gain_db}, "one gain"
    assert second.integrated_lufs == pytest.approx(-18, abs=0.3)
    masters = [sha256(r.outputs["master"]) for r in second.rendered]
    third = render_book(novel, "all", options(tmp_path), paced)
    assert [c.kept for c in third.chapters] == [True] * 3
    assert [sha256(r.outputs["master"]) for r in third.rendered] == masters
    assert third.integrated_lufs == second.integrated_lufs
    bound = second.outputs["m4b"]
    marks = [m.title for m in read_marks(bound)]
    assert marks == ["Night 1", "Night 2", "Night 3"]
    assert first.warnings == ["book.m4b lacks chapters 2"]
    assert third.outputs["m4b"] == bound
    report = json.loads(second.outputs["report"].read_text())
    assert report["format"] == "soundbound.book/1"
    assert [c["status"] for c in report["chapters"]] == ["completed"] * 3
    assert shown(first)["Result"].count("failed") >= 1
    assert "soundbound render" in shown(first)["Result"]


def shown(result: BookResult) -> dict[str, str]:
    """The run's artifacts by description, as text."""
    assert result.flow_run_id is not None
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(result.flow_run_id)]))
    with get_client(sync_client=True) as client:
        return {str(a.description): str(a.data) for a in client.read_artifacts(artifact_filter=wanted)}


def test_only_what_changed_is_rendered(paced: Machine, tmp_path: Path) -> None:
    data = book("The Nights", 2)
    novel = save(data, tmp_path / "nights.json")
    result = render_book(novel, "all", options(tmp_path), paced)

    def kept(changed: dict, **more) -> set[str]:
        whole = load_novel(save(changed, tmp_path / "changed.json"))
        return set(kept_chapters(whole, whole.chapters, options(tmp_path, **more), paced))

    assert kept(data) == {"ch01", "ch02"}
    assert kept(data, seed=1) == set()
    assert kept(data, profile="podcast") == set()
    assert kept(data, music="generated") == set()
    none_of_this_run = result.model_copy(update={"chapters": []})
    for others, fit in (
        ({}, True),
        ({"music": "generated"}, False),
        ({"profile": "acx"}, False),
        ({"format": "opus"}, False),
    ):
        there = published(none_of_this_run, load_novel(novel), options(tmp_path, **others))
        assert bool(there) == fit, "one file holds chapters of one manner"
    edited = json.loads(json.dumps(data))
    edited["chapters"][1]["segments"][2]["content"] += " At last."
    assert kept(edited) == {"ch01"}
    voiced = json.loads(json.dumps(data))
    voiced["characters"][1]["voice_id"] = "high"  # Tom says nothing here
    assert kept(voiced) == {"ch01", "ch02"}
    grown = json.loads(json.dumps(data))
    grown["chapters"].append(book("x", [3])["chapters"][0])
    assert kept(grown) == {"ch01", "ch02"}
    (tmp_path / "out" / "the-nights" / "ch01" / "stems" / "effects.flac").unlink()
    assert kept(data) == {"ch02"}, "a chapter that is not whole is made again"
    master = tmp_path / "out" / "the-nights" / "ch02" / "master.flac"
    master.write_bytes(master.read_bytes()[:100])
    assert kept(data) == set()


def test_music_is_known_by_what_plays_and_wrong_choices_are_refused_before_anything_is_made(
    paced: Machine, tmp_path: Path
) -> None:
    novel = save(book("The Nights", [1]), tmp_path / "nights.json")
    tune = tmp_path / "tune.wav"
    chosen = RenderOptions(music="tune.wav", output=Path("out")).in_folder(tmp_path)
    assert (chosen.music_file, chosen.output) == (tune, tmp_path / "out")
    with pytest.raises(InputError, match="no such sound file"):
        render_book(novel, "all", options(tmp_path, music=str(tune)), paced)
    with pytest.raises(InputError, match="acx"):
        render_book(novel, "all", options(tmp_path, profile="acx", format="flac"), paced)
    assert not (tmp_path / "out").exists()
    tune.write_bytes(b"one")
    before = music_of(chosen)
    tune.write_bytes(b"two")
    assert music_of(chosen) != before
    assert music_of(RenderOptions()) == "off"


def test_a_book_without_any_chapter_has_failed(paced: Machine, tmp_path: Path) -> None:
    novel = save(book("The Nights", [2]), tmp_path / "nights.json")
    block(paced, tmp_path, "ch02")
    with pytest.raises(BookError, match="no chapter could be rendered") as caught:
        render_book(novel, "all", options(tmp_path), paced)
    assert [c.status for c in caught.value.result.chapters] == ["failed"]
    assert caught.value.result.again


def test_chapters_are_runs_of_their_own_under_the_book(paced: Machine, tmp_path: Path) -> None:
    novel = save(book("The Nights", 1), tmp_path / "nights.json")
    result = render_book(novel, "all", options(tmp_path), paced)
    chapter = result.rendered[0]
    assert chapter.flow_run_id is not None
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=[UUID(chapter.flow_run_id), UUID(str(result.flow_run_id))])
            )
        )
    assert {r.name for r in runs} == {"The Nights", "The Nights · 1 · Night 1"}
    artifacts = shown(result)
    assert "Book: done" in artifacts
    assert "# The Nights" in artifacts["Result"]


def test_a_book_that_cannot_be_bound_keeps_its_chapters_and_is_degraded(
    paced: Machine, tmp_path: Path
) -> None:
    novel = save(book("The Nights", 1), tmp_path / "nights.json")
    (tmp_path / "cover.gif").write_bytes(b"GIF89a")
    result = render_book(novel, "all", options(tmp_path), paced, cover=tmp_path / "cover.gif")
    assert result.status == "degraded"
    assert "cover.gif" in result.warnings[-1]
    assert state_of(result)[0] == "Degraded"
    assert result.rendered[0].outputs["master"].exists()


def test_a_worker_that_goes_away_does_not_keep_a_book_waiting(
    paced: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker counts as up for three of its heartbeats; whoever asks in that time queues for nobody."""
    monkeypatch.setattr(fan_out, "NOBODY_S", 1.0)
    monkeypatch.setattr(fan_out, "LOOK_EVERY_S", 0.5)
    register()
    with get_client(sync_client=True) as client:
        client.send_worker_heartbeat(CHAPTERS_POOL, "gone", heartbeat_interval_seconds=2)
    assert fan_out.worker_serves()
    novel = save(book("The Nights", 1), tmp_path / "nights.json")
    result = render_book(novel, "all", options(tmp_path), paced)
    assert result.status == "completed"
    with get_client(sync_client=True) as client:
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[fan_out.chapters_tag(str(result.flow_run_id))]))
        queued = client.read_flow_runs(flow_run_filter=tagged)
        assert [r.state.type.value for r in queued if r.state] == ["CANCELLED"]
        client.send_worker_heartbeat(CHAPTERS_POOL, "stopped in order", heartbeat_interval_seconds=30)
    assert fan_out.worker_serves()
    asyncio.run(sign_off("stopped in order"))
    assert not fan_out.worker_serves()


def test_status_of_a_book() -> None:
    assert book_status(["completed", "completed"]) == "completed"
    assert book_status(["completed", "degraded"]) == "degraded"
    assert book_status(["completed", "failed"]) == "degraded"
    assert book_status(["failed", "failed"]) == "failed"
