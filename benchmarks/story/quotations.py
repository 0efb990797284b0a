"""Quotation detection: precision, recall and F1 against gold spans (IoU ≥ 0.85, one to one; STORY: Evaluator).

.venv/bin/python -m benchmarks.story.quotations [GOLD_FOLDER]     # default ../shared/data/gold
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from benchmarks.story.gold import GoldBook, iou, load_books
from story.attribution.quotations import Span, find_quotes

ROOT = Path(__file__).resolve().parents[2]
HIT = 0.85
N = 60


def spans_of(text: str) -> list[Span]:
    """Paragraphs as the importer cuts them: by blank lines where there are any, else by lines."""
    pattern = (
        r"(?:[^\n]|\n(?!\s*\n))+" if len(re.findall(r"\n\s*\n", text)) > text.count("\n") / 20 else r"[^\n]+"
    )
    spans = []
    for m in re.finditer(pattern, text):
        inner = m[0].strip()
        if inner:
            start = m.start() + len(m[0]) - len(m[0].lstrip())
            verse = m[0].lstrip("\n").startswith("    ") and inner[0].isascii()
            spans.append(Span(start, start + len(inner), quotable=not verse, verse=verse))
    return spans


def score(book: GoldBook, predicted: list[tuple[int, int]]) -> tuple[int, int, int, list, list]:
    """(hits, predicted, gold, missed gold spans, false spans)."""
    gold = sorted(s for q in book.quotes for s in q.spans)
    used: set[int] = set()
    missed = []
    j = 0
    for span in gold:
        while j < len(predicted) and predicted[j][1] <= span[0]:
            j += 1
        best = -1
        k = j
        while k < len(predicted) and predicted[k][0] < span[1]:
            if k not in used and iou(span, predicted[k]) >= HIT:
                best = k
            k += 1
        if best >= 0:
            used.add(best)
        else:
            missed.append(span)
    false = [p for i, p in enumerate(predicted) if i not in used]
    return len(used), len(predicted), len(gold), missed, false


def f1(hits: int, predicted: int, gold: int) -> float:
    return 2 * hits / max(1, predicted + gold)


def main() -> None:
    args = [a for a in sys.argv[1:] if not a.startswith("-")]
    root = Path(args[0]) if args else ROOT.parent / "shared/data/gold"
    show = "--show" in sys.argv
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    for folder in ("en_pdnc_measure_only", "en_litbank", "zh_luxun"):
        scores = []
        for book in load_books(root / folder):
            if only not in book.id:
                continue
            begun = time.process_time()
            quotes = find_quotes(book.text, spans_of(book.text))
            spent = time.process_time() - begun
            predicted = [(q.start, q.end) for q in quotes if q.kind in ("speech", "thought")]
            hits, n, gold, missed, false = score(book, predicted)
            scores.append(f1(hits, n, gold))
            print(
                f"{book.id[:40]:42s} P {hits / max(1, n):.3f}  R {hits / max(1, gold):.3f}  F1 {scores[-1]:.3f}"
                f"  n {gold}  {len(book.text) / 1e6 / spent:.1f} MB/s"
            )
            if show:
                for name, spans in (("missed", missed), ("false ", false)):
                    for s, e in spans[:N]:
                        around = (book.text[max(0, s - 30) : s], book.text[s:e][:50], book.text[e : e + 25])
                        print("  ", name, *map(repr, around))
        print(f"{folder}: macro F1 {sum(scores) / max(1, len(scores)):.4f}\n")


if __name__ == "__main__":
    main()
