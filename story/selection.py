"""Which chapters a person means by "5", "1-3", "1,4-6", "all", or a chapter's id."""

from __future__ import annotations

import re
import unicodedata

from story.errors import InputError
from story.jsonfile import quote
from story.novel import Chapter, Novel


def select_chapters(novel: Novel, spec: str) -> list[Chapter]:
    """The chapters that `spec` names, in the book's order: "all", "5", "1-3", "1,4-6", or ids.

    Raises:
        InputError: a number or id the novel has not, or no selection at all; names what there is.
    """
    text = unicodedata.normalize("NFKC", spec).strip()
    there = ", ".join(_ranges([c.number for c in novel.chapters]))
    where, remedy = f"chapters {quote(spec)}", f"{novel.title} has chapters {there}"
    if text.casefold() == "all":
        return list(novel.chapters)
    by_id = {c.id: c for c in novel.chapters}
    if text in by_id:
        return [by_id[text]]
    by_number = {c.number: c for c in novel.chapters}
    chosen: set[str] = set()
    for part in (p.strip() for p in text.split(",")):
        span = re.fullmatch(r"(\d{1,9})\s*[-–—~]\s*(\d{1,9})", part)
        if part in by_id:
            chosen.add(part)
        elif re.fullmatch(r"\d{1,9}", part) and int(part) in by_number:
            chosen.add(by_number[int(part)].id)
        elif span and int(span[1]) > int(span[2]):
            raise InputError(
                f"the range {part} runs backwards", where=where, remedy=f"write {span[2]}-{span[1]}"
            )
        elif span and int(span[1]) in by_number and int(span[2]) in by_number:
            chosen |= {c.id for c in novel.chapters if int(span[1]) <= c.number <= int(span[2])}
        elif span or part.isdigit():
            missing = next((n for n in (span.groups() if span else (part,)) if int(n) not in by_number), part)
            raise InputError(f"there is no chapter {missing}", where=where, remedy=remedy)
        else:
            wrong = f"{quote(part)} is no chapter" if part else "a chapter is missing between commas"
            raise InputError(wrong, where=where, remedy=f"write 5, 1-3, 1,4-6 or all; {remedy}")
    return [c for c in novel.chapters if c.id in chosen]


def _ranges(numbers: list[int]) -> list[str]:
    """[1, 2, 3, 7] → ["1-3", "7"]."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in runs]
