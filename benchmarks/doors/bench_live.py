"""How soon the page shows what happens: `python benchmarks/doors/bench_live.py`.

A chapter of 60 lines is rendered by hibari while a headless browser has its page open. For every line: the time from
its take's being stored to the step's counting it on the page. Prints one JSON object (seconds).
"""

from __future__ import annotations

import copy
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser import browser
from tests.conftest import STORM, new_home
from tests.service import serving

LINES = 60
COUNT = """
const step = document.querySelector('.sb-step[data-stage="dialogue"]');
return [document.querySelector('#sb-status')?.textContent, step?.querySelector('.sb-count').textContent || ''];
"""


def chapter() -> dict:
    storm = copy.deepcopy(STORM)
    lines = storm["chapters"][0]["segments"]
    storm["chapters"][0]["segments"] = [
        {**lines[n % len(lines)], "content": f"{lines[n % len(lines)]['content']} That was number {n}."}
        for n in range(LINES)
    ]
    return storm


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="soundbound-live-") as folder:
        home = new_home(Path(folder) / "home")
        with serving(home) as service, browser() as window:
            task = service.start(chapter())
            window.get(f"{service.url}/runs/{task}")
            seen: list[tuple[float, int]] = []
            status = ""
            while status not in ("completed", "degraded", "failed"):
                status, count = window.execute_script(COUNT)
                done = int(count.split("/")[0]) if "/" in count else 0
                if not seen or done > seen[-1][1]:
                    seen.append((time.time(), done))
                time.sleep(0.03)
            takes = sorted(
                p.stat().st_mtime
                for p in (home / "takes").rglob("[!.]*.json")
                if "text" in json.loads(p.read_text())["request"]
            )
    late = [
        next(at for at, done in seen if done >= n) - made
        for n, made in enumerate(takes, 1)
        if n <= seen[-1][1]
    ]
    result = {
        "status": status,
        "lines": len(takes),
        "counted": len(late),
        "p50_s": round(statistics.median(late), 2),
        "p95_s": round(statistics.quantiles(late, n=20)[-1], 2),
        "max_s": round(max(late), 2),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
