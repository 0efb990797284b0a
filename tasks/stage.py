"""What all stages have in common as Prefect tasks.

Prefect caches and keeps no result of theirs: takes, lines and encodes are found again by content, and the chapter's
folder is the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

P = ParamSpec("P")
R = TypeVar("R")


def stage(
    name: str, *, timeout_s: float | None = None, retries: int = 1, retry_delay_s: float = 2
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """The decorator of a stage.

    Args:
        name: as Prefect's UI shows it.
        timeout_s: of one attempt; none for stages whose flow sets it by their work (flows/gpu_stage.py).
        retries: after the first attempt; 0 for pure functions, which would only fail again.
    """
    return task(
        name=name,
        retries=retries,
        retry_delay_seconds=retry_delay_s,
        cache_policy=NO_CACHE,
        persist_result=False,
        timeout_seconds=timeout_s,
    )
