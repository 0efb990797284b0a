"""The tag's concurrency limit. A missing limit is silently unlimited in Prefect, so it is set and then asserted."""

from __future__ import annotations

from prefect.client.orchestration import get_client

from story.errors import SoundboundError


def limit_name(tag: str) -> str:
    """The name of the global concurrency limit behind a tag."""
    return f"tag:{tag}"


def ensure_limit(tag: str) -> None:
    """Upsert the limit of one for `tag` and check that the server has it; raises SoundboundError if not."""
    name = limit_name(tag)
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(name, 1)
        limit = client.read_global_concurrency_limit_by_name(name)
    if limit.limit != 1 or not limit.active:
        raise SoundboundError(
            f"the concurrency limit is {limit.limit} (active: {limit.active}), it must be 1 and active",
            where=f"Prefect limit {name}",
            remedy=f"prefect gcl update {name} --limit 1 --enable",
        )
