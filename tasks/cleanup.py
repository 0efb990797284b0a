"""Stage: clean up. Temporary files go after success; after a failure they stay and the message says where."""

from __future__ import annotations

import shutil
from pathlib import Path

from tasks.stage import stage


@stage("clean up", retries=0, timeout_s=600)
def clean_up(work_dir: Path) -> None:
    shutil.rmtree(work_dir, ignore_errors=True)
