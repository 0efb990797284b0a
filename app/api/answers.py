"""What every answer looks like: `{"success": true, "data": …}` or `{"success": false, "error": {"type", "message"}}`."""

from __future__ import annotations

import logging
from typing import Any, Generic, Literal, TypeVar

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app.problems import Problem
from story.errors import InputError, SoundboundError

Data = TypeVar("Data")
NAMES = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 422: "invalid_request"}
log = logging.getLogger("soundbound.api")


class Success(BaseModel, Generic[Data]):
    success: Literal[True] = True
    data: Data


class Error(BaseModel):
    type: str
    message: str  # what was wrong, where, and what to do


class Failure(BaseModel):
    success: Literal[False] = False
    error: Error


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may end with these statuses."""
    return {status: {"model": Failure} for status in statuses}


def failure(status: int, type_: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    content = Failure(error=Error(type=type_, message=message)).model_dump()
    return JSONResponse(content, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Every way a request can end badly, in the one form. Nothing of our insides is told."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, e: Problem) -> JSONResponse:
        return failure(e.status, e.type, str(e), e.headers)

    @app.exception_handler(SoundboundError)
    async def _domain(_: Request, e: SoundboundError) -> JSONResponse:
        wrong_input = isinstance(e, InputError)
        return failure(
            422 if wrong_input else 409, "invalid_input" if wrong_input else "cannot_render", str(e)
        )

    @app.exception_handler(RequestValidationError)
    async def _validation(_: Request, e: RequestValidationError) -> JSONResponse:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        malformed = first["type"] == "json_invalid"
        message = f"{where}: {first['msg']}" if where else first["msg"]
        return failure(400 if malformed else 422, "invalid_request", message)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, e: HTTPException) -> JSONResponse:
        return failure(
            e.status_code, NAMES.get(e.status_code, "error"), str(e.detail), dict(e.headers or {}) or None
        )

    @app.exception_handler(httpx.HTTPError)
    @app.exception_handler(PrefectHTTPStatusError)
    async def _prefect(_: Request, e: Exception) -> JSONResponse:
        log.warning("the Prefect server did not do what was asked: %s", e)
        return failure(
            503, "unavailable", "the Prefect server does not answer; try again", {"Retry-After": "5"}
        )

    @app.exception_handler(Exception)
    async def _ours(_: Request, e: Exception) -> JSONResponse:
        log.error("unexpected error", exc_info=e)
        return failure(500, "internal", "something went wrong on our side; the server's log says what")
