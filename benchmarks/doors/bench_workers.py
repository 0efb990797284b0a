"""Two workers on one Prefect server with PostgreSQL: `python benchmarks/doors/bench_workers.py`.

A book of six chapters is rendered by one worker, then (another seed, so that all takes are made anew) by two, each with
a tag, device lock and home of its own; then a third time, and one of the two is killed with its runs half-way. The
engine only waits and makes tones (tests/engines.py), as an engine on a GPU leaves the CPU alone: on a machine whose two
cores do everything, a real engine would measure the cores.

Prints one JSON object: seconds of wall time, their ratio, whether stages on one device ever overlapped, and what
became of the book after the kill. The lines' pace is set with --delay.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from postgres import free_port, postgres  # noqa: E402

from app.server import SERVER_SETTINGS, healthy  # noqa: E402
from tests.books import book, paced  # noqa: E402
from tests.conftest import save  # noqa: E402
from tests.serving import Served  # noqa: E402
from tests.waiting import START_S, wait_for  # noqa: E402

CHAPTERS = 6
LINES = 12


@contextlib.contextmanager
def prefect_on(database: str, folder: Path) -> Iterator[str]:
    """`prefect server start` with our settings, as docs/deploying.md has it."""
    port = free_port()
    environment = {
        **os.environ,
        **SERVER_SETTINGS,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
    }
    command = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--port", str(port)]
    with (folder / "prefect.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_for("the Prefect server is up", lambda: healthy(url, timeout_s=1), START_S)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)


class Worker(Served):
    """`soundbound serve --no-web` for a Prefect server elsewhere, as on a GPU machine."""

    def __init__(self, folder: Path, url: str, name: str, delay_s: float) -> None:
        folder.mkdir()
        super().__init__(
            folder,
            paced(folder, delay_s=delay_s),
            "--no-web",
            SOUNDBOUND_PREFECT_API_URL=url,
            SOUNDBOUND_GPU_TAG=f"gpu:{name}",
            SOUNDBOUND_CHAPTERS_AT_ONCE="1",
        )
        self.url = url

    @property
    def prefect_url(self) -> str:
        return self.url


def render(worker: Worker, novel: Path, output: Path, seed: int) -> tuple[Any, float]:
    """Ask for the book and wait; (the run, wall seconds)."""
    began = time.monotonic()
    run_id = worker.ask(
        "render-book",
        novel=str(novel),
        options={"speech": "paced", "seed": seed, "output": str(output)},
    )
    return worker.finished(run_id, 1800), time.monotonic() - began


def whole(worker: Worker, run_id: UUID) -> Any:
    """The run once the book is whole. The killed worker may have had the book's own run: that crashes first, and is
    queued again."""

    def found() -> Any:
        run = worker.run(run_id)
        return run if run.state is not None and run.state.is_completed() else None

    return worker.wait_for("the book is whole", found, 1800)


def overlaps(worker: Worker) -> int:
    """How often a stage began on the worker's device while another held it, by its lease log."""
    held = found = 0
    for log in (worker.home / "locks").glob("*.log"):
        for line in log.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)["event"]
            if event == "acquired":
                held += 1
                found += held > 1
            elif event in ("released", "not released"):
                held = max(0, held - 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--delay", type=float, default=2.0, help="seconds the engine takes for a line")
    delay_s = parser.parse_args().delay
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soundbound-workers-")))
        url = stack.enter_context(prefect_on(stack.enter_context(postgres()), folder))
        data = book("The Nights", CHAPTERS)
        for c in data["chapters"]:
            more = [f"Line {n} of night {c['number']}, and the wind rose." for n in range(LINES)]
            c["segments"] += [{"speaker": "narrator", "content": text} for text in more]
        novel = save(data, folder / "nights.json")

        first = stack.enter_context(Worker(folder / "one", url, "one", delay_s))
        alone, alone_s = render(first, novel, folder / "alone", 1)
        second = stack.enter_context(Worker(folder / "two", url, "two", delay_s))
        both, both_s = render(second, novel, folder / "both", 2)
        shares = [len(list((w.home / "takes").rglob("[!.]*.json"))) for w in (first, second)]

        began = time.monotonic()
        run_id = first.ask(
            "render-book",
            novel=str(novel),
            options={"speech": "paced", "seed": 3, "output": str(folder / "killed")},
        )
        first.wait_for(
            "half of the book is there",
            lambda: len(list((folder / "killed").glob("*/*/report.json"))) >= CHAPTERS // 2,
            1800,
        )
        second.kill_everything()
        survived = whole(first, run_id)
        result = {
            "delay_s": delay_s,
            "one_worker_s": round(alone_s, 1),
            "two_workers_s": round(both_s, 1),
            "ratio": round(both_s / alone_s, 3),
            "states": [r.state.name if r.state else None for r in (alone, both, survived)],
            "takes_in_each_home": shares,
            "overlaps_on_a_device": overlaps(first) + overlaps(second),
            "after_the_kill": {
                "seconds": round(time.monotonic() - began, 1),
                "chapters": len(list((folder / "killed").glob("*/*/report.json"))),
            },
        }
        print(json.dumps(result, indent=1), flush=True)


if __name__ == "__main__":
    main()
