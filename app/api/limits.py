"""What a request may cost: how large its body, how long it may take to arrive, and from which site it may come.

ASGI middleware, so that it holds for API and page alike, before anything reads a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answers import failure

SMALL_BYTES = 256 * 1024  # every request but a book
IDLE_S = 20.0  # without a byte of a body that was announced
WHOLE_S = 300.0  # for the whole body
DRAIN_S = (
    3.0  # a refused body is read on for so long: a client that only listens when it has sent all hears why
)
UPLOADS_AT_ONCE = 8
UPLOAD = re.compile(
    r"^(/api/v1/audio-generation/sequential|/api/v1/books|/_nicegui/client/[^/]+/upload/\d+)$"
)
_SAFE = {"GET", "HEAD", "OPTIONS"}


class _Refused(Exception):
    def __init__(self, status: int, type_: str, message: str) -> None:
        self.status, self.type, self.message = status, type_, message
        super().__init__(message)


class Limits:
    """Refuses with 413 (too large), 408 (too slow), 403 (another site's page), 503 (too many uploads)."""

    def __init__(
        self, app: ASGIApp, upload_bytes: int, *, idle_s: float = IDLE_S, whole_s: float = WHOLE_S
    ) -> None:
        self._app, self._upload_bytes = app, upload_bytes
        self._idle_s, self._whole_s = idle_s, whole_s
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        upload = UPLOAD.match(path) is not None
        limit = self._upload_bytes if upload else SMALL_BYTES
        try:
            _check_site(headers)
            _check_length(headers, limit)
            if upload and self._uploads >= UPLOADS_AT_ONCE:
                raise _Refused(503, "busy", "too many books are being sent at once; try again in a moment")
        except _Refused as e:
            await _refuse(e, scope, receive, send)
            return
        self._uploads += upload
        try:
            await _Request(self._app, limit, self._idle_s, self._whole_s)(scope, receive, send)
        finally:
            self._uploads -= upload


class _Request:
    """One request whose body is counted and timed while it is read."""

    def __init__(self, app: ASGIApp, limit: int, idle_s: float, whole_s: float) -> None:
        self._app, self._limit, self._idle_s = app, limit, idle_s
        self._until = time.monotonic() + whole_s
        self._size = 0
        self._complete = False
        self._refused: _Refused | None = None
        self._answered = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            if self._complete:
                return await receive()
            if self._refused is not None:
                raise self._refused
            return await self._read(receive)

        async def guarded(message: Message) -> None:
            if self._refused is None:  # else: somebody above us made an error of their own out of it
                self._answered = self._answered or message["type"] == "http.response.start"
                await send(message)

        try:
            await self._app(scope, counted, guarded)
        except Exception:
            if self._refused is None:
                raise
        if self._refused is not None and not self._answered:
            await _refuse(self._refused, scope, receive, send)

    async def _read(self, receive: Receive) -> Message:
        left = min(self._idle_s, self._until - time.monotonic())
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except TimeoutError:
            self._refused = _Refused(408, "too_slow", "the body took too long to arrive")
            raise self._refused from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._size > self._limit:
                self._refused = _too_large(self._limit)
                raise self._refused
        else:
            self._complete = True
        return message


def _check_site(headers: Headers) -> None:
    """A page of another site must not send orders with this person's browser."""
    if headers.get("sec-fetch-site") == "cross-site":
        raise _Refused(403, "forbidden", "requests from other sites' pages are refused")


def _check_length(headers: Headers, limit: int) -> None:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> _Refused:
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit // 1024} KiB"
    return _Refused(413, "too_large", f"the body is over the limit of {size}")


async def _refuse(why: _Refused, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Connection": "close", **({"Retry-After": "5"} if why.status == 503 else {})}
    if why.status != 408:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_drain(receive), DRAIN_S)
    await failure(why.status, why.type, why.message, headers)(scope, receive, send)


async def _drain(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
