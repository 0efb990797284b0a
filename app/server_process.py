"""The local Prefect server's process: Prefect's own app under uvicorn, at the port it had before if that is free.

`python -m app.server_process FOLDER`, started by app/server.py. It ends by itself once no client holds the lock on
`clients.lock`, so that it is never left behind, whatever was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

IDLE_S = 10.0  # without any client, after which the server ends by itself


def serve(folder: Path) -> None:
    """The server process: Prefect's own app under uvicorn, on loopback, at the port it had before if that is free."""
    with _listening(folder) as sock:
        port = sock.getsockname()[1]
        url = f"http://127.0.0.1:{port}/api"
        os.environ.update(
            PREFECT_HOME=str(folder),
            PREFECT_API_URL=url,
            PREFECT_SERVER_API_HOST="127.0.0.1",
            PREFECT_SERVER_API_PORT=str(port),
            PREFECT_UI_API_URL=url,
            PREFECT_SERVER_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{folder / 'prefect.db'}",
        )
        import uvicorn
        from prefect.server.api.server import create_app

        _let_writers_wait()
        server = uvicorn.Server(uvicorn.Config(create_app(final=True), log_level="warning", lifespan="on"))
        state = folder / "server.json"
        part = state.with_suffix(".part")
        part.write_text(json.dumps({"url": url, "pid": os.getpid(), "port": port}), encoding="utf-8")
        part.replace(state)
        threading.Thread(target=_end_when_idle, args=(folder, server), daemon=True).start()
        server.run(sockets=[sock])
        state.unlink(missing_ok=True)


def _let_writers_wait() -> None:
    """Let each of the server's transactions take SQLite's write lock at its beginning, where it waits for its turn.

    One that reads first and writes then (Prefect's default) fails at once with "database is locked" when another has
    written meanwhile, as happens with a worker and a few runs on a busy machine.
    """
    from prefect.server.database.configurations import AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    def begin_with_lock(self: Any, session: Any, with_for_update: bool = False) -> Any:
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_with_lock


def _listening(folder: Path) -> socket.socket:
    """A socket at the remembered port, so that bookmarks and runs under way find a server that was started again."""
    kept = folder / "port"
    wanted = int(kept.read_text()) if kept.exists() else 0
    for port in (wanted, 0):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a killed server linger
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            sock.close()
            continue
        kept.write_text(str(sock.getsockname()[1]))
        return sock
    raise OSError("no free port on 127.0.0.1")


def _end_when_idle(folder: Path, server: Any) -> None:
    """Ends the server once no client has held the lock for a while."""
    idle_since = None
    with (folder / "clients.lock").open("a") as clients:
        while not server.should_exit:
            time.sleep(1)
            if not _nobody(clients):
                idle_since = None
            elif idle_since is None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > IDLE_S:
                server.should_exit = True


def _nobody(clients: IO[str]) -> bool:
    try:
        fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(clients, fcntl.LOCK_UN)
    return True


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
