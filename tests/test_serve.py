"""`soundbound serve` as people use it: five ways to the same chapter, kills in the middle of a book, a clean stop."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError

from app.server import prefect_server
from tests.books import book, paced
from tests.conftest import CommandLine, save
from tests.serving import Served
from tests.test_render import sha256

OPTIONS = {"speech": "paced", "seed": 7}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, paced(folder, delay_s=0.3)) as up:
        yield up


@pytest.fixture(scope="module")
def chapter(served: Served) -> Path:
    return save(book("The Nights", 1), served.folder / "nights.json")


def master(output: Path, novel: str = "the-nights", chapter: str = "ch01") -> str:
    return sha256(output / novel / chapter / "master.flac")


@pytest.fixture(scope="module")
def by_hand(served: Served, chapter: Path) -> str:
    """The chapter from the command line, with takes of its own."""
    home = served.folder / "other"
    home.mkdir()
    other = CommandLine(home, SOUNDBOUND_PREFECT_API_URL=served.prefect_url, SOUNDBOUND_GPU_TAG="other")
    done = other(
        "render", chapter, "-o", served.folder / "by-hand", "--speech", "paced", "--seed", 7, "--json", cwd=served.folder
    )  # fmt: skip
    assert done.status == 0, done.stderr
    return master(served.folder / "by-hand")


def test_the_form_gives_the_same_master(served: Served, by_hand: str) -> None:
    run = served.finished(
        served.ask("render-chapter", novel="nights.json", chapter="1", options={**OPTIONS, "output": "form"})
    )
    assert run.state is not None
    assert run.state.is_completed(), run.state.message
    assert run.name == "The Nights · 1 · Night 1"
    assert master(served.folder / "form") == by_hand, "and relative paths are taken from serve's folder"


def test_a_schedule_gives_the_same_master(served: Served, chapter: Path, by_hand: str) -> None:
    parameters = {"novel": str(chapter), "chapter": "1", "options": {**OPTIONS, "output": "clock"}}
    with served.client() as client:
        deployment = client.read_deployment_by_name("render-chapter/render-chapter")
        client.create_deployment_schedules(
            deployment.id,
            [(IntervalSchedule(interval=timedelta(seconds=20)), True)],
            parameters=parameters,
            slug="test",
        )
        try:
            report = served.folder / "clock" / "the-nights" / "ch01" / "report.json"
            served.wait_for("the schedule fires", report.exists)
        finally:
            for schedule in client.read_deployment_schedules(deployment.id):
                client.delete_deployment_schedule(deployment.id, schedule.id)
    assert master(served.folder / "clock") == by_hand


def test_python_gives_the_same_master(served: Served, chapter: Path, by_hand: str) -> None:
    from flows import RenderOptions, render_chapter
    from models.machine import Machine

    machine = Machine(home=served.home, engines={"paced": paced(served.folder, delay_s=0.3)})
    before = os.environ.get("PREFECT_API_URL", "")
    with prefect_server(served.home, served.prefect_url):
        result = render_chapter(
            chapter, "1", RenderOptions(output=served.folder / "python", **OPTIONS), machine
        )
    os.environ["PREFECT_API_URL"] = before
    assert result.status == "completed"
    assert master(served.folder / "python") == by_hand


def test_the_api_gives_the_same_master(served: Served, chapter: Path, by_hand: str) -> None:
    order = {"novel_data": json.loads(chapter.read_text()), "chapters": "1", "options": OPTIONS}
    with httpx.Client(base_url=served.web_url, timeout=60) as api:
        task = api.post("/api/v1/audio-generation/sequential", json=order).json()["data"]["task_id"]
        run = served.finished(UUID(task))
        assert run.state is not None
        assert run.state.is_completed(), run.state.message
        audio = api.get(f"/api/v1/tasks/{task}/master").content
    assert hashlib.sha256(audio).hexdigest() == by_hand


def test_wrong_parameters_are_refused_before_a_run_begins(served: Served) -> None:
    for wrong in ({"options": {"profile": "loud"}}, {"options": {"seed": -1}}, {"options": {"sped": 1}}):
        with pytest.raises(PrefectHTTPStatusError) as refused:
            served.ask("render-chapter", novel="nights.json", **wrong)
        assert refused.value.response.status_code == 409


def test_the_forms_describe_every_field(served: Served) -> None:
    with served.client() as client:
        for name in ("render-chapter", "render-book", "render-new-chapters", "import-book"):
            deployment = client.read_deployment_by_name(f"{name}/{name}")
            assert deployment.description
            schema = deployment.parameter_openapi_schema
            assert schema is not None
            assert deployment.concurrency_options is not None
            fields = dict(schema["properties"])
            for definition in schema.get("definitions", {}).values():
                fields |= definition.get("properties", {})
            assert all(f.get("description") for f in fields.values()), {
                n for n, f in fields.items() if not f.get("description")
            }


def test_only_one_serve_a_home_and_none_for_the_world_without_a_token(served: Served) -> None:
    again = served.command("serve", "--port", "0", cwd=served.folder)
    assert again.status == 1
    assert "up already" in again.stderr
    for host in ("0.0.0.0", "::"):
        bare = served.command("serve", "--host", host, cwd=served.folder)
        assert bare.status == 2
        assert "access token" in bare.stderr


CHAPTERS = ["ch01", "ch02"]


def begin(served: Served, title: str) -> UUID:
    """A book that is under way: its first takes are made."""
    before = len(takes(served))
    novel = save(book(title, len(CHAPTERS)), served.folder / f"{title}.json")
    own_takes = sum(map(ord, title))
    options = {**OPTIONS, "seed": own_takes, "output": str(served.folder / "out")}
    run_id = served.ask("render-book", novel=str(novel), options=options)
    served.wait_for("takes are made", lambda: len(takes(served)) > before)
    return run_id


def takes(served: Served) -> dict[Path, int]:
    """The stored takes, with their times."""
    return {p: p.stat().st_mtime_ns for p in (served.home / "takes").rglob("[!.]*.json")}


def whole(served: Served, run_id: UUID, title: str, kept: dict[Path, int]) -> None:
    """The same run ended well, its history is there, and no take that was stored was made again."""
    run = served.finished(run_id)
    assert run.state is not None
    assert run.state.is_completed(), run.state.message
    folder = served.folder / "out" / title.lower().replace(" ", "-")
    assert sorted(p.parent.name for p in folder.glob("*/report.json")) == CHAPTERS
    with served.client() as client:
        states = [s.type.value for s in client.read_flow_run_states(run_id)]
    assert states[0] == "SCHEDULED"
    assert states.count("COMPLETED") == 1
    assert {p: time_ns for p, time_ns in takes(served).items() if p in kept} == kept


def test_the_server_is_killed_in_the_middle_of_a_book(served: Served) -> None:
    url = served.prefect_url
    run_id = begin(served, "Server Nights")
    kept = takes(served)
    for process in served.named("app.server_process"):
        process.kill()
    whole(served, run_id, "Server Nights", kept)
    assert served.prefect_url == url, "it comes back where it was"


def test_the_worker_is_killed_in_the_middle_of_a_book(served: Served) -> None:
    run_id = begin(served, "Worker Nights")
    for process in [*served.named("app.worker"), *served.named("prefect.engine")]:
        process.kill()
    whole(served, run_id, "Worker Nights", takes(served))
    assert served.run(run_id).run_count == 2


def test_stopped_and_then_killed_it_goes_on_each_time_it_is_started(served: Served) -> None:
    run_id = begin(served, "Dark Nights")
    assert served.stop() == 0
    served.wait_for("no process is left", lambda: not served.processes(), 30)
    kept = takes(served)
    served.start()
    first = served.folder / "out" / "dark-nights" / "ch01" / "report.json"
    served.wait_for("the first chapter is there", first.exists)
    served.kill_everything()
    kept |= takes(served)
    served.start()
    whole(served, run_id, "Dark Nights", kept)
