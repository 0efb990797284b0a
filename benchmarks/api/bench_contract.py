"""The API against its own OpenAPI description in 2,000 generated requests (schemathesis): no 5xx, no violation.

python benchmarks/api/bench_contract.py [CASES]: starts `soundbound serve` in a home of its own, renders a chapter, sends.
"""

from __future__ import annotations

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
        began = time.process_time()
        sent = keep_contract(service.url, cases, [task])
        for label, count in sent.items():
            print(f"{count:5d}  {label}")
        print(
            f"{sum(sent.values())} requests, none broke the description; {time.process_time() - began:.0f} s of CPU"
        )


if __name__ == "__main__":
    main()
