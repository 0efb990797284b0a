"""The worker process of `soundbound serve`: polls both work pools and starts a process for each run.

Chapters are taken in the order they were asked for, `chapters_at_once` at a time; books and serials, which only wait
for chapters, have a pool of their own, so that they can't keep their own chapters from running. Now and then it puts
runs whose process is gone back into the queue (app/recovery.py). It ends when its parent does: the pipe on its stdin
closes.

Run as a module (`python -m app.worker`) this file *is* the worker process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import anyio.abc
import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
from prefect.logging import get_logger
from prefect.workers.process import ProcessWorker

from app.deployments import BOOKS_POOL, CHAPTERS_POOL
from app.recovery import claimed, drop_missed, recover
from app.settings import Settings, load_settings
from flows.limit import ensure_limit

POLL_S = "2"  # Prefect's 10 s suit a cloud, not a person who waits in front of a page
BOOKS_AT_ONCE = 16
RECOVER_EVERY_S = 15.0
SIGN_OFF_S = 3.0


def environment(settings: Settings, folder: Path, url: str) -> dict[str, str]:
    """What the worker process and its runs get: this interpreter first on the path, and the door's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT__")}
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PREFECT_API_URL": url,
        "PREFECT_WORKER_QUERY_SECONDS": POLL_S,
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
        "PREFECT_CLIENT_MAX_RETRIES": "7",  # 2, 4 … 128 s: four minutes for a server to come back on a busy machine
        "SOUNDBOUND_HOME": str(settings.home),
        "SOUNDBOUND_FOLDER": str(folder),
        "PYTHONUTF8": "1",
    }
    if settings.page_url:
        own["SOUNDBOUND_PAGE_URL"] = settings.page_url
    return {**kept, **own}


class Worker(ProcessWorker):
    """A process worker whose runs are known to be alive from the moment they are started."""

    home: Path

    @classmethod
    def __dispatch_key__(
        cls,
    ) -> str:  # of its own in Prefect's registry of workers; the pools stay of type "process"
        return "soundbound-process"

    async def run(
        self, flow_run: FlowRun, configuration: Any, task_status: anyio.abc.TaskStatus[int] | None = None
    ) -> Any:
        with claimed(self.home, str(flow_run.id)):
            return await super().run(flow_run, configuration, task_status)


async def work(settings: Settings) -> None:
    """Poll until told to stop; the runs under way are ended then, and go on at the next start."""
    name = f"{socket.gethostname()} {settings.device}"
    at_once = {CHAPTERS_POOL: settings.chapters_at_once, BOOKS_POOL: BOOKS_AT_ONCE}
    workers = [
        Worker(pool, name=name, limit=limit, create_pool_if_not_found=False)
        for pool, limit in at_once.items()
    ]
    for worker in workers:
        worker.home = settings.home
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)  # end of file: the parent is gone
    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(worker.start)
        group.start_soon(_recover_now_and_then, settings)
        await stop.wait()
        group.cancel_scope.cancel()
    with anyio.move_on_after(SIGN_OFF_S):
        await sign_off(name)


async def sign_off(name: str) -> None:
    """Take the worker off both pools' lists: for as long as its last word is fresh, books would wait for it."""
    async with get_client() as client:
        for pool in (CHAPTERS_POOL, BOOKS_POOL):
            with contextlib.suppress(httpx.HTTPError, PrefectException):  # the server may be gone as well
                path = {"work_pool_name": pool, "name": quote(name)}
                await client.request(
                    "DELETE", "/work_pools/{work_pool_name}/workers/{name}", path_params=path
                )


async def _recover_now_and_then(settings: Settings) -> None:
    while True:
        try:
            await asyncio.to_thread(_recover, settings)
        except Exception as e:  # the server may be starting again; the next look tries anew
            get_logger("soundbound").warning("could not look for runs left behind: %s", e)
        await asyncio.sleep(RECOVER_EVERY_S)


def _recover(settings: Settings) -> None:
    with get_client(sync_client=True) as client:
        for run in recover(client, settings.home, [CHAPTERS_POOL, BOOKS_POOL]):
            get_logger("soundbound").warning("run %s lost its process and is queued again", run.name)
        if missed := drop_missed(client, "render-new-chapters"):
            get_logger("soundbound").info(
                "%d missed times of a schedule are dropped for the last one", missed
            )


if __name__ == "__main__":
    own = load_settings(folder=Path(json.loads(sys.argv[1])["folder"]))
    ensure_limit(own.tag)
    asyncio.run(work(own))
