"""The API against its own OpenAPI description: generated requests, right and wrong, judged by schemathesis."""

from __future__ import annotations

import math
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def keep_contract(url: str, cases: int, real_tasks: list[str]) -> dict[str, int]:
    """Send `cases` requests in all, every operation its share; half of them name a task that is there.

    Returns:
        How many were sent to each operation. Raises on the first answer that breaks the description.
    """
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    sent: dict[str, int] = {}
    each = math.ceil(
        cases / sum(map(_takes_any, operations))
    )  # an operation without parameters is one request
    for operation in operations:
        _send(operation, each, real_tasks, sent)
    return sent


def _send(operation: Any, cases: int, real_tasks: list[str], sent: dict[str, int]) -> None:
    right = operation.as_strategy()
    wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @settings(max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        case=st.one_of(right, wrong) if _takes_any(operation) else right,
        real=st.sampled_from([None, *real_tasks]),
    )
    def send(case: Any, real: str | None) -> None:
        if real is not None and "task_id" in (case.path_parameters or {}):
            case.path_parameters["task_id"] = real
        sent[operation.label] = sent.get(operation.label, 0) + 1
        case.call_and_validate(checks=CHECKS, timeout=60)

    send()


def _takes_any(operation: Any) -> bool:
    return bool(operation.path_parameters or operation.query or operation.headers or operation.body)
