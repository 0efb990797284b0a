"""The API against its own OpenAPI description in 2,000 generated requests (schemathesis): no 5xx, no violation.

python benchmarks/api/bench_contract.py [CASES]: starts `soundbound serve` in a home of its own, renders a chapter, sends.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import STORM, new_home
from tests.contract import keep_contract
from tests.service import serving


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder, serving(new_home(Path(folder) / "home")) as service:
        task = service.start(STORM)
        service.ended(task)
        began = time.monotonic()
        sent = keep_contract(service.url, cases, [task])
        told = {
            "requests": sum(sent.values()),
            "broke_the_description": 0,  # the first one that does raises
            "seconds": round(time.monotonic() - began),
            "by_operation": sent,
        }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
