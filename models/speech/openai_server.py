"""Any speech server that talks as OpenAI's does: `POST <url>/audio/speech`.

Kokoro-FastAPI, vLLM-Omni, LocalAI, openedai-speech and many more, or the service itself. What it costs in memory is the
server's affair; ours are time limits, patience and clear words. A server's voice cannot be hashed: the version names
url, model and format, so change `revision` when the server's model has changed.
"""

from __future__ import annotations

import email.utils
import hashlib
import io
import json
import os
import threading
import time
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SpeechRequest

ENGINE = "1"  # raise when the sound of any request changes
DEFAULTS: dict[str, Any] = {
    "model": "tts-1",
    "format": "wav",  # wav, flac, mp3, opus or pcm (16 bits, mono)
    "pcm_rate_hz": 24000,
    "api_key_env": "OPENAI_API_KEY",  # the variable that holds the key; none is sent if it is not set
    "instructions": False,  # send the direction ("whispering, frightened") to servers that read it
    "lanes": 4,  # requests under way at once
    "connect_s": 10.0,
    "read_s": 90.0,
    "tries": 6,
    "longest_wait_s": 60.0,  # a server that wants more patience than this fails the take
    "revision": "",
}
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)  # after a failure that may pass, where the server says nothing
MAY_PASS = {408, 409, 425, 429, 500, 502, 503, 504}
SPEEDS = (0.25, 4.0)  # what the interface allows
SOUND = ("url", "model", "format", "pcm_rate_hz", "instructions", "revision")  # what changes a take


def fingerprint(settings: dict[str, Any]) -> str:
    """Version of what speaks, as far as it can be known from here; "" without a url."""
    if not settings.get("url"):
        return ""
    known = {**DEFAULTS, **settings}
    digest = hashlib.sha256(json.dumps([known[name] for name in SOUND]).encode()).hexdigest()
    return f"openai/{ENGINE}/{known['model']}/{digest[:8]}"


class OpenAISpeech:
    """The client. Settings: `url` (up to and with /v1) and DEFAULTS. Voice parameters: `voice`, the server's name for
    it, and whatever else its interface takes (e.g. `lang_code`), sent as it stands."""

    def __init__(self, settings: dict[str, Any], device: str = "cpu") -> None:
        import httpx

        unknown = set(settings) - set(DEFAULTS) - {"url", "weights"}
        if unknown:
            raise ValueError(f"unknown options: {', '.join(sorted(unknown))}; known: {', '.join(DEFAULTS)}")
        self._set = {**DEFAULTS, **settings}
        self.version = fingerprint(settings)
        if not self.version:
            raise ValueError('no server: set url = "http://…/v1" in [engines.openai.options]')
        self.lanes = int(self._set["lanes"])
        key = os.environ.get(self._set["api_key_env"])
        limits = httpx.Timeout(self._set["read_s"], connect=self._set["connect_s"])
        self._client = httpx.Client(headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=limits)
        self._speech = self._set["url"].rstrip("/") + "/audio/speech"
        self._lock = threading.Lock()
        self._not_before = 0.0  # time.monotonic(): a rate limit is for all lanes
        self._refused = ""

    def render(self, request: SpeechRequest) -> Rendered:
        """Float32 `(channels, samples)` at the server's rate; no word times.

        Raises: CannotMake if the server refuses the request for good; RuntimeError when it did not answer in time.
        """
        if not request.text.strip():
            raise CannotMake("there is nothing to speak")
        body = {
            "speed": min(max(request.speed, SPEEDS[0]), SPEEDS[1]),
            **request.voice,
            "model": self._set["model"],
            "input": request.text,
            "response_format": self._set["format"],
        }
        if self._set["instructions"] and request.instruct:
            body["instructions"] = request.instruct
        return self._decode(self._ask(body), request.energy_db)

    def _ask(self, body: dict[str, Any]) -> bytes:
        import httpx

        why = ""
        for attempt in range(self._set["tries"]):
            if self._refused:
                raise CannotMake(self._refused)
            self._wait_for_turn()
            try:
                answer = self._client.post(self._speech, json=body)
            except httpx.TimeoutException:
                why = f"no answer within {self._set['read_s']:.0f} s"
            except httpx.TransportError as e:
                why = f"cannot be reached ({e or type(e).__name__})"
            else:
                if answer.status_code == 200:
                    return answer.content
                why = f"status {answer.status_code}: {_reason(answer)}"
                if answer.status_code in (401, 403):
                    self._refused = f"{self._speech} refuses the key ({why}); set {self._set['api_key_env']}"
                    continue
                if answer.status_code not in MAY_PASS:
                    raise CannotMake(f"{self._speech} refuses it ({why})")
                if (asked_s := retry_after_s(answer.headers.get("Retry-After"))) is not None:
                    self._pause(asked_s, why)
                    continue
            if attempt + 1 < self._set["tries"]:
                time.sleep(WAITS_S[min(attempt, len(WAITS_S) - 1)])
        raise RuntimeError(f"{self._speech}: {why}, after {self._set['tries']} tries")

    def _pause(self, asked_s: float, why: str) -> None:
        if asked_s > self._set["longest_wait_s"]:
            raise RuntimeError(f"{self._speech}: {why}; it wants {asked_s:.0f} s of patience")
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + asked_s)

    def _wait_for_turn(self) -> None:
        while (left_s := self._not_before - time.monotonic()) > 0:
            time.sleep(left_s)

    def _decode(self, data: bytes, energy_db: float) -> Rendered:
        import soundfile as sf

        if self._set["format"] == "pcm":
            samples, rate = np.frombuffer(data[: len(data) // 2 * 2], "<i2")[None] / 32768.0, 0
        else:
            try:
                audio, rate = sf.read(io.BytesIO(data), dtype="float32", always_2d=True)
            except sf.LibsndfileError as e:
                shown = data[:80].decode("ascii", errors="replace")
                raise RuntimeError(
                    f"{self._speech}: what it sent is no {self._set['format']} ({shown!r})"
                ) from e
            samples = audio.T
        gain = np.float32(10 ** (energy_db / 20))
        return Rendered((samples * gain).astype(np.float32), rate or self._set["pcm_rate_hz"])


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or an HTTP date (RFC 9110, 10.2.3); None if there is none."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _reason(answer: Any) -> str:
    """What the server says went wrong: OpenAI's error object, FastAPI's detail, or its text."""
    try:
        found = answer.json()
        found = found.get("error", found.get("detail", found))
        found = found.get("message", found) if isinstance(found, dict) else found
    except (ValueError, AttributeError):
        found = answer.text
    return str(found)[:300]
