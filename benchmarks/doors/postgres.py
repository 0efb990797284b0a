"""A PostgreSQL server of Debian's for a benchmark: in a temporary folder, on loopback, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "postgres"  # PostgreSQL refuses to run as root


def binaries() -> Path | None:
    """Where initdb is, or None when PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a fresh database."""
    tools = binaries()
    if tools is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="soundbound-pg-"))
    become = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, USER)

    def run(*words: str) -> None:
        subprocess.run([*become, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    data = folder / "data"
    run(str(tools / "initdb"), "-D", str(data), "-U", "prefect", "-A", "trust")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        run(str(tools / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect")
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
