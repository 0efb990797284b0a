"""The REST API, as a program uses it: against `soundbound serve` with a real worker."""

from __future__ import annotations

import copy
import html
import itertools
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile as sf

from tests.conftest import STORM
from tests.contract import keep_contract
from tests.service import Service, serving

NOBODY = str(uuid.UUID(int=7))


def short(title: str) -> dict[str, Any]:
    """The storm's first five lines."""
    novel = {**copy.deepcopy(STORM), "title": title}
    novel["chapters"][0]["segments"] = novel["chapters"][0]["segments"][:5]
    return novel


@pytest.fixture(scope="module")
def service(home: Path, server: str) -> Iterator[Service]:
    with serving(home) as running:
        yield running


@pytest.fixture(scope="module")
def rendered(service: Service) -> tuple[str, list[dict[str, Any]]]:
    """One task, watched to its end."""
    task = service.start(STORM)
    return task, service.ended(task)


def test_a_novel_becomes_a_chapter(service: Service, rendered: tuple[str, list]) -> None:
    task, seen = rendered
    assert seen[-1]["status"] == "completed", seen[-1]
    assert seen[-1]["progress_percentage"] == 100
    assert seen[-1]["estimated_remaining"] == 0
    stages = [s["stage"] for s in seen[-1]["stage_details"]]
    assert stages == ["scenes", "timeline", "dialogue", "environment", "effects", "mix", "publish"]
    shares = [p["progress_percentage"] for p in seen]
    assert shares == sorted(shares), "progress never goes back"
    assert {"dialogue", "environment", "effects", "mix"} & {p["current_stage"] for p in seen}
    results = service.get(f"/tasks/{task}/results")
    assert results["status"] == "completed"
    assert (results["novel"], results["chapter"]) == ("The Storm", "ch01")
    assert {f["name"] for f in results["files"]} >= {
        "master.flac", "stems/dialogue.flac", "captions.vtt", "report.json", "timeline.json",
    }  # fmt: skip
    listed = service.get("/tasks", params={"limit": 200})["tasks"]
    assert next(t for t in listed if t["task_id"] == task)["name"] == "The Storm · 1 · The Knock"


