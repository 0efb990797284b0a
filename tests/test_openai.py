"""The client of OpenAI-compatible speech servers, against a real server: audio, patience, and clear words."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import numpy as np
import pytest

from models.base import CannotMake, SpeechRequest
from models.speech import openai_server
from models.speech.openai_server import OpenAISpeech, fingerprint, retry_after_s
from tests.speech_server import SpeechServer, error

LINE = SpeechRequest("s1", "Nobody came to the door.", {"voice": "low"}, "en", instruct="whispering")


@pytest.fixture
def server() -> SpeechServer:
    return SpeechServer()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "WAITS_S", (0.01,))


def engine(server: SpeechServer, **options: Any) -> OpenAISpeech:
    return OpenAISpeech({"url": server.url, **options})


@pytest.mark.parametrize("kind", ["wav", "flac", "pcm"])
def test_a_line_is_spoken_in_every_format(server: SpeechServer, kind: str) -> None:
    made = engine(server, format=kind).render(LINE)
    assert made.sample_rate_hz == 24000
    assert made.samples.shape[0] == 1
    assert 1.0 < made.samples.shape[1] / 24000 < 4.0
    assert 0.05 < np.abs(made.samples).max() <= 1.0
    _, body, key = server.asked[0]
    assert body["input"] == LINE.text
    assert (body["voice"], body["response_format"], body["speed"]) == ("low", kind, 1.0)
    assert "instructions" not in body
    assert key == ""


def test_the_formats_agree(server: SpeechServer) -> None:
    wav, pcm = (engine(server, format=kind).render(LINE).samples for kind in ("wav", "pcm"))
    assert np.array_equal(wav, pcm)


def test_direction_and_key_are_sent_where_they_are_wanted(
    server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    engine(server, instructions=True, api_key_env="MY_KEY").render(LINE)
    _, body, key = server.asked[0]
    assert body["instructions"] == "whispering"
    assert key == "Bearer secret"


def test_a_rate_limit_is_waited_out_as_long_as_it_says(server: SpeechServer) -> None:
    server.next.append((429, {"Retry-After": "0.3"}, error("slow down")))
    assert engine(server).render(LINE).samples.size
    (first, *_), (second, *_) = server.asked
    assert second - first >= 0.3


def test_a_rate_limit_holds_all_lanes(server: SpeechServer) -> None:
    speaker = engine(server)
    server.next.append((429, {"Retry-After": "0.3"}, error("slow down")))
    speaker._pause(0.3, "")
    began = time.monotonic()
    speaker.render(LINE)
    assert server.asked[0][0] - began >= 0.25


def test_more_patience_than_is_reasonable_fails_the_take(server: SpeechServer) -> None:
    server.next.append((429, {"Retry-After": "3600"}, error("quota is used up")))
    with pytest.raises(RuntimeError, match=r"status 429: quota is used up; it wants 3600 s of patience"):
        engine(server).render(LINE)


@pytest.mark.parametrize("event", [(503, {}, b"busy"), (500, {}, error("oops")), (200, {}, b"")])
def test_a_failure_that_passes_costs_a_try(server: SpeechServer, event: tuple) -> None:
    server.next.append(event)
    if event[0] == 200:
        with pytest.raises(RuntimeError, match="is no wav"):
            engine(server).render(LINE)
        return
    assert engine(server).render(LINE).samples.size
    assert len(server.asked) == 2


def test_one_that_does_not_pass_is_said_with_the_servers_words(server: SpeechServer) -> None:
    server.next.extend([(503, {}, error("the model is loading"))] * 6)
    with pytest.raises(RuntimeError, match="status 503: the model is loading, after 3 tries"):
        engine(server, tries=3).render(LINE)
    assert len(server.asked) == 3


def test_a_silent_server_is_not_waited_for_for_ever(server: SpeechServer) -> None:
    server.next.extend([1.0, 1.0])
    with pytest.raises(RuntimeError, match="no answer within 0 s, after 2 tries"):
        engine(server, read_s=0.1, tries=2).render(LINE)


def test_no_server_is_said(server: SpeechServer) -> None:
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1:9/v1/audio/speech: cannot be reached"):
        OpenAISpeech({"url": "http://127.0.0.1:9/v1", "tries": 2}).render(LINE)


def test_what_the_server_refuses_is_final(server: SpeechServer) -> None:
    with pytest.raises(CannotMake, match="status 400: there is no voice 'nobody'"):
        engine(server).render(SpeechRequest("s", "Hello.", {"voice": "nobody"}, "en"))
    assert len(server.asked) == 1


def test_a_refused_key_is_asked_with_once(server: SpeechServer) -> None:
    speaker = engine(server)
    server.next.append((401, {}, error("incorrect API key")))
    for _ in range(3):
        with pytest.raises(CannotMake, match=r"refuses the key .*incorrect API key.*set OPENAI_API_KEY"):
            speaker.render(LINE)
    assert len(server.asked) == 1


def test_options_are_checked_and_change_the_version(server: SpeechServer) -> None:
    with pytest.raises(ValueError, match="unknown options: fromat; known: model, format"):
        engine(server, fromat="wav")
    with pytest.raises(ValueError, match="no server"):
        OpenAISpeech({})
    settings = {"url": "http://a/v1"}
    versions = {fingerprint({**settings, **more}) for more in ({}, {"model": "m"}, {"revision": "2"})}
    assert len(versions) == 3
    assert fingerprint({**settings, "read_s": 1.0}) in versions, "patience does not change the sound"


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_s("2.5") == 2.5
    assert retry_after_s(None) is None
    assert retry_after_s("soon") is None
    assert 8 < (retry_after_s(email.utils.formatdate(time.time() + 10, usegmt=True)) or 0) <= 10
