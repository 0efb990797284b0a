"""What API and page refuse, with the HTTP status it means."""

from __future__ import annotations


class Problem(Exception):
    """A request that can't be done: said in one sentence, with its status and a name programs can rely on."""

    def __init__(self, status: int, type_: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.type, self.headers = status, type_, headers
        super().__init__(message)


def not_found(what: str) -> Problem:
    return Problem(404, "not_found", what)


def conflict(message: str) -> Problem:
    return Problem(409, "conflict", message)