def test_downloads_come_whole_and_in_ranges(
    service: Service, rendered: tuple[str, list], tmp_path: Path
) -> None:
    task, _ = rendered
    results = service.get(f"/tasks/{task}/results")
    for entry in results["files"]:
        answer = service.client.get(entry["url"])
        assert answer.status_code == 200
        assert len(answer.content) == entry["bytes"]
        assert answer.headers["content-type"].split(";")[0] == entry["media_type"].split(";")[0]
    whole = service.client.get(f"/api/v1/tasks/{task}/master").content
    (tmp_path / "master.flac").write_bytes(whole)
    assert abs(sf.info(tmp_path / "master.flac").duration - results["duration_s"]) < 0.01
    part = service.client.get(f"/api/v1/tasks/{task}/master", headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    tail = service.client.get(f"/api/v1/tasks/{task}/stems/dialogue", headers={"Range": "bytes=-500"})
    assert (tail.status_code, len(tail.content)) == (206, 500)
    behind = service.client.get(f"/api/v1/tasks/{task}/master", headers={"Range": f"bytes={len(whole)}-"})
    assert behind.status_code == 416
    assert behind.json()["error"]["type"] == "range"
    for nonsense in ("bytes=a-b", "lines=1-2", "bytes=9-3", "bytes=--1"):
        answer = service.client.get(f"/api/v1/tasks/{task}/captions", headers={"Range": nonsense})
        assert answer.status_code == 200, nonsense
        assert answer.text.startswith("WEBVTT")
    assert (
        "x-subrip" in service.client.get(f"/api/v1/tasks/{task}/captions?format=srt").headers["content-type"]
    )
    assert service.client.get(f"/api/v1/tasks/{task}/report").json()["flow_run_id"] == task


def test_lines_say_where_they_are_heard(service: Service, rendered: tuple[str, list]) -> None:
    task, _ = rendered
    lines = service.get(f"/tasks/{task}/lines")["lines"]
    assert [x["content"] for x in lines] == [s["content"] for s in STORM["chapters"][0]["segments"]]
    assert all(a["end_s"] <= b["start_s"] for a, b in itertools.pairwise(lines))
    assert lines[3]["speaker_name"] == "Tom"
    take = service.client.get(f"/api/v1/tasks/{task}/lines/{lines[3]['id']}/audio")
    assert (take.status_code, take.headers["content-type"]) == (200, "audio/flac")
    assert service.client.get(f"/api/v1/tasks/{task}/lines/nobody/audio").status_code == 404


def test_one_edited_line_costs_one_take_and_replaces_the_chapter(service: Service) -> None:
    task = service.start(short("The Edited Storm"))
    assert service.ended(task)[-1]["status"] == "completed"
    line = service.get(f"/tasks/{task}/lines")["lines"][4]
    change = {"segment_id": line["id"], "content": "asked Tom, and he turned very pale."}
    again = service.client.post(f"/api/v1/tasks/{task}/edits", json=change)
    assert again.status_code == 202, again.text
    edited = again.json()["data"]["task_id"]
    assert service.ended(edited)[-1]["status"] == "completed"
    results = service.get(f"/tasks/{edited}/results")
    assert results["takes_generated"] == 1
    assert service.get(f"/tasks/{edited}/lines")["lines"][4]["content"] == change["content"]
    replaced = service.client.get(f"/api/v1/tasks/{task}/results")
    assert (replaced.status_code, replaced.json()["error"]["type"]) == (410, "replaced")
    assert edited in replaced.json()["error"]["message"]
    for wrong in ({"speaker": "Nobody"}, {"voice_id": "none"}, {}, {"emotion_intensity": 2}, {"id": "x"}):
        answer = service.client.post(
            f"/api/v1/tasks/{edited}/edits", json={"segment_id": line["id"], **wrong}
        )
        assert answer.status_code == 422, answer.text
    missing = service.client.post(f"/api/v1/tasks/{edited}/edits", json={"segment_id": "x", "content": "y"})
    assert missing.status_code == 404


def test_the_same_key_is_the_same_task(service: Service) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"novel_data": short("Once"), "options": {"speech": "hibari"}}
    first = service.client.post("/api/v1/audio-generation/sequential", json=body, headers=headers)
    second = service.client.post("/api/v1/audio-generation/sequential", json=body, headers=headers)
    task = first.json()["data"]["task_id"]
    assert second.json()["data"]["task_id"] == task
    body["options"] = {"speech": "hibari", "seed": 5}
    other = service.client.post("/api/v1/audio-generation/sequential", json=body, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (409, "conflict")
    cancelled = service.client.post(f"/api/v1/tasks/{task}/cancel")
    assert cancelled.status_code == 202
    assert service.ended(task, 30)[-1]["status"] == "cancelled"
    assert service.client.post(f"/api/v1/tasks/{task}/cancel").status_code == 409
    assert service.client.post(f"/api/v1/tasks/{task}/retry").status_code == 202
    assert service.ended(task)[-1]["status"] == "completed"
    assert service.get(f"/tasks/{task}/results")["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "status", "type_", "says"),
    [
        (b"", 400, "invalid_json", "empty"),
        (b"{", 400, "invalid_json", ""),
        (b"[]", 422, "invalid_request", "object"),
        (b"{}", 422, "invalid_request", "novel_data"),
        (b'{"novel_data": 5}', 422, "invalid_input", "novel"),
        (b'{"novel_data": {"chapters": []}}', 422, "invalid_input", "chapters"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "chapters": "7"}', 422, "invalid_input", "chapters"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "options": {"output": "/etc"}}', 422, "invalid_request", "output"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "options": {"music": "/etc/passwd"}}', 422, "invalid_request", "music"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "options": {"profile": "acx", "format": "flac"}}', 422, "invalid_input", "acx"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "options": {"speech": "nobody"}}', 422, "invalid_input", "nobody"),
        (b'{"novel_data": [{"speaker": "a", "text": "b"}], "more": 1}', 422, "invalid_request", "more"),
    ],
)  # fmt: skip
def test_wrong_orders_are_refused_with_the_reason(
    service: Service, body: bytes, status: int, type_: str, says: str
) -> None:
    answer = service.client.post(
        "/api/v1/audio-generation/sequential", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, type_), answer.text
    assert answer.json()["success"] is False
    assert says in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text


