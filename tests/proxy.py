"""A reverse proxy at a path, as docs/deploying.md sets one up: it takes the path off, and lets WebSockets through."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

HEAD_BYTES = 65_536
LOOK_EVERY_S = 0.5


@contextlib.contextmanager
def proxy(port: int, path: str) -> Iterator[str]:
    """Serves what listens on `port` of this machine under `path`, and nothing elsewhere; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LOOK_EVERY_S)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = listening.accept()
                    threading.Thread(target=_answer, args=(client, port, path), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
        finally:
            over.set()
            accepting.join()


def _answer(client: socket.socket, port: int, path: str) -> None:
    """One request of a connection, which is closed with its answer; a WebSocket stays."""
    with client, contextlib.suppress(OSError):
        head, rest = _head(client)
        line, *fields = head.split("\r\n")
        method, target, version = line.split(" ")
        if target != path and not target.startswith((f"{path}/", f"{path}?")):
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        target = target.removeprefix(path)
        target = target if target.startswith("/") else f"/{target}"
        upgrade = any(f.lower().startswith("upgrade:") for f in fields)
        kept = [f for f in fields if upgrade or not f.lower().startswith("connection:")]
        kept += [
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: http",
            *([] if upgrade else ["Connection: close"]),
        ]
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(
                "\r\n".join([f"{method} {target} {version}", *kept, "", ""]).encode("latin-1") + rest
            )
            onward = threading.Thread(target=_pipe, args=(client, server), daemon=True)
            onward.start()
            _pipe(server, client)
            client.shutdown(socket.SHUT_RDWR)
            onward.join()


def _head(client: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < HEAD_BYTES:
        more = client.recv(HEAD_BYTES)
        if not more:
            raise ConnectionResetError
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(HEAD_BYTES):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
