"""The progress artifact in Prefect's UI, from which the page's bars are read as well (app/run_record.py)."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import PrefectException
from prefect.logging import get_logger

from tasks.bar import BarState

EVERY_S = 0.5  # an update costs 12 ms and a database row's write; the page shows it within a second


@contextmanager
def only_a_view() -> Iterator[None]:
    """What is shown costs no audio: a Prefect server that is away for a moment loses us a line on a page, no stage."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as e:
        get_logger("soundbound").warning("Prefect's page could not be updated: %s", e or type(e).__name__)


class BarArtifact:
    """Written at most every EVERY_S; what was held back is written then, because the next unit may be a minute away."""

    def __init__(self, state: BarState, flow_run: UUID, task_run: UUID | None = None) -> None:
        self._id: UUID | None = None
        self._written = 0.0
        self._held_back: BarState | None = None
        self._lock = threading.Lock()
        artifact = ArtifactCreate(
            type="progress",
            key=f"{state.stage}-{str(flow_run)[-8:]}",
            description=state.words(),
            data=100 * state.share,
            metadata_=state.metadata(),
            flow_run_id=flow_run,
            task_run_id=task_run,
        )
        with only_a_view(), get_client(sync_client=True) as client:
            self._id = client.create_artifact(artifact).id

    def show(self, state: BarState, *, at_once: bool = False) -> None:
        with self._lock:
            wait_s = self._written + EVERY_S - time.monotonic()
            if at_once or wait_s <= 0:
                self._write(state)
                return
            if self._held_back is None:
                later = threading.Timer(wait_s, contextvars.copy_context().run, [self._write_held_back])
                later.daemon = True
                later.start()
            self._held_back = state

    def _write_held_back(self) -> None:
        with self._lock:
            if self._held_back is not None:
                self._write(self._held_back)

    def _write(self, state: BarState) -> None:
        self._written, self._held_back = time.monotonic(), None
        if self._id is None:
            return
        update = ArtifactUpdate(data=100 * state.share, description=state.words(), metadata_=state.metadata())
        with only_a_view(), get_client(sync_client=True) as client:
            client.update_artifact(self._id, update)