def test_errors_have_one_form_and_the_right_status(service: Service) -> None:
    get, post = service.client.get, service.client.post
    answers = {
        404: [get("/api/v1/nothing"), get(f"/api/v1/tasks/{NOBODY}/progress"), post(f"/api/v1/tasks/{NOBODY}/cancel")],
        405: [service.client.delete("/api/v1/tasks"), get("/api/v1/audio-generation/sequential")],
        415: [post("/api/v1/audio-generation/sequential", content=b"{}", headers={"Content-Type": "text/plain"})],
        422: [get("/api/v1/tasks/not-an-id"), get("/api/v1/tasks?limit=0"), get("/api/v1/tasks?status=lost")],
        403: [post(f"/api/v1/tasks/{NOBODY}/cancel", headers={"Sec-Fetch-Site": "cross-site"})],
        413: [
            post(f"/api/v1/tasks/{NOBODY}/edits", content=b"x" * 300_000),
            post("/api/v1/audio-generation/sequential", content=iter([b" " * 2**20] * 64), headers={"Content-Type": "application/json"}),
        ],
    }  # fmt: skip
    for status, given in answers.items():
        for answer in given:
            assert answer.status_code == status, answer.text
            assert answer.json()["success"] is False
            assert set(answer.json()["error"]) == {"type", "message"}


@pytest.mark.parametrize(
    "name",
    ["../cast.json", "..%2fcast.json", "%2e%2e/cast.json", "/etc/passwd", "stems/../../cast.json", ".", "stems",
     "master.flac%00.json", "....//cast.json", "..\\cast.json"],
)  # fmt: skip
def test_nothing_outside_the_chapter_is_readable(
    service: Service, rendered: tuple[str, list], name: str
) -> None:
    task, _ = rendered
    url = httpx.URL(service.url).copy_with(raw_path=f"/api/v1/tasks/{task}/files/{name}".encode())
    answer = service.client.get(url)
    assert answer.status_code in (404, 422), answer.text[:200]
    for place in ("..%2f..%2fprovenance", "../x"):
        raw = f"/api/v1/tasks/{task}/lines/{place}/audio".encode()
        assert service.client.get(httpx.URL(service.url).copy_with(raw_path=raw)).status_code == 404


def test_links_out_of_the_library_are_not_followed(service: Service, rendered: tuple[str, list]) -> None:
    task, _ = rendered
    report = service.client.get(f"/api/v1/tasks/{task}/report").json()
    folder = Path(report["outputs"]["report"]).parent
    secret = service.home / "secret.json"
    secret.write_text(json.dumps({"secret": 1}))
    (folder / "link.json").symlink_to(secret)
    (folder / "stems" / "up").symlink_to(service.home)
    try:
        names = {f["name"] for f in service.get(f"/tasks/{task}/results")["files"]}
        assert not any("link" in n or "up" in n for n in names)
        for name in ("link.json", "stems/up/secret.json"):
            assert service.client.get(f"/api/v1/tasks/{task}/files/{name}").status_code == 404
    finally:
        (folder / "link.json").unlink()
        (folder / "stems" / "up").unlink()


def test_what_there_is_to_choose_from(service: Service) -> None:
    names = {m["name"]: m for m in service.get("/models")["models"]}
    assert names["hibari"]["installed"]
    voices = service.get("/voices", params={"model": "hibari", "language": "en"})["voices"]
    assert len(voices) > 5
    assert service.client.get("/api/v1/voices?model=nobody").status_code == 422
    paths = service.client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/audio-generation/sequential", "/api/v1/tasks/{task_id}/progress"} <= set(paths)


def test_its_description_can_be_read_and_loads_nothing_from_elsewhere(service: Service) -> None:
    page = service.client.get("/api/v1/docs")
    assert page.status_code == 200
    described = service.client.get("/api/v1/openapi.json").json()
    for path in described["paths"]:
        assert html.escape(path) in page.text
    assert "novel_data" in page.text
    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//", page.text)


def test_the_api_keeps_to_its_own_description(service: Service, rendered: tuple[str, list]) -> None:
    """A small version of benchmarks/api/bench_contract.py."""
    task, _ = rendered
    try:
        sent = keep_contract(service.url, 100, [task])
    finally:  # what was a proper order by chance need not be rendered
        for status in ("queued", "running"):
            for other in service.get("/tasks", params={"status": status})["tasks"]:
                service.client.post(f"/api/v1/tasks/{other['task_id']}/cancel")
    assert sum(sent.values()) >= 90
