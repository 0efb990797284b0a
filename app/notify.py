"""Word of a run's end to whoever asked for it: a webhook that gets JSON, or any service apprise knows.

`notify = ["https://example.org/hook", "mailto://…", "tgram://…"]` in soundbound.toml. A chapter that is part of a book
is not told of: its book is. A notification that can't be sent is a warning in the log and changes nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
from prefect import Flow, State
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_logger

from app.settings import Settings, load_settings

TIMEOUT_S = 15.0
TRIES = 3


def tell_end(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """The hook of the deployed flows."""
    settings = load_settings(folder=Path(os.environ.get("SOUNDBOUND_FOLDER") or Path.cwd()))
    if settings.notify and flow_run.parent_task_run_id is None:
        send(word(flow.name, flow_run, state, settings), settings.notify)


def word(flow_name: str, flow_run: FlowRun, state: State, settings: Settings) -> dict[str, Any]:
    """What a webhook gets. `event` is completed, degraded, failed or crashed."""
    event = "degraded" if state.name == "Degraded" else str(state.type.value).lower()
    page = f"{settings.page_url.rstrip('/')}/runs/{flow_run.id}" if settings.page_url else None
    return {
        "event": event,
        "flow": flow_name,
        "run": flow_run.name,
        "flow_run_id": str(flow_run.id),
        "message": state.message or "",
        "page": page,
    }


def send(told: dict[str, Any], addresses: list[str]) -> list[str]:
    """To every address; returns those that could not be reached."""
    failed = []
    for address in addresses:
        try:
            reached = (
                _post(address, told)
                if address.startswith(("http://", "https://"))
                else _apprise(address, told)
            )
        except Exception as e:
            reached = False
            get_logger("soundbound").warning("notification: %s", type(e).__name__)
        if not reached:
            failed.append(address)
            scheme, host = (
                address.partition("://")[0],
                address.partition("://")[2].split("@")[-1].split("/")[0],
            )
            get_logger("soundbound").warning("no notification went to %s://%s", scheme, host)
    return failed


def _post(address: str, told: dict[str, Any]) -> bool:
    for _ in range(TRIES):
        try:
            if httpx.post(address, json=told, timeout=TIMEOUT_S).is_success:
                return True
        except httpx.HTTPError:
            continue
    return False


def _apprise(address: str, told: dict[str, Any]) -> bool:
    from apprise import Apprise, NotifyType

    kinds = {"completed": NotifyType.SUCCESS, "degraded": NotifyType.WARNING}
    service = Apprise()
    if not service.add(address):
        return False
    body = "\n".join(filter(None, [told["message"], told["page"]])) or told["event"]
    title = f"{told['event']}: {told['run']}"
    return bool(
        service.notify(body=body, title=title, notify_type=kinds.get(told["event"], NotifyType.FAILURE))
    )
