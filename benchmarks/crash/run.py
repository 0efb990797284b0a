"""kill -9 of everything, the Prefect server too, at ten random moments of a render; then the same command again.

    python -m benchmarks.crash.run            # prints and writes benchmarks/crash/result.json

Each time: command, model process and server are killed, then the same command is given once more, with the same home,
device and tag. It must complete, make only what was not stored, and publish the undisturbed run's very bytes. The test
suite does the same with a server that lives on, which is quicker (tests/test_crash.py).
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.conftest import STORM, CommandLine, new_home, save
from tests.test_crash import belonging_to, kill_everything, stored
from tests.test_render import sha256

RESULT = Path(__file__).with_name("result.json")
MOMENTS = 10


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        root = Path(folder)
        novel = save(STORM, root / "novel.json")
        undisturbed = render(root / "undisturbed", novel)
        print("undisturbed:", json.dumps(undisturbed), flush=True)
        rows = []
        for moment in range(MOMENTS):
            share = (moment + random.Random(moment).random()) / MOMENTS
            rows.append(killed(root / str(moment), novel, share * undisturbed["wall_s"]))
            rows[-1]["same_master"] = rows[-1].pop("master") == undisturbed["master"]
            rows[-1]["made_again_of_stored"] = rows[-1]["made"] + rows[-1]["stored"] - undisturbed["made"]
            print(json.dumps(rows[-1]), flush=True)
    RESULT.write_text(
        json.dumps(
            {"load_average": os.getloadavg()[0], "undisturbed": undisturbed, "moments": rows}, indent=1
        )
        + "\n"
    )
    held = all(
        r["status"] == "completed"
        and r["same_master"]
        and not r["made_again_of_stored"]
        and not r["left_behind"]
        for r in rows
    )
    print("held" if held else "NOT held")
    return 0 if held else 1


def render(folder: Path, novel: Path) -> dict[str, Any]:
    """What the command said, with its wall time and what it left running."""
    home = folder / "home"
    command = CommandLine(home if home.exists() else new_home(home))
    began = time.monotonic()
    done = command("render", novel, "-o", folder / "out", "--speech", "hibari", "--json")
    wall_s = time.monotonic() - began
    if done.status:
        raise SystemExit(f"status {done.status}: {done.stderr}")
    deadline = time.monotonic() + 20
    while belonging_to(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    return {
        "status": done.json["status"],
        "made": done.json["takes_generated"],
        "master": sha256(Path(done.json["outputs"]["master"])),
        "wall_s": round(wall_s, 1),
        "left_behind": len(belonging_to(home)),
    }


def killed(folder: Path, novel: Path, after_s: float) -> dict[str, Any]:
    home = new_home(folder / "home")
    process = CommandLine(home).start("render", novel, "-o", folder / "out", "--speech", "hibari", "--json")
    time.sleep(after_s)
    kill_everything(home, spare=set())
    process.communicate()
    kept = stored(home)
    return {"killed_after_s": round(after_s, 1), "stored": kept, **render(folder, novel)}


if __name__ == "__main__":
    sys.exit(main())
