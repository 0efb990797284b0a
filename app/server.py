"""The local Prefect server: found, started and stopped for those who have configured none.

One server per home folder, on loopback, shared by concurrent renders. Every client holds a shared lock on
`clients.lock` while it works. The last client to leave stops the server; should all clients be killed, the server
sees that nobody holds the lock and ends by itself. So it is never left orphaned, and a `kill -9` leaks nothing.

The server process itself is app/server_process.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from story.errors import SoundboundError

START_TIMEOUT_S = 180.0  # a new database takes 14-26 s on two busy cores (PREFECT.md)
RECORDER_S = (
    1.5  # the server writes events to its database once a second (the recorder's flush interval below)
)
LOOK_EVERY_S = 2.0  # for a server that has died

# PREFECT.md: leases that survive a restart, quick hand-over of the slot, dead holders freed soon, no telemetry.
SERVER_SETTINGS = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
}
CLIENT_SETTINGS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "DO_NOT_TRACK": "1"}


@contextlib.contextmanager
def prefect_server(
    home: Path, configured_url: str | None = None, tell: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """Yield the API URL of a running Prefect server and point this process's Prefect at it.

    The configured one if there is one, otherwise the local one, started if need be. Raises SoundboundError when it
    can't be reached or started.
    """
    os.environ.update({k: v for k, v in CLIENT_SETTINGS.items() if k not in os.environ})
    if configured_url:
        if not healthy(configured_url):
            raise SoundboundError(
                "the configured Prefect server does not answer",
                where=configured_url,
                remedy="start it, or unset PREFECT_API_URL to use a local one",
            )
        _point_prefect_at(configured_url)
        yield configured_url
        return
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "clients.lock").open("a") as clients:
        fcntl.flock(clients, fcntl.LOCK_SH)
        url = _find_or_start(folder, tell)
        os.environ.setdefault("PREFECT_HOME", str(folder))
        _point_prefect_at(url)
        over = threading.Event()
        keeper = threading.Thread(target=_keep_up, args=(home, url, tell, over), daemon=True)
        keeper.start()
        try:
            yield url
        finally:
            over.set()
            keeper.join()
            with contextlib.suppress(BlockingIOError):  # somebody else is still at work
                fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _hand_in()
                _stop(folder)


def _point_prefect_at(url: str) -> None:
    os.environ["PREFECT_API_URL"] = url
    if "prefect" in sys.modules:  # it has read the environment already
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def revive(home: Path, url: str, tell: Callable[[str], None]) -> None:
    """Start the local server again where it was, if it has died; for somebody inside `prefect_server`.

    Runs under way ask the same address again and again for about a minute (Prefect's client), so they go on.
    """
    with (home / "prefect" / "start.lock").open("a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        if _state(home / "prefect") is None:
            tell("the Prefect server has died; starting it again")
            found = _start(home / "prefect")
            if found != url:
                raise SoundboundError(
                    f"the Prefect server's port is taken by another program: it is now at {found}",
                    where=url,
                    remedy="run: soundbound serve again",
                )


def _keep_up(home: Path, url: str, tell: Callable[[str], None], over: threading.Event) -> None:
    """Any client brings a dead server back, so that no run is lost with it."""
    while not over.wait(LOOK_EVERY_S):
        if _state(home / "prefect") is None:
            try:
                revive(home, url, tell)
            except SoundboundError as e:
                tell(str(e))
                return


def running_server(home: Path) -> dict[str, Any] | None:
    """url and pid of this home's local server, or None when it is not up."""
    state = _state(home / "prefect")
    return state if state and healthy(state["url"], timeout_s=2) else None


def healthy(url: str, timeout_s: float = 10.0) -> bool:
    """Whether a Prefect API answers at `url` within the time."""
    import httpx

    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return httpx.get(f"{url.rstrip('/')}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)


def _find_or_start(folder: Path, tell: Callable[[str], None]) -> str:
    with (folder / "start.lock").open("a") as f:  # two renders that start together share one server
        fcntl.flock(f, fcntl.LOCK_EX)
        state = _state(folder)
        if state and healthy(state["url"], timeout_s=1):
            return state["url"]
        if state:  # a server that hangs or is on its way out
            _stop(folder)
        first = not (folder / "prefect.db").exists()
        tell(
            "starting a local Prefect server"
            + (" (the first time this takes up to half a minute)" if first else "")
        )
        return _start(folder)


def _start(folder: Path) -> str:
    log = folder / "server.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    with log.open("ab") as f:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.server_process", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=f,
            stderr=f,
            env={**environment, **SERVER_SETTINGS},
            start_new_session=True,  # it serves other renders too: our Ctrl-C is not for it
            cwd=Path(__file__).resolve().parent.parent,
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        state = _state(folder)
        if state and state["pid"] == process.pid and healthy(state["url"], timeout_s=0):
            return state["url"]
        time.sleep(0.1)
    process.kill()
    raise SoundboundError(
        "the local Prefect server did not start",
        where=str(log),
        remedy="read the end of that file, or run: soundbound doctor",
    )


def _stop(folder: Path) -> None:
    state = _state(folder)
    if state is None:
        return
    for sign, patience_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state["pid"], sign)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not _alive(state["pid"]):
                (folder / "server.json").unlink(missing_ok=True)
                return
            time.sleep(0.05)


def _hand_in() -> None:
    """Let the run's last log lines and events reach the server before it goes; without it the UI lacks the end."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)
    time.sleep(RECORDER_S)


def _state(folder: Path) -> dict[str, Any] | None:
    """What server.json says, if that process still lives and is a server of ours."""
    try:
        state = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if _alive(state["pid"]) else None


def _alive(pid: int) -> bool:
    """Whether `pid` is one of our servers (a recycled number is not), and no zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # reaps it, should it be our own child
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
        return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0
    return b"app.server_process" in command
