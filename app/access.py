"""The access token before API and page: a header for programs, a cookie for browsers.

A browser opens the page once with `?token=…`; the token goes into a cookie and out of the address. Podcast apps keep
no cookies: the feeds take the token in the address (app/feeds.py). Comparison takes
the same time whatever was sent.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.feeds import PATH as FEEDS
from app.feeds import route_path

COOKIE = "soundbound_token"
OPEN = ("/api/v1/health",)  # for a proxy's or systemd's watch; tells nothing else

# What a person sees who comes without it; the form leads to the same address with ?token=….
ASK = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Soundbound</title>
<meta name="color-scheme" content="light dark">
<body style="font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem">
<h1 style="font-size: 1.4rem">Soundbound</h1>
<form method="get"><label for="token">Access token <span lang="zh">访问令牌</span></label>
<p><input id="token" name="token" type="password" required autofocus autocomplete="current-password"
style="font: inherit; width: 100%; box-sizing: border-box; padding: .4rem"></p>
<p><button style="font: inherit; padding: .4rem 1.2rem">Open <span lang="zh">进入</span></button></p></form></body></html>
"""


class Guard:
    """ASGI middleware: 401 for whatever comes without the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = route_path(scope)
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token")
        feed = given is not None and path.startswith(FEEDS + "/") and self._right(given)
        if scope["type"] == "http" and (path in OPEN or feed):
            await self._app(scope, receive, send)
        elif (
            given is not None and scope["type"] == "http" and scope["method"] == "GET" and self._right(given)
        ):
            await self._remember(scope, [(k, v) for k, v in query if k != "token"])(scope, receive, send)
        elif self._right(_sent(Headers(scope=scope))):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "the access token is missing"})
        else:
            await _refused(scope, receive, send)

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _remember(self, scope: Scope, rest: list[tuple[str, str]]) -> RedirectResponse:
        root = scope.get("root_path", "")
        path = scope["path"] if scope["path"].startswith(root) else root + scope["path"]
        answer = RedirectResponse("/" + path.lstrip("/") + (f"?{urlencode(rest)}" if rest else ""), 303)
        answer.set_cookie(
            COOKIE,
            self._token,
            max_age=30 * 86400,
            path=root or "/",
            httponly=True,
            samesite="strict",
            secure=scope.get("scheme") == "https",
        )
        return answer


def _sent(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    headers = Headers(scope=scope)
    if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        page = HTMLResponse(ASK, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        await page(scope, receive, send)
        return
    error = {
        "type": "unauthorized",
        "message": "the access token is missing or wrong; send it as Authorization: Bearer …, "
        "or open the page once with ?token=…",
    }
    answer = JSONResponse(
        {"success": False, "error": error}, status_code=401, headers={"WWW-Authenticate": "Bearer"}
    )
    await answer(scope, receive, send)
