"""Which number a chapter gets."""

from __future__ import annotations


def chapter_numbers(own: list[int | None]) -> list[int]:
    """A number for each chapter: the book's own where they rise all the way, otherwise 1, 2, 3 … in reading order.

    Args:
        own: the number in each chapter's heading, None for a prologue and the like. One piece before number 1 gets 0.
    """
    numbers: list[int] = []
    after = next(
        (n - i for i, n in enumerate(own) if n is not None), 1
    )  # room for what comes before the first
    if after < 0:
        return list(range(1, len(own) + 1))
    for number in own:
        if number is not None and number < after:
            return list(range(1, len(own) + 1))
        numbers.append(after if number is None else number)
        after = numbers[-1] + 1
    return numbers
