"""Who holds the tag's slot, and freeing it from a holder that is proved dead.

Prefect itself frees a dead holder's slot when its lease runs out (48-75 s), and never if the lease was lost. Two proofs
are asked for before we do: the holder's claim file is unlocked (models/claims.py), and we hold the device's file lock,
so no model is at work there. Whoever has no claim here (another host, another home) is left alone; of its own task
runs a process knows by itself whether they use the slot.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound, PrefectException

from flows.limit import limit_name
from models import claims
from models.gpu import if_free
from models.machine import Machine

LOOK_EVERY_S = 2.0
FIRST_LOOK_S = 1.0  # a slot that is free is had long before
OCCUPIED_S = 1.0  # goes into the server's average, from which it guesses the next wait
LOST_LOOKS = (
    4  # so often a task run of ours holds the slot without having begun: it never heard that it was given it
)
SETTLE_S = 3.0  # the server takes a slot and writes its lease in two steps


@dataclass
class Holder:
    """Whoever holds a slot: a task run, and what its claim says of it."""

    task_run: str
    life: claims.Life
    about: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.about:
            return f"task run {self.task_run}"
        run = f" of {self.about['run']!r}" if self.about.get("run") else ""
        return f"process {self.about['pid']} ({self.about.get('stage', 'a stage')}{run})"


@dataclass
class Asking:
    """The task runs by which one stage of this process has asked for the slot."""

    current: str = ""
    ended: set[str] = field(default_factory=set)  # they hold it no longer, whatever the server believes

    def end(self) -> None:
        self.ended.add(self.current)


@dataclass
class Slot:
    """A tag's slot: how many are taken, and by whom as far as leases tell."""

    active: int
    holders: list[Holder]


def read_slot(machine: Machine, client: SyncPrefectClient) -> Slot:
    """The machine's tag, as the server sees it. Raises ObjectNotFound without a limit."""
    limit = client.read_global_concurrency_limit_by_name(limit_name(machine.tag))
    by_tag = client.read_concurrency_limit_by_tag(machine.tag)
    holders = []
    for task_run in map(str, by_tag.active_slots):
        life, about = claims.life(machine.claims_dir, task_run)
        holders.append(Holder(task_run, life, about))
    return Slot(int(limit.active_slots), holders)


def free_dead(machine: Machine, ended: UUID | None = None, ours: Collection[str] = ()) -> list[str]:
    """Free the slot from holders that are proved dead; a sentence for each.

    Args:
        ours: task runs of this process that do not use the slot, as it itself knows.
        ended: a flow run whose process is known to be gone. Killed in the moment in which it was given the slot, it has
            no claim, which would prove its death.
    """
    freed = []
    with get_client(sync_client=True) as client:

        def dead(holder: Holder) -> bool:
            life, _ = claims.life(machine.claims_dir, holder.task_run)
            return (
                life == "dead"
                or holder.task_run in ours
                or (life == "unknown" and ended is not None and _of(client, holder) == ended)
            )

        for holder in read_slot(machine, client).holders:
            if not dead(holder):
                continue
            with if_free(machine, holder.about.get("device", machine.device)) as free:
                # Under the lock the proof is asked for again: the claim may be a new one of a retried stage.
                if free and dead(holder):
                    client.decrement_v1_concurrency_slots([machine.tag], UUID(holder.task_run), OCCUPIED_S)
                    claims.forget(machine.claims_dir, holder.task_run)
                    why = "is dead" if holder.task_run not in ours else "does not use it"
                    freed.append(f"the slot {limit_name(machine.tag)} was freed from {holder}, which {why}")
    return freed


def _of(client: SyncPrefectClient, holder: Holder) -> UUID | None:
    """The flow run of a holder's task run, as far as the server knows it."""
    try:
        return client.read_task_run(UUID(holder.task_run)).flow_run_id
    except ObjectNotFound:
        return None


def free_leaked(machine: Machine) -> list[str]:
    """Free slots that are taken and have no lease any more (a server that lost its leases); a sentence for each.

    Only under the device's file lock, and only if they are still so after a while.
    """
    with if_free(machine, machine.device) as ours, get_client(sync_client=True) as client:
        if not ours or not _leaked(read_slot(machine, client)):
            return []
        time.sleep(SETTLE_S)
        slot = read_slot(machine, client)
        if not _leaked(slot):
            return []
        name, true = limit_name(machine.tag), len(slot.holders)
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=true))
        return [f"{slot.active - true} slot of {name} that nobody held was freed"]


def leaks(machine: Machine) -> list[str]:
    """What is wrong with the slot, without touching it."""
    with get_client(sync_client=True) as client:
        slot = read_slot(machine, client)
    found = [f"{holder} holds it and is dead" for holder in slot.holders if holder.life == "dead"]
    return found + (["it is taken, but nobody holds it"] if _leaked(slot) else [])


@contextlib.contextmanager
def watched(
    machine: Machine,
    asking: Asking,
    begun: threading.Event,
    waiting: Callable[[str], None],
    log: Callable[[str], None],
) -> Iterator[None]:
    """While a stage waits for the slot: say who has it, and free it should that one be dead.

    A Prefect server that dies may leave the slot with this very stage: it never learns that its attempt before is
    over, or the stage never hears that it was given it, or nobody's lease is kept. Each is seen to.

    Args:
        asking: the stage's task runs.
        begun: set when the stage has its slot.
    """
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(machine, asking, begun, over, waiting, log), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _watch(
    machine: Machine,
    asking: Asking,
    begun: threading.Event,
    over: threading.Event,
    waiting: Callable[[str], None],
    log: Callable[[str], None],
) -> None:
    told, pause_s, idle, leaked = "", FIRST_LOOK_S, Counter[str](), 0
    while not begun.wait(pause_s) and not over.is_set():
        pause_s = LOOK_EVERY_S
        # A server that is away for a moment is the stage's affair, not the watcher's.
        with contextlib.suppress(httpx.HTTPError, PrefectException, ObjectNotFound, OSError):
            with get_client(sync_client=True) as client:
                slot = read_slot(machine, client)
            holders = slot.holders
            said = "; ".join(str(h) for h in holders if h.task_run not in {asking.current, *asking.ended})
            if said and said != told and not begun.is_set():
                told = said
                waiting(f"waiting for the slot {limit_name(machine.tag)}, held by {said}")
            holding = {holder.task_run for holder in holders}
            if begun.is_set():
                return
            ours = asking.current
            idle[ours] += ours in holding
            unused = (holding & asking.ended) | ({ours} if idle[ours] >= LOST_LOOKS else set())
            idle[ours] %= (
                LOST_LOOKS  # once freed, it may be given the slot again: that one is to begin in its turn
            )
            leaked = leaked + 1 if _leaked(slot) else 0
            freed: list[str] = []
            if unused or any(holder.life == "dead" for holder in holders):
                freed += free_dead(machine, ours=unused)
            if leaked >= 2:  # the server writes slot and lease one after the other
                freed += free_leaked(machine)
            for sentence in freed:
                log(sentence)


def _leaked(slot: Slot) -> bool:
    return slot.active > len(slot.holders)
