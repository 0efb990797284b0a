"""POST /api/v1/audio-generation/sequential: a novel in, a task out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.answers import Success, failures
from app.api.bodies import body_file, require_json
from app.api.services import desk_of
from app.books import Upload
from app.orders import Choices, Desk, Ordered
from app.problems import Problem
from story.errors import InputError
from story.jsonfile import read_json

router = APIRouter(prefix="/api/v1", tags=["generation"])


class Started(BaseModel):
    """A task that is queued. `estimated_time` in seconds, waiting for tasks before it not counted."""

    task_id: str
    estimated_time: float
    stages: list[str]
    progress_url: str


class _Order(BaseModel):
    """The request but for its novel, which story/loading.py reads."""

    model_config = ConfigDict(extra="forbid")

    chapters: str = Field(default="all", min_length=1, max_length=2000)
    options: Choices = Field(default_factory=Choices)  # pyright: ignore[reportInvalidTypeForm]


BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["novel_data"],
                "additionalProperties": False,
                "properties": {
                    "novel_data": {
                        "description": "The novel as JSON (docs/novel.md): an object with chapters, or a list of lines",
                        "anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}],
                    },
                    "chapters": {
                        "type": "string",
                        "default": "all",
                        "minLength": 1,
                        "maxLength": 2000,
                        "description": "5, 1-3, 1,4-6, all, or a chapter's id",
                    },
                    "options": Choices.model_json_schema(),
                },
            },
            "example": {
                "novel_data": {
                    "title": "The Storm",
                    "chapters": [
                        {"segments": [{"speaker": "narrator", "content": "It was night, and the rain fell."}]}
                    ],
                },
                "chapters": "1",
                "options": {"profile": "drama"},
            },
        }
    },
}


def started(ordered: Ordered, request: Request) -> Started:
    task_id = str(ordered.run.task_id)
    return Started(
        task_id=task_id,
        estimated_time=ordered.estimated_s,
        stages=ordered.stages,
        progress_url=f"{request.scope.get('root_path', '')}/api/v1/tasks/{task_id}/progress",
    )


@router.post(
    "/audio-generation/sequential",
    status_code=202,
    openapi_extra={"requestBody": BODY},
    responses=failures(400, 403, 408, 409, 413, 415, 422, 503),
    dependencies=[Depends(require_json)],
)
async def sequential(
    request: Request,
    desk: Annotated[Desk, Depends(desk_of)],
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="Sent again with the same request (after a lost answer, say), the same task is meant",
        ),
    ] = None,
) -> Success[Started]:
    """Render a novel's chapters, one stage after another, in Prefect's queue."""
    async with body_file(request, desk.books.root, ".json") as path:
        upload, order = await desk.heavy(lambda: _read(path, desk))
    ordered = await desk.order(upload, order.chapters, order.options, key=idempotency_key)
    return Success(data=started(ordered, request))


def _read(path: Path, desk: Desk) -> tuple[Upload, _Order]:
    try:
        tree = read_json(path, max_bytes=desk.settings.upload_limit_mb * 2**20, kind="request")
    except InputError as e:
        raise Problem(400, "invalid_json", f"the body: {e.message}") from None
    if not isinstance(tree, dict):
        raise Problem(422, "invalid_request", 'the body must be an object: {"novel_data": …}')
    if "novel_data" not in tree:
        raise Problem(422, "invalid_request", "novel_data: is missing; put the novel's JSON there")
    rest = {k: v for k, v in tree.items() if k != "novel_data"}
    try:
        order = _Order.model_validate(rest)
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Problem(422, "invalid_request", f"{place}: {first['msg']}") from None
    return desk.books.add_tree(tree["novel_data"], "novel_data"), order
