"""Fifty chapters in the queue of one machine: `python benchmarks/doors/bench_queue.py [--runs 50]`.

All are asked for at once of `soundbound serve` (SQLite, one worker, two at a time). Prints one JSON object: how they
ended, whether they began in the order they were asked for (a worker takes two at a time, so neighbours may swap),
database errors in the server's log, and the time API and page took for progress meanwhile (milliseconds).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.books import book, paced  # noqa: E402
from tests.conftest import save  # noqa: E402
from tests.serving import Served  # noqa: E402

PAGE_EVERY = 5  # looks at the progress


def p95(times_ms: list[float]) -> int:
    return round(statistics.quantiles(times_ms, n=20)[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=50)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="soundbound-queue-") as name:
        folder = Path(name)
        novel = save(book("The Nights", runs), folder / "nights.json")
        with Served(folder, paced(folder)) as served:
            began = time.monotonic()
            options = {"speech": "paced", "output": str(folder / "out")}
            asked = [
                served.ask("render-chapter", novel=str(novel), chapter=str(n), options=options)
                for n in range(1, runs + 1)
            ]
            asked_s = time.monotonic() - began
            took_ms, page_ms, ended = [], [], []
            with httpx.Client(base_url=served.web_url, timeout=30) as api:
                for run_id in asked:
                    while True:
                        at = time.monotonic()
                        answer = api.get(f"/api/v1/tasks/{run_id}/progress").json()
                        took_ms.append(1000 * (time.monotonic() - at))
                        if answer.get("data", {}).get("status") not in ("queued", "running"):
                            break
                        if len(took_ms) % PAGE_EVERY == 0:
                            at = time.monotonic()
                            assert api.get(f"/runs/{run_id}").status_code == 200
                            page_ms.append(1000 * (time.monotonic() - at))
                        time.sleep(1)
                    ended.append(served.run(run_id))
            log = (served.home / "prefect" / "server.log").read_text(errors="replace")
            begun = [r.start_time.timestamp() for r in ended if r.start_time]
            late = sum(later < earlier for earlier, later in zip(begun, begun[2:], strict=False))
            result = {
                "runs": runs,
                "ended": Counter(r.state.name if r.state else "none" for r in ended),
                "seconds": round(time.monotonic() - began, 1),
                "asked_for_in_s": round(asked_s, 1),
                "began_out_of_order": late,
                "database_errors": log.count("database is locked"),
                "progress_asked": len(took_ms),
                "progress_p50_ms": round(statistics.median(took_ms)),
                "progress_p95_ms": p95(took_ms),
                "page_asked": len(page_ms),
                "page_p95_ms": p95(page_ms),
            }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
