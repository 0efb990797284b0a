"""Notifications: what is sent, to whom, and that a dead address changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Failed

from app.notify import send, word
from app.settings import Settings


class _Hook(BaseHTTPRequestHandler):
    got: ClassVar[list[dict]] = []
    refusals = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        refuse = len(self.got) < self.refusals
        self.got.append(body)
        self.send_response(503 if refuse else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hook() -> Iterator[str]:
    _Hook.got.clear()
    _Hook.refusals = 0
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def run() -> FlowRun:
    return FlowRun(id=uuid4(), name="The Nights · all", flow_id=uuid4())


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (Completed(message="3 of 3 chapters"), "completed"),
        (Completed(name="Degraded", message="failed: 2"), "degraded"),
        (Failed(message="no chapter could be rendered"), "failed"),
    ],
)
def test_a_webhook_gets_event_run_and_page(hook: str, state, event: str) -> None:
    about = run()
    told = word("render-book", about, state, Settings(page_url="https://example.org/sound/"))
    assert send(told, [hook]) == []
    assert _Hook.got == [
        {
            "event": event,
            "flow": "render-book",
            "run": "The Nights · all",
            "flow_run_id": str(about.id),
            "message": state.message,
            "page": f"https://example.org/sound/runs/{about.id}",
        }
    ]


def test_a_hook_that_refuses_is_tried_again_and_a_dead_one_stops_nobody(hook: str) -> None:
    _Hook.refusals = 1
    told = word("render-book", run(), Completed(), Settings())
    dead = "http://127.0.0.1:9/hook"
    assert send(told, [dead, "nonsense://", hook]) == [dead, "nonsense://"]
    assert len(_Hook.got) == 2
