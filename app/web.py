"""API and page under uvicorn: where they listen, behind which path, and for whom."""

from __future__ import annotations

import ipaddress
import socket

import uvicorn

from app.access import Guard
from app.feeds import Feeds
from app.settings import Settings
from story.errors import InputError

MIN_TOKEN = 16


def check_reach(host: str, token: str | None) -> None:
    """Raises InputError when others could reach `host` without a token."""
    if token is None and not is_loopback(host):
        raise InputError(
            f"{host} can be reached from other machines, so an access token is needed",
            where="--host",
            remedy=f"set SOUNDBOUND_ACCESS_TOKEN (or access_token in soundbound.toml) to {MIN_TOKEN} or more "
            "characters only you know, or stay on 127.0.0.1 behind a proxy that asks for a password",
        )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, or an InputError that names the port. Bound before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
    except OSError as e:
        sock.close()
        raise InputError(
            f"cannot listen there: {e.strerror or e}", where=f"{host}:{port}", remedy="choose another --port"
        ) from None
    return sock


def clean_root(root_path: str) -> str:
    """ "/sound/" → "/sound", "" and "/" → ""."""
    inner = root_path.strip("/")
    return f"/{inner}" if inner else ""


def web_server(settings: Settings, root_path: str) -> uvicorn.Server:
    """The application of app/api and the feeds, guarded where there is a token, ready to `run(sockets=[…])`."""
    from app.api import create_app

    app = Feeds(create_app(settings), settings.machine().shelf_dir)
    guarded = Guard(app, settings.access_token) if settings.access_token else app
    config = uvicorn.Config(
        guarded,
        root_path=root_path,
        log_level="warning",
        access_log=False,
        proxy_headers=True,  # from the proxy on this machine only
        forwarded_allow_ips="127.0.0.1",
        timeout_keep_alive=75,  # longer than proxies and clients keep a connection: they close it, not we under them
        timeout_graceful_shutdown=5,
        lifespan="on",
    )
    return uvicorn.Server(config)
