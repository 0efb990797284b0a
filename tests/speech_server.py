"""A real speech server on loopback that speaks OpenAI's interface through hibari, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import soundfile as sf

from models.base import SpeechRequest


@functools.cache
def hibari() -> Any:
    from models.speech.hibari import Hibari

    return Hibari({"lanes": 1})


class SpeechServer:
    """`next` holds what is to happen to the coming requests, oldest first: (status, headers, body) or seconds of
    silence. `asked` are the bodies that came, with the time."""

    def __init__(self) -> None:
        self.next: deque[Any] = deque()
        self.asked: list[tuple[float, dict[str, Any], str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.asked.append((time.monotonic(), body, self.headers.get("Authorization", "")))
                event = owner.next.popleft() if owner.next else None
                if isinstance(event, int | float):
                    time.sleep(event)
                    event = None
                status, headers, data = event or owner.speak(self.path, body)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # a client that has given up
                    self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def speak(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if path != "/v1/audio/speech" or body["voice"] not in ("low", "high"):
            return 400, {}, error(f"there is no voice {body['voice']!r}")
        pitch = {"low": -5.0, "high": 2.0}[body["voice"]]
        made = hibari().render(
            SpeechRequest("", body["input"], {}, "en", speed=body["speed"], pitch_st=pitch)
        )
        out = io.BytesIO()
        kind = {"wav": "WAV", "flac": "FLAC", "pcm": "RAW"}[body["response_format"]]
        sf.write(out, made.samples.T, made.sample_rate_hz, format=kind, subtype="PCM_16")
        return 200, {"Content-Type": "audio/wav"}, out.getvalue()


def error(message: str) -> bytes:
    """An error as OpenAI words it."""
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()


@functools.cache
def shared() -> SpeechServer:
    """One for the conformance suite; it lasts as long as the tests."""
    return SpeechServer()
