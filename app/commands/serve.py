"""`soundbound serve`: the Prefect server with its UI, a worker for the deployments, the API and the page."""

from __future__ import annotations

import contextlib
import fcntl
import json as json_module
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from app.commands.output import print_json
from app.server import prefect_server, running_server
from app.settings import Settings, load_settings
from story.errors import SoundboundError

PORT = 8765


def serve(
    *,
    port: int = PORT,
    host: str = "127.0.0.1",
    root_path: str = "",
    worker: bool = True,
    web: bool = True,
    check: bool = False,
    json: bool = False,
) -> int:
    """Start everything and keep it up until Ctrl-C: Prefect server and UI, worker, REST API and progress page.

    Runs under way when it is stopped (or killed) go on at the next start, from what they had made.

    Parameters
    ----------
    port
        Port of API and page.
    host
        Address they listen on. Beyond this machine (0.0.0.0) an access token is needed: SOUNDBOUND_ACCESS_TOKEN.
    root_path
        The path a reverse proxy puts before them, e.g. /soundbound.
    worker
        Render here; --no-worker only serves server, API and page.
    web
        API and page; --no-web on a machine that only renders for another one's Prefect server.
    check
        Tell what is up, and end: exit status 0 when everything is.
    json
        With --check: print one JSON object.
    """
    from app.web import check_reach, clean_root, listen

    settings = load_settings()
    if check:
        return _check(settings, json)
    check_reach(host, settings.access_token)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    root = clean_root(root_path)
    with _only_one(settings.home) as state:
        sock = listen(host, port) if web else None
        address = f"http://{_shown(host)}:{sock.getsockname()[1]}{root}" if sock else None
        settings = settings.model_copy(update={"page_url": settings.page_url or address})
        try:
            _serve(settings, sock, root, worker, address, state, console)
        finally:
            if sock is not None:
                sock.close()
    return 0


def _serve(
    settings: Settings,
    sock: Any,
    root: str,
    worker: bool,
    address: str | None,
    state: IO[str],
    console: Console,
) -> None:
    def tell(line: str) -> None:
        console.print(line, style="dim", markup=False)

    with _ended_by_sigterm(), prefect_server(settings.home, settings.prefect_api_url, tell) as url:
        from app.deployments import register
        from app.supervisor import Supervisor
        from app.web import web_server
        from flows.limit import ensure_limit

        ensure_limit(settings.tag)
        deployments = register()
        supervisor = Supervisor(settings, url, Path.cwd(), worker=worker, tell=tell)
        supervisor.start()
        try:
            json_module.dump({"prefect": url, "web": address, "worker": worker}, state)
            state.flush()
            console.print(f"Prefect UI   {url.removesuffix('/api')}", style="bold")
            if address:
                console.print(f"Page, API    {address}", style="bold")
            console.print(f"Deployments  {', '.join(d.partition('/')[2] for d in deployments)}")
            if worker:
                tell(f"worker log   {settings.home / 'prefect' / 'worker.log'}")
            if sock is not None:
                web_server(settings, root).run(sockets=[sock])
            else:
                signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            tell("stopping; runs under way go on at the next start")
            supervisor.stop()


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """systemd and `docker stop` send SIGTERM: the same as Ctrl-C."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[IO[str]]:
    """One `serve` a home; the open state file says where it is."""
    path = _state_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SoundboundError(
                "soundbound serve is up already",
                where=str(home),
                remedy="see: soundbound serve --check; or give the second one a home of its own (SOUNDBOUND_HOME)",
            ) from None
        f.truncate(0)
        try:
            yield f
        finally:
            f.truncate(0)


def _state_file(home: Path) -> Path:
    return home / "prefect" / "serve.json"


def _served(home: Path) -> dict[str, Any] | None:
    """What a living `serve` of this home says of itself."""
    path = _state_file(home)
    if not path.exists():
        return None
    with path.open("a+", encoding="utf-8") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            f.seek(0)
            text = f.read()
            return json_module.loads(text) if text else {}
    return None


def _check(settings: Settings, json: bool) -> int:
    from app.server import healthy

    served = _served(settings.home)
    local = running_server(settings.home)
    url = settings.prefect_api_url or (local["url"] if local else None)
    up = url is not None and healthy(url, timeout_s=2)
    parts: dict[str, Any] = {
        "serve": None if served is None else "starting" if not served else "up",
        "prefect": url if up else None,
        "workers": {},
        "deployments": [],
        "web": _answers(served.get("web") if served else None),
    }
    if up and url:
        parts["workers"], parts["deployments"] = _seen_by_prefect(url)
    wants = served or {}
    fine = bool(
        served
        and up
        and (not wants.get("worker") or all(parts["workers"].values()))
        and (not wants.get("web") or parts["web"])
        and parts["deployments"]
    )
    if json:
        print_json({"status": "completed" if fine else "failed", **parts})
        return 0 if fine else 1
    console = Console(highlight=False, soft_wrap=True)
    rows = {
        "serve": parts["serve"] or "not running: soundbound serve",
        "Prefect": parts["prefect"] or "not up",
        "workers": ", ".join(f"{pool}: {n} online" for pool, n in parts["workers"].items()) or "none",
        "deployments": ", ".join(parts["deployments"]) or "none",
        "page, API": parts["web"] or "not up",
    }
    for name, found in rows.items():
        console.print(f"{name:<12} {found}", markup=False)
    return 0 if fine else 1


def _answers(web: str | None) -> str | None:
    import httpx

    try:
        return web if web and httpx.get(f"{web}/api/v1/health", timeout=5).status_code == 200 else None
    except httpx.HTTPError:
        return None


def _seen_by_prefect(url: str) -> tuple[dict[str, int], list[str]]:
    """Online workers by pool, and our deployments."""
    os.environ["PREFECT_API_URL"] = url
    from prefect.client.orchestration import get_client

    from app.deployments import POOLS

    ours = {"deployments": {"tags": {"all_": ["soundbound"]}}}
    online = dict.fromkeys(POOLS, 0)
    with get_client(sync_client=True) as client:
        for pool in POOLS:
            with contextlib.suppress(Exception):  # a pool that is not there yet has no workers
                route, named = "/work_pools/{work_pool_name}/workers/filter", {"work_pool_name": pool}
                seen = client.request("POST", route, path_params=named, json={}).json()
                online[pool] = sum(w["status"] == "ONLINE" for w in seen)
        listed = client.request("POST", "/deployments/filter", json=ours).json()
    return online, sorted(d["name"] for d in listed)


def _shown(host: str) -> str:
    """An address a browser can open."""
    host = host.strip("[]")
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{shown}]" if ":" in shown else shown
