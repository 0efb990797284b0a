"""A GPU stage as the flow sees it: find what is there, and only if takes are missing ask for the slot.

The stage is one Prefect task with the machine's tag; the tag's limit of one makes Prefect run such stages one after
another, whoever started them. A fully cached stage must not queue for the slot, so it is not run at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from prefect import Task
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.logging import get_run_logger
from prefect.runtime import task_run

from flows.slots import Asking, watched
from models.gpu import note_asked
from models.machine import Machine
from models.takes import Take, TakeStore
from tasks.generation import Generated, Wanted, find, stage_timeout_s
from tasks.progress import StageEvent, listening, tell

SERVER_TRIES, SERVER_PAUSE_S = 6, 10.0  # Prefect's own client has asked for up to a minute each time


@dataclass
class StageTakes:
    """Takes by the place they are used at; `reasons` says for each place without one why."""

    takes: dict[str, Take] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    generated: int = 0
    cached: int = 0


def run_stage(stage: Task, name: str, wanted: list[Wanted], store: TakeStore, machine: Machine) -> StageTakes:
    """Run `stage` (a task of `(absent, machine) -> Generated`) for what is not in the store."""
    found = find(wanted, store)
    result = StageTakes(takes=dict(found.takes), cached=len({t.key for t in found.takes.values()}))
    if not found.absent:
        get_run_logger().info("%s: all %d takes are cached, the stage is skipped", name, result.cached)
        tell(StageEvent(name, "skipped", len(wanted), len(wanted), "take"))
        return result
    asking = Asking()

    def run_name() -> str:
        """Called by Prefect before it asks for the slot."""
        asking.current = str(task_run.id)
        return f"{stage.name}-{asking.current[-3:]}"

    tagged = stage.with_options(
        tags=[machine.tag],
        task_run_name=run_name,
        timeout_seconds=stage_timeout_s(found.absent, machine),
    )
    note_asked(machine, found.absent[0].engine.device, name)
    log, begun = get_run_logger(), threading.Event()

    def heard(event: StageEvent) -> None:
        if event.stage == name and event.state == "started":
            begun.set()

    def waiting(why: str) -> None:
        log.info("%s", why)
        tell(StageEvent(name, "waiting", total=len(found.absent), unit="take", note=why))

    def attempt() -> Generated:
        begun.clear()
        try:
            with watched(machine, asking, begun, waiting, log.warning):
                return tagged(found.absent, machine)
        finally:
            asking.end()

    with listening(heard):
        made = _patiently(attempt, log.warning)
    reasons = {gone.key: gone.reason for gone in made.missing}
    for w in found.absent:
        if w.key in made.made:
            result.takes[w.id] = made.made[w.key]
        else:
            result.reasons[w.id] = reasons.get(w.key, "was not made")
    result.generated = len(made.made)
    return result


def _patiently(stage: Callable[[], Generated], log: Callable[[str], None]) -> Generated:
    """Run a stage to its end although the Prefect server may be away for a while: what is made is kept, so a further
    call goes on where the one before stopped."""
    for _ in range(SERVER_TRIES - 1):
        try:
            return stage()
        except (httpx.TransportError, ConcurrencySlotAcquisitionError) as e:
            log(f"the Prefect server is away ({e or type(e).__name__}); the stage goes on when it is back")
            time.sleep(SERVER_PAUSE_S)
    return stage()
