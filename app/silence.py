"""Runs whose host has gone silent: a Prefect automation gives them up, so that another worker can go on with them.

A run sends a heartbeat every 30 s (app/server.py, CLIENT_SETTINGS). If neither a heartbeat nor any other word of it
comes for 90 s, the server marks it crashed; app/recovery.py then queues it again, on any host. A run that was only slow
and still lives waits for nothing: its lock is held, and it is left alone on its own host.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

NAME = "soundbound: give up runs that went silent"
SILENT_S = 90.0


def silence_automation() -> AutomationCore:
    """Proactive, for each flow run of ours: after a heartbeat something must follow."""
    return AutomationCore(
        name=NAME,
        description="A run whose machine died is marked crashed, and queued again by a worker that lives.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification({"prefect.resource.id": "prefect.tag.soundbound"}),
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENT_S),
        ),
        actions=[  # pyright: ignore[reportArgumentType] - a list of one of the union's members
            ChangeFlowRunState(
                name="Crashed",
                state=StateType.CRASHED,
                message=f"nothing was heard of it for {SILENT_S:.0f} s",
                force=False,
            )
        ],
    )


def register_silence(client: SyncPrefectClient) -> None:
    """Create the automation, or bring it up to date."""
    known = client.read_automations_by_name(NAME)
    if known:
        client.update_automation(known[0].id, silence_automation())
    else:
        client.create_automation(silence_automation())
