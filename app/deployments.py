"""prefect.yaml on a Prefect server: its work pools and its deployments, with their forms.

The file is the one list of what can be started from Prefect's UI, on a schedule or through the API. `prefect deploy
--all` reads it too; `soundbound serve` does what that command does in a second, and leaves schedules that people made
as they are.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Literal

import yaml
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyOptions
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from pydantic import BaseModel, ConfigDict, Field

from app.silence import register_silence

# The worker's own interpreter, found on its PATH; without a command of its own Prefect would look for a project with
# dependencies to install.
COMMAND = "python -m prefect.engine"
CHAPTERS_POOL, BOOKS_POOL = "soundbound-chapters", "soundbound-books"
POOLS = {
    CHAPTERS_POOL: "Chapters: each run generates on the machine's device and mixes.",
    BOOKS_POOL: "Books, serials and imports: runs that mostly wait for their chapters.",
}


class _Pool(BaseModel):
    name: Literal["soundbound-chapters", "soundbound-books"]


class DeploymentSpec(BaseModel):
    """One block of prefect.yaml."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str
    entrypoint: str = Field(pattern=r"^app\.deployed\.\w+$")
    tags: list[str] = []
    parameters: dict[str, Any] = {}
    work_pool: _Pool
    concurrency_limit: ConcurrencyLimitConfig


def deployment_specs() -> list[DeploymentSpec]:
    """What prefect.yaml lists."""
    here = Path(__file__).resolve().parent
    path = next(p for p in (here.parent / "prefect.yaml", here / "prefect.yaml") if p.exists())
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    return [DeploymentSpec.model_validate(block) for block in listed]


def register(client: SyncPrefectClient | None = None) -> list[str]:
    """Create or update pools and deployments; returns the deployments' names. Safe to repeat."""
    if client is None:
        with get_client(sync_client=True) as own:
            return register(own)
    for name, description in POOLS.items():
        _register_pool(client, name, description)
    register_silence(client)
    return [_register_deployment(client, spec) for spec in deployment_specs()]


def _register_pool(client: SyncPrefectClient, name: str, description: str) -> None:
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = COMMAND
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(name=name, type="process", description=description, base_job_template=template)
        )
    else:
        client.update_work_pool(name, WorkPoolUpdate(description=description, base_job_template=template))


def _register_deployment(client: SyncPrefectClient, spec: DeploymentSpec) -> str:
    module, _, attribute = spec.entrypoint.rpartition(".")
    flow: Flow = getattr(importlib.import_module(module), attribute)
    same: dict[str, Any] = {
        "description": spec.description,
        "parameters": spec.parameters,
        "tags": spec.tags,
        "entrypoint": spec.entrypoint,
        "work_pool_name": spec.work_pool.name,
        "enforce_parameter_schema": True,
        "concurrency_limit": spec.concurrency_limit.limit,
        "concurrency_options": ConcurrencyOptions(
            collision_strategy=spec.concurrency_limit.collision_strategy
        ),
        "pull_steps": [],
    }
    schema = flow.parameters.model_dump(exclude_unset=True)
    try:
        known = client.read_deployment_by_name(f"{flow.name}/{spec.name}")
    except ObjectNotFound:
        client.create_deployment(client.create_flow(flow), spec.name, parameter_openapi_schema=schema, **same)
    else:  # an update, since creating it anew would drop its schedules
        client.update_deployment(known.id, DeploymentUpdate(parameter_openapi_schema=schema, **same))
    return f"{flow.name}/{spec.name}"
