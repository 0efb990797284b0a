"""/feeds: the listener's shelf over HTTP, so that a podcast app on the phone finds feed, episodes and cover.

Podcast apps keep no cookies, so the access token stays in the addresses here: whoever asks for the feed with
`?token=…` gets it with the token in every address of it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/feeds"
OPEN_KINDS = {".xml", ".mp3", ".m4a", ".png", ".jpg", ".jpeg", ".vtt"}


class Feeds:
    """ASGI: /feeds/… from the shelf, everything else from `app`."""

    def __init__(self, app: ASGIApp, shelf: Path) -> None:
        self._app, self._shelf = app, shelf
        self._files = StaticFiles(directory=shelf, check_dir=False, follow_symlink=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = route_path(scope)
        if scope["type"] != "http" or not inner.startswith(PATH + "/"):
            await self._app(scope, receive, send)
            return
        relative = inner.removeprefix(PATH)
        if Path(relative).suffix not in OPEN_KINDS or "/." in relative:
            await Response("not found", 404)(scope, receive, send)
            return
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if relative.endswith("/feed.xml") and token and (text := self._feed(relative)) is not None:
            await Response(with_token(text, token), media_type="application/rss+xml")(scope, receive, send)
            return
        below = {**scope, "path": relative, "root_path": ""}
        below.pop("raw_path", None)
        try:
            await self._files(below, receive, send)
        except HTTPException as e:  # nobody above handles it for a bare application
            await Response(e.detail, e.status_code)(scope, receive, send)

    def _feed(self, relative: str) -> str | None:
        path, _ = self._files.lookup_path(unquote(relative).strip("/"))
        return Path(path).read_text(encoding="utf-8") if path else None


def route_path(scope: Scope) -> str:
    """The path as our routes know it, without what a reverse proxy puts before it."""
    path, root = scope.get("path", ""), scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def with_token(feed: str, token: str) -> str:
    """The feed with the token in the addresses of its files."""
    end = escape(f"?token={quote(token)}")
    for kind in OPEN_KINDS:
        feed = feed.replace(f'{kind}"', f'{kind}{end}"').replace(f"{kind}</url>", f"{kind}{end}</url>")
    return feed
