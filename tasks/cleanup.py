"""Stage: clean up. Temporary files go after success; after a failure they stay and the message says where."""

from __future__ import annotations

import shutil
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE


@task(name="clean up", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=600)
def clean_up(work_dir: Path) -> None:
    shutil.rmtree(work_dir, ignore_errors=True)
