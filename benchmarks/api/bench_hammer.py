"""The service under people who mean it no good, and under 50 queued runs: it stays up, quick and small.

python benchmarks/api/bench_hammer.py: `soundbound serve --no-worker` in a home of its own. Prints one JSON object: answers
by status, the progress's p95 while 50 runs are queued, and by how much the web process grew.
"""

from __future__ import annotations

import asyncio
import copy
import json
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import httpx

from tests.conftest import STORM, new_home
from tests.service import Service, serving

QUEUED, TINY, SLOW, LARGE = 50, 10_000, 200, 8


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def queue(service: Service) -> list[str]:
    tasks = []
    for n in range(QUEUED):
        storm = copy.deepcopy(STORM)
        storm["title"] = f"Storm {n}"
        tasks.append(service.start(storm))
    return tasks


def progress_times(service: Service, tasks: list[str], requests: int = 300) -> list[float]:
    """Seconds of each progress request, one after another, over all tasks."""
    times = []
    for n in range(requests):
        began = time.perf_counter()
        answer = service.client.get(f"/api/v1/tasks/{tasks[n % len(tasks)]}/progress")
        times.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    return sorted(times)


async def large(service: Service) -> Counter[object]:
    """64 MiB bodies, announced and not announced, all at once."""

    async def chunks():
        for _ in range(64):
            yield b" " * 2**20

    async def one(client: httpx.AsyncClient, announced: bool) -> object:
        try:
            answer = await client.post(
                "/api/v1/audio-generation/sequential",
                content=b" " * 64 * 2**20 if announced else chunks(),
                headers={"Content-Type": "application/json"},
            )
        except httpx.HTTPError as e:  # the connection was closed while we were still sending
            return type(e).__name__
        return answer.status_code

    async with httpx.AsyncClient(base_url=service.url, timeout=120) as client:
        return Counter(await asyncio.gather(*(one(client, n % 2 == 0) for n in range(LARGE))))


async def tiny(service: Service) -> Counter[object]:
    """Wrong and right little requests, fifty at a time."""
    paths = [
        "/api/v1/health", "/api/v1/tasks/x", "/api/v1/tasks/00000000-0000-0000-0000-000000000007/progress",
        "/api/v1/nothing", "/api/v1/tasks?limit=0", "/api/v1/tasks/%2e%2e%2f/files/x", "/runs/%00", "/api/v1/models",
    ]  # fmt: skip
    seen: Counter[object] = Counter()

    async def one(client: httpx.AsyncClient, path: str) -> object:
        try:
            return (await client.get(path)).status_code
        except (httpx.ReadError, httpx.RemoteProtocolError):  # a kept connection that was closed while idle
            return "closed"

    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=service.url, timeout=120, limits=limits) as client:
        for first in range(0, TINY, 500):
            batch = [one(client, paths[n % len(paths)]) for n in range(first, first + 500)]
            seen.update(await asyncio.gather(*batch))
    return seen


def slow(service: Service) -> list[socket.socket]:
    """Connections that announce a body and send a byte of it."""
    port = int(service.url.rpartition(":")[2])
    head = (
        b"POST /api/v1/audio-generation/sequential HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000000\r\n\r\n{"
    )
    open_ = []
    for _ in range(SLOW):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(head)
        open_.append(s)
    return open_


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder) / "home")
        with serving(home, arguments=["--no-worker"]) as service:
            before = rss_mb(service.pid)
            told: dict[str, object] = {"web_process_mb_before": round(before)}

            def grown() -> int:
                return round(rss_mb(service.pid) - before)

            tasks = queue(service)
            times = progress_times(service, tasks)
            told["queued_50"] = {"progress_p50_ms": ms(times[150]), "progress_p95_ms": ms(times[285])}
            bodies = asyncio.run(large(service))
            told["bodies_of_64_mib"] = {"answers": counted(bodies), "mb_grown": grown()}
            requests = asyncio.run(tiny(service))
            told["tiny_requests_10000"] = {"answers": counted(requests), "mb_grown": grown()}
            waiting = slow(service)
            times = progress_times(service, tasks, 100)
            statuses = Counter(s.recv(64).split(b" ")[1:2][0].decode() for s in waiting)
            for s in waiting:
                s.close()
            told["slow_clients_200"] = {
                "answers": counted(statuses),
                "progress_p95_ms_meanwhile": ms(times[95]),
                "mb_grown": grown(),
            }
            told["health_after"] = service.client.get("/api/v1/health").status_code
    print(json.dumps(told, indent=1))


def ms(seconds: float) -> int:
    return round(1000 * seconds)


def counted(answers: Counter[object]) -> dict[str, int]:
    """Answers by status, the most frequent first."""
    return {str(status): n for status, n in answers.most_common()}


if __name__ == "__main__":
    main()
