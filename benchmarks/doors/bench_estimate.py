"""How true the time left is: `python benchmarks/doors/bench_estimate.py [--runs ti-kokoro,yao-kokoro,…] [--raw FILE]`.

Starts `soundbound serve` with a home of its own (so the first run knows only the first rates), orders the example
chapters one after another through the API and watches them as the page does. For each: what the API said at 5 to 90 %
progress, the truth, and the error; likewise for the estimate that came with the order. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import ROOT, new_home
from tests.service import ENDED, Service, serving

RUNS = {  # name: novel, chapter, options
    "ti-kokoro": ("treasure_island_ch05.json", "5", {"speech": "kokoro"}),
    "yao-kokoro": ("yao_luxun.json", "1", {"speech": "kokoro"}),
    "ti-kokoro-again": ("treasure_island_ch05.json", "5", {"speech": "kokoro", "seed": 1}),
    "ti-hibari": ("treasure_island_ch05.json", "5", {"speech": "hibari"}),
    "ti-hibari-again": ("treasure_island_ch05.json", "5", {"speech": "hibari", "seed": 1}),
}
MARKS = (5, 10, 20, 35, 50, 65, 80, 90)  # percent
LOOK_EVERY_S = 0.5


def watch(service: Service, name: str, raw: list[dict[str, Any]]) -> dict[str, Any]:
    novel, chapter, options = RUNS[name]
    answer = service.client.post(
        "/api/v1/audio-generation/sequential",
        json={
            "novel_data": json.loads((ROOT / "examples" / novel).read_text(encoding="utf-8")),
            "chapters": chapter,
            "options": options,
        },
    )
    ordered = answer.json()["data"]
    began, seen = time.monotonic(), list[tuple[float, dict[str, Any]]]()
    while not seen or seen[-1][1]["status"] not in ENDED:
        time.sleep(LOOK_EVERY_S)
        seen.append((time.monotonic() - began, service.get(f"/tasks/{ordered['task_id']}/progress")))
    took_s = seen[-1][0]
    raw += [{"run": name, "at_s": round(at, 2), **told} for at, told in seen]
    marks = {}
    for mark in MARKS:
        at, told = next((at, told) for at, told in seen if told["progress_percentage"] >= mark)
        truth, said = took_s - at, told["estimated_remaining"]
        marks[f"{mark} %"] = {
            "stage": told["current_stage"],
            "said_s": said,
            "truth_s": round(truth, 1),
            "error": f"{100 * (said / truth - 1):+.0f} %",
        }
    return {
        "status": seen[-1][1]["status"],
        "took_s": round(took_s, 1),
        "ordered_s": ordered["estimated_time"],
        "error": f"{100 * (ordered['estimated_time'] / took_s - 1):+.0f} %",
        "at": marks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", default=",".join(RUNS), help="which, in this order")
    parser.add_argument("--raw", type=Path, help="every progress that was seen, as JSON")
    chosen = parser.parse_args()
    raw: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="soundbound-estimate-") as folder:
        home = new_home(Path(folder) / "home")
        with serving(home) as service:
            done = {}
            for name in chosen.runs.split(","):
                done[name] = watch(service, name, raw)
                print(name, json.dumps(done[name]), file=sys.stderr, flush=True)
            rates = json.loads((home / "rates.json").read_text())
    if chosen.raw:
        chosen.raw.write_text(json.dumps(raw))
    print(json.dumps({"runs": done, "rates": rates}, indent=1))


if __name__ == "__main__":
    main()
