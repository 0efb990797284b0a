"""Speaker mentions in 红楼梦, no list of names: the words that name the speaker before each labelled quotation.

.venv/bin/python -m benchmarks.story.honglou [GOLD_FOLDER] [--show]
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.story.quotations import ROOT, spans_of
from story.attribution.chinese_names import names_of
from story.attribution.chinese_tags import Names, find_subject, lead_verb
from story.attribution.chinese_turns import mention_of
from story.attribution.nameless import noun_class
from story.attribution.quotations import find_quotes
from story.lexicon import plain_chinese


def labelled(root: Path) -> tuple[list[dict], Names]:
    """The labelled contexts, and the names that the whole book's leads tell."""
    items = json.loads((root / "zh_honglou/honglou_labels.json").read_text(encoding="utf-8"))["items"]
    text = plain_chinese((root / "zh_honglou/hongloumeng.txt").read_text(encoding="utf-8"))
    spans = spans_of(text)
    quotes = find_quotes(text, spans)
    leads = [text[max(spans[q.block].start, q.outer_start - 60) : q.outer_start] for q in quotes]
    return items, names_of(leads)


def contexts(root: Path) -> Iterator[tuple[str, bool]]:
    """(rule, whether the mention it reads is the right one or part of it) of the contexts that name their speaker."""
    items, names = labelled(root)
    for item in items:
        context, gold = item["context"], item["speaker"]
        subject = find_subject(context, names) if gold and lead_verb(context) else None
        if subject is None or subject.kind == "pronoun":
            continue
        mention = mention_of(subject)
        if subject.kind == "noun" and not mention.group and noun_class(mention) == "kin":
            continue  # the ranker's to choose
        kind = "group" if mention.group else subject.kind
        yield f"{f'lead {subject.reach}'.strip()} {kind}", gold in subject.text or subject.text in gold


def main() -> None:
    args = [a for a in sys.argv[1:] if not a.startswith("-")]
    root = Path(args[0]) if args else ROOT.parent / "shared/data/gold"
    items, names = labelled(root)
    by_kind: dict[str, Counter[bool]] = defaultdict(Counter)
    exact = containing = named = silent = silent_right = 0
    shown = 0
    for item in items:
        context, gold = item["context"], item["speaker"]
        subject = find_subject(context, names) if lead_verb(context) else None
        got = subject.text if subject else None
        if not gold:
            silent += 1
            silent_right += got is None
            continue
        named += 1
        good = got == gold
        exact += good
        if subject:
            apart = re.split("[，。．；！？：]", context[subject.end :].strip("：，"))
            near = (
                "same clause"
                if len(apart) == 1
                else "same sentence"
                if not re.search("[。．！？]", context[subject.end :])
                else "before"
            )
            by_kind[f"{subject.kind}, {near}"][bool(got) and (gold in got or got in gold)] += 1
        containing += bool(got) and (gold in got or got in gold)
        if not good and "--show" in sys.argv and shown < 150:
            shown += 1
            print(gold, "GOT", got, "|", context[-70:])
    for kind, c in by_kind.items():
        print(
            f"   {kind:24s} names or is part of the right one {c[True] / sum(c.values()):.3f}  n {sum(c.values())}"
        )
    print(
        f"exact {exact / named:.4f}  containing {containing / named:.4f}  n {named};  nobody named: {silent_right / silent:.3f} of {silent}"
    )


if __name__ == "__main__":
    main()
