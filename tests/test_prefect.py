"""What Prefect knows of a run: the stages by name, the tag on the GPU stages, the limit, the progress artifacts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)

from flows import RenderOptions, render_chapter
from flows.limit import ensure_limit, limit_name
from models.machine import Machine
from tests.conftest import ROOT, CommandLine, new_home, save


@pytest.fixture
def run(server: str, storm: dict, tmp_path: Path) -> UUID:
    """The flow run of a chapter rendered by a command of its own: at its end all it told is with the server."""
    novel = save(storm, tmp_path / "novel.json")
    command = CommandLine(new_home(tmp_path / "home"), SOUNDBOUND_PREFECT_API_URL=server)
    done = command("render", novel, "-o", tmp_path / "out", "--speech", "hibari", "--json")
    assert done.status == 0, done.stderr
    report = json.loads(Path(done.json["outputs"]["report"]).read_text(encoding="utf-8"))
    return UUID(report["flow_run_id"])


def eventually(read, enough: int) -> list:
    """Task runs reach the server's database as events, a second or so later."""
    import time

    for _ in range(100):
        if len(found := read()) >= enough:
            return found
        time.sleep(0.2)
    return read()


def test_the_ui_shows_stages_tags_and_progress(run: UUID) -> None:
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(run)
        assert flow_run.name == "The Storm · 1 · The Knock"
        assert flow_run.state is not None
        assert flow_run.state.is_completed()
        tasks = eventually(lambda: client.read_task_runs(flow_run_filter=of_run), 9)
        names = {t.name.rsplit("-", 1)[0]: t for t in tasks}
        assert set(names) == {
            "analyze scenes", "plan timeline", "generate dialogue", "retime", "generate environment",
            "generate effects", "mix", "publish", "clean up",
        }  # fmt: skip
        tagged = {name for name, t in names.items() if "gpu" in t.tags}
        assert tagged == {"generate dialogue", "generate environment", "generate effects"}
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
    told = {a.description: a.data for a in artifacts if a.type == "progress"}
    assert told == {
        "Scenes: done": 100.0, "Timeline: done": 100.0, "Dialogue: 9 of 9 lines": 100.0,
        "Environment: 2 of 2 beds": 100.0, "Effects: 4 of 4 effects": 100.0, "Mix: 100 %": 100.0,
        "Publish: done": 100.0,
    }  # fmt: skip


def test_from_python_too_nobody_outside_is_told_anything() -> None:
    """Prefect's own telemetry, and that of a server it starts by itself for flows called without one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_") and k != "DO_NOT_TRACK"}
    asked = (
        "import flows, os; from prefect.settings import get_current_settings as now;"
        "print(now().server.analytics_enabled, os.environ['DO_NOT_TRACK'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=120
    )
    assert told.stdout.split() == ["False", "1"], told.stderr


def test_the_limit_is_set_again_if_somebody_changed_it(server: str) -> None:
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit_name("gpu"), 5)
        ensure_limit("gpu")
        assert client.read_global_concurrency_limit_by_name(limit_name("gpu")).limit == 1


def test_a_degraded_run_is_shown_as_degraded(machine: Machine, storm: dict, tmp_path: Path) -> None:
    storm["chapters"][0]["segments"].append(
        {"type": "effect", "speaker": "narrator", "content": "a zylophract quibbles"}
    )
    novel = save(storm, tmp_path / "novel.json")
    result = render_chapter(novel, "1", RenderOptions(output=tmp_path / "out", speech="hibari"), machine)
    assert result.status == "degraded"
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(result.flow_run_id)).state
    assert state is not None
    assert (state.name, state.message) == ("Degraded", "missing 1 effect")
