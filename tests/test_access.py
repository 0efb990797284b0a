"""Who gets in: the access token before API, page and feeds; what the shelf gives away and what not."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.access import Guard
from app.feeds import Feeds, with_token
from app.web import check_reach, clean_root, is_loopback
from story.errors import InputError

TOKEN = "a-token-of-enough-letters"
FEED = '<rss><enclosure url="https://e.org/feeds/a/001.mp3" /><image><url>https://e.org/c.png</url></image></rss>'


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    show = tmp_path / "shelf" / "author" / "show"
    show.mkdir(parents=True)
    (show / "feed.xml").write_text(FEED)
    (show / "001.mp3").write_bytes(bytes(range(200)))
    (show / "episodes.json").write_text("{}")
    (show / ".hidden.mp3").write_bytes(b"x")
    (tmp_path / "secret.mp3").write_bytes(b"secret")
    (show / "link.mp3").symlink_to(tmp_path / "secret.mp3")

    async def say(request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path)

    inner = Starlette(routes=[Route("/{path:path}", say)])
    return TestClient(Guard(Feeds(inner, tmp_path / "shelf"), TOKEN), follow_redirects=False)


def test_without_the_token_nothing_but_health(client: TestClient) -> None:
    assert client.get("/api/v1/health").status_code == 200
    for path in ("/", "/api/v1/tasks", "/feeds/author/show/feed.xml", "/api/v1/health/../tasks"):
        refused = client.get(path)
        assert refused.status_code == 401, path
        assert refused.json()["success"] is False
        assert refused.json()["error"]["type"] == "unauthorized"
    for wrong in (
        "Bearer nonsense",
        f"Bearer {TOKEN}x",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer é".encode(),
    ):
        assert client.get("/", headers={"Authorization": wrong}).status_code == 401
    assert client.get("/", headers={"Cookie": "soundbound_token=nonsense"}).status_code == 401
    assert client.get("/?token=nonsense").status_code == 401


def test_a_person_without_the_token_is_asked_for_it(client: TestClient) -> None:
    asked = client.get("/runs/1", headers={"Accept": "text/html,*/*"})
    assert asked.status_code == 401
    assert 'name="token"' in asked.text
    assert "/runs/1" not in asked.text, "nothing of the address goes into the page"


def test_a_program_sends_the_token_and_a_browser_keeps_it(client: TestClient) -> None:
    assert client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    sent = client.get(f"/library?token={TOKEN}&x=1")
    assert (sent.status_code, sent.headers["location"]) == (303, "/library?x=1")
    cookie = sent.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/library?x=1").text == "/library", "the cookie is enough from then on"


def test_a_redirect_stays_on_this_host(client: TestClient) -> None:
    assert client.get(f"//evil.example/?token={TOKEN}").headers.get("location", "/").startswith("/")
    assert not client.get(f"//evil.example/?token={TOKEN}").headers.get("location", "/").startswith("//")


def test_a_podcast_app_keeps_the_token_in_its_addresses(client: TestClient) -> None:
    feed = client.get(f"/feeds/author/show/feed.xml?token={TOKEN}")
    assert feed.status_code == 200
    assert f'url="https://e.org/feeds/a/001.mp3?token={TOKEN}"' in feed.text
    assert f"<url>https://e.org/c.png?token={TOKEN}</url>" in feed.text
    part = client.get(f"/feeds/author/show/001.mp3?token={TOKEN}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert with_token(FEED, "a&b").count("?token=a%26b") == 2


@pytest.mark.parametrize(
    "path", ["episodes.json", ".hidden.mp3", "link.mp3", "../../../secret.mp3", "%2e%2e/%2e%2e/%2e%2e/secret.mp3", "gone.mp3"]
)  # fmt: skip
def test_the_shelf_gives_nothing_else_away(client: TestClient, path: str) -> None:
    answer = client.get(f"/feeds/author/show/{path}?token={TOKEN}")
    assert b"secret" not in answer.content
    assert answer.status_code in (303, 404)


def test_beyond_loopback_a_token_is_needed() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"):
        with pytest.raises(InputError, match="access token"):
            check_reach(host, None)
        check_reach(host, TOKEN)
    for host in ("127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8"):
        assert is_loopback(host)
        check_reach(host, None)


def test_a_root_path_is_written_one_way() -> None:
    assert [clean_root(r) for r in ("", "/", "sound", "/sound/", "/a/b/")] == [
        "",
        "",
        "/sound",
        "/sound",
        "/a/b",
    ]
