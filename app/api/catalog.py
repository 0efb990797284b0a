"""What there is to choose from (models, voices), and whether the service is up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from app.api.answers import Success, failures
from app.api.services import desk_of
from app.orders import Desk
from models import catalog
from models.catalog import ModelState

router = APIRouter(prefix="/api/v1", tags=["catalog"])


class VoiceInfo(BaseModel):
    id: str
    model: str
    languages: list[str]
    gender: str
    age: str
    pitch_hz: float
    description: str


class Models(BaseModel):
    models: list[ModelState]


class Voices(BaseModel):
    voices: list[VoiceInfo]


class Health(BaseModel):
    status: str  # ok | unavailable
    prefect: bool


@router.get("/models", responses=failures(503))
async def models(desk: Annotated[Desk, Depends(desk_of)]) -> Success[Models]:
    """Speech and sound models, and which are installed."""
    return Success(data=Models(models=await desk.heavy(lambda: catalog.states(desk.settings.machine()))))


@router.get("/voices", responses=failures(422, 503))
async def voices(
    desk: Annotated[Desk, Depends(desk_of)],
    model: Annotated[str | None, Query(max_length=100)] = None,
    language: Annotated[str | None, Query(max_length=35, description="e.g. en or zh-Hans")] = None,
) -> Success[Voices]:
    """The speech models' voices."""
    return Success(data=Voices(voices=await desk.heavy(lambda: known_voices(desk, model, language))))


def known_voices(desk: Desk, model: str | None = None, language: str | None = None) -> list[VoiceInfo]:
    machine = desk.settings.machine()
    speakers = [e for e in catalog.entries(machine).values() if e.kind == "speech"]
    if model is not None:
        speakers = [catalog.entry(model, "speech", machine)]
    primary = language.lower().split("-")[0] if language else None
    return [
        VoiceInfo(
            id=v.id,
            model=v.model,
            languages=v.languages,
            gender=v.gender,
            age=v.age,
            pitch_hz=v.pitch_hz,
            description=v.description or v.accent,
        )
        for e in speakers
        for v in catalog.voices(e)
        if primary is None or primary in {t.lower().split("-")[0] for t in v.languages}
    ]


@router.get("/health", responses={503: {"model": Success[Health]}})
async def health(response: Response, desk: Annotated[Desk, Depends(desk_of)]) -> Success[Health]:
    """Whether this service and the Prefect server behind it answer."""
    up = await desk.runs.healthy()
    response.status_code = 200 if up else 503
    return Success(data=Health(status="ok" if up else "unavailable", prefect=up))
