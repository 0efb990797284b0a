"""Who holds the device, for Prefect's UI: one artifact per device (Artifacts → device-…), with its history."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.context import TaskRunContext

from models.gpu import Lease
from tasks.bar_artifact import only_a_view


def run_facts() -> dict[str, Any]:
    """The run that asks for the device, as others are told of it."""
    context = TaskRunContext.get()
    if context is None:
        return {}
    return {"task_run": str(context.task_run.id), "flow_run": str(context.task_run.flow_run_id or "")}


@contextmanager
def shown(held: Lease) -> Iterator[None]:
    """Show the lease while it is held, and afterwards that the device is free."""
    if TaskRunContext.get() is None:
        yield
        return
    began = time.monotonic()
    _show(held, f"**in use** since {time.strftime('%Y-%m-%d %H:%M:%S')}")
    try:
        yield
    finally:
        _show(held, f"**free** since {time.strftime('%H:%M:%S')}, after {time.monotonic() - began:.0f} s")


def _show(held: Lease, state: str) -> None:
    holder, host = held.holder, socket.gethostname()
    lines = [f"{held.device} on {host}: {state}", "", "| | |", "|---|---|"]
    for name in ("stage", "model", "pid", "flow_run"):
        if holder.get(name):
            lines.append(f"| {name.replace('_', ' ')} | {holder[name]} |")
    key = re.sub(r"[^a-z0-9]+", "-", f"device-{host}-{held.device}".lower()).strip("-")
    with only_a_view():
        create_markdown_artifact("\n".join(lines), key=key, description=f"who holds {held.device} on {host}")
