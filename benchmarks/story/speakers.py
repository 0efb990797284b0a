"""Speakers of quotations against gold, with a character list and from raw text (STORY: Evaluator).

.venv/bin/python -m benchmarks.story.speakers [GOLD_FOLDER]     # default ../shared/data/gold
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.story.gold import GoldBook, GoldQuote, load_books
from benchmarks.story.quotations import ROOT, spans_of
from story.attribution.chinese import attribute_chinese
from story.attribution.english import attribute_english
from story.attribution.quotations import find_quotes
from story.attribution.reading import Prose
from story.attribution.roster import Person, from_list, key
from story.novel import Gender, is_chinese

RULE = next((a[7:] for a in sys.argv if a.startswith("--rule=")), "")
GENDER: dict[str, Gender] = {"F": "female", "M": "male"}


class Line:
    def __init__(self, start: int, end: int, person: int, rule: str, confidence: float) -> None:
        self.start, self.end, self.person, self.rule, self.confidence = start, end, person, rule, confidence


def run(book: GoldBook, closed: bool) -> tuple[list[Person], list[Line]]:
    spans = spans_of(book.text)
    quotes = find_quotes(book.text, spans)
    given = None
    if closed:
        given = from_list(
            (c.id, c.name, c.aliases, GENDER.get(c.gender, "unknown"), "unknown") for c in book.characters
        )
    engine = attribute_chinese if is_chinese(book.language) else attribute_english
    roster, (spoken,) = engine([Prose(book.text, spans, quotes)], given)
    lines = [
        Line(quotes[i].start, quotes[i].end, decision.person, decision.rule, decision.confidence)
        for i, decision in spoken.items()
    ]
    lines.sort(key=lambda line: line.start)
    return roster.people, lines


def mapping(book: GoldBook, people: list[Person], closed: bool) -> dict[int, str]:
    """Discovered person → gold id: the owner of their most frequent alias that anybody owns."""
    if closed:
        return {i: p.id for i, p in enumerate(people)}
    owner = {}
    for c in book.characters:
        for alias in c.aliases:
            owner.setdefault(key(alias), c.id)
    found = {}
    for i, person in enumerate(people):
        for alias, _ in sorted(person.aliases.items(), key=lambda e: -e[1]) or [(person.name, 1)]:
            who = owner.get(key(alias)) or owner.get(key(alias).removeprefix("the "))
            if who is not None:
                found[i] = who
                break
    return found


def judged(book: GoldBook, lines: list[Line]) -> list[tuple[GoldQuote, Line | None]]:
    """Each gold quotation with the predicted line that overlaps it most."""
    pairs = []
    j = 0
    for quote in sorted((q for q in book.quotes if q.speaker is not None), key=lambda q: q.spans[0]):
        best, best_overlap = None, 0
        for start, end in quote.spans:
            while j < len(lines) and lines[j].end <= quote.spans[0][0] - 5000:
                j += 1
            for line in lines[j:]:
                if line.start >= end:
                    break
                overlap = min(end, line.end) - max(start, line.start)
                if overlap > best_overlap:
                    best, best_overlap = line, overlap
        pairs.append((quote, best))
    return pairs


def lit_mapping(book: GoldBook, people: list[Person], lines: list[Line]) -> dict[int, str]:
    """For LitBank, whose speakers bear one name each: by name where it fits, then by most shared lines, one to one."""
    found = mapping(book, people, False)
    shared: Counter[tuple[int, str]] = Counter()
    for quote, line in judged(book, lines):
        if line is not None and quote.speaker is not None:
            shared[line.person, quote.speaker] += 1
    for (person, gold), _ in shared.most_common():
        if person not in found and gold not in found.values():
            found[person] = gold
    return found


def main() -> None:
    args = [a for a in sys.argv[1:] if not a.startswith("-")]
    root = Path(args[0]) if args else ROOT.parent / "shared/data/gold"
    show = int(next((a[7:] for a in sys.argv if a.startswith("--show=")), "0"))
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    modes = [("closed", True), ("raw", False)] if "--lit" not in sys.argv else [("raw", False)]
    folder = (
        "zh_luxun" if "--zh" in sys.argv else "en_litbank" if "--lit" in sys.argv else "en_pdnc_measure_only"
    )
    for mode, closed in modes:
        macro, rules, types = [], defaultdict(Counter), defaultdict(Counter)
        sure = Counter()
        calibration = defaultdict(Counter)
        for book in load_books(root / folder):
            if only not in book.id:
                continue
            begun = time.process_time()
            people, lines = run(book, closed)
            spent = time.process_time() - begun
            names = (
                mapping(book, people, closed) if folder != "en_litbank" else lit_mapping(book, people, lines)
            )
            right = 0
            pairs = judged(book, lines)
            if show:
                for p_i, person in enumerate(people[:25]):
                    print(
                        "   ",
                        person.name,
                        person.gender,
                        dict(person.aliases.most_common(6)),
                        "→",
                        names.get(p_i),
                        "NARRATOR" if person.narrator else "",
                    )
            gold_name = {c.id: c.name for c in book.characters}
            shown = 0
            for quote, line in pairs:
                good = line is not None and names.get(line.person) == quote.speaker
                right += good
                types[quote.type][good] += 1
                if line is not None:
                    rules[line.rule][good] += 1
                    calibration[round(line.confidence, 1)][good] += 1
                    if line.confidence >= 0.9:
                        sure[good] += 1
                if not good and shown < show and (not RULE or (line and line.rule == RULE)):
                    shown += 1
                    s, e = quote.spans[0]
                    print(
                        "  ✗",
                        repr(book.text[max(0, s - 100) : s]),
                        "[",
                        repr(book.text[s:e][:40]),
                        "]",
                        repr(book.text[e : e + 60]),
                        "GOLD",
                        gold_name[quote.speaker or ""],
                        "GOT",
                        line and people[line.person].name,
                        line and line.rule,
                        quote.type,
                    )
            macro.append(right / max(1, len(pairs)))
            print(
                f"{mode:7s} {book.id[:40]:42s} {macro[-1]:.3f}  n {len(pairs)}  {len(book.text) / 1e6 / spent:.2f} MB/s"
            )
        print(
            f"{mode}: macro {sum(macro) / max(1, len(macro)):.4f}",
            {t: f"{c[True] / (c[True] + c[False]):.3f} of {c[True] + c[False]}" for t, c in types.items()},
        )
        print(
            "   confidence ≥ 0.9:", f"{sure[True] / max(1, sum(sure.values())):.3f} of {sum(sure.values())}"
        )
        for rule, c in sorted(rules.items(), key=lambda e: -sum(e[1].values())):
            print(f"      {rule:24s} {c[True] / sum(c.values()):.3f}  n {sum(c.values())}")
        if "--cal" in sys.argv:
            print(
                {
                    k: f"{c[True] / sum(c.values()):.2f}/{sum(c.values())}"
                    for k, c in sorted(calibration.items())
                }
            )


if __name__ == "__main__":
    main()
