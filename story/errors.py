"""The one family of errors a user may see: what was wrong, where, and what to do next.

Every floor raises these (or subclasses) for anything a person can cause; the doors print `str(error)` on one
line and choose the exit status. A traceback is a defect of ours.
"""

from __future__ import annotations


class SoundboundError(Exception):
    """Base of all expected failures.

    Attributes:
        message: what was wrong, one sentence.
        where: the place (file, chapter, segment, field), or "".
        remedy: what the person should do next, or "".
        exit_status: status for the command line (1 failed, 2 wrong usage or input).
    """

    exit_status = 1

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        self.message, self.where, self.remedy = message, where, remedy
        super().__init__(message)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        end = f" → {self.remedy}" if self.remedy else ""
        return " ".join(f"{place}{self.message}{end}".split())


class InputError(SoundboundError):
    """The user's own input or options are wrong (exit status 2)."""

    exit_status = 2


class NovelError(InputError):
    """A novel file that can't be read; `where` names file, chapter and segment."""
