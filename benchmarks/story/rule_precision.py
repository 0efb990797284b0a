"""How often each rule that names its speaker outright is right: the sieve's confidences (data/speaker_rules.json).

    .venv/bin/python -m benchmarks.story.rule_precision [GOLD_FOLDER] [--write]

English from LitBank (CC BY 4.0), Chinese from 鲁迅's three stories and the labelled contexts of 红楼梦 (MIT). Nothing is
measured on PDNC, which only checks (`speakers.py`).

A rule is right when it points to the right person. Whether two names are one person is another matter (`speakers.py`
measures both together): LitBank knows its speakers by one name each, so a person that attribution found stands for the
gold speaker who shares a name with them, else for whoever has most of their *other* lines by such rules; where neither tells, the
line is not judged. In 红楼梦 the mention itself is labelled.

A confidence is the share of right lines drawn towards what was set by hand before anything was measured (`prior`), as
if that had been seen on STRENGTH lines; with fewer than FEW lines the prior stays as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.story.gold import GoldBook, load_books
from benchmarks.story.honglou import contexts
from benchmarks.story.quotations import ROOT
from benchmarks.story.speakers import Line, judged, mapping, run
from story.attribution.roster import Person, key
from story.novel import is_chinese

STRENGTH, FEW = 10, 4
TARGET = ROOT / "story/data/speaker_rules.json"
CHOSEN = {  # by the ranker, whose own chance is the confidence
    "tag pronoun", "tag noun guess", "action", "action pronoun", "answers when called", "alternation", "last named",
    "nearby",
}  # fmt: skip


def words_of(name: str) -> set[str]:
    return {
        w for w in re.split(r"[\s._]+", key(name)) if len(w) > 2 and w not in ("the", "mrs", "miss", "sir")
    }


def named_alike(book: GoldBook, people: list[Person]) -> dict[int, str]:
    """Person found → the one gold speaker who shares a word of the name."""
    speakers = {q.speaker for q in book.quotes}
    gold = {c.id: set().union(*(words_of(a) for a in c.aliases)) for c in book.characters if c.id in speakers}
    found = {}
    for i, person in enumerate(people):
        names = set().union(*(words_of(a) for a in [person.name, *person.aliases]))
        alike = [who for who, words in gold.items() if words & names]
        if len(alike) == 1:
            found[i] = alike[0]
    return found


def verdicts(book: GoldBook, people: list[Person], lines: list[Line]) -> list[tuple[str, bool]]:
    """(rule, whether it is right) of every line that can be judged."""
    pairs = [(q.speaker, line) for q, line in judged(book, lines) if line is not None]
    if is_chinese(book.language):
        names = mapping(book, people, closed=False)
        return [(line.rule, names.get(line.person) == gold) for gold, line in pairs]
    alike = named_alike(book, people)
    given: dict[int, Counter[str]] = defaultdict(Counter)
    for gold, line in pairs:
        if line.rule not in CHOSEN:
            given[line.person][gold or ""] += 1
    found = []
    for gold, line in pairs:
        others = given[line.person] - Counter([gold or ""] if line.rule not in CHOSEN else [])
        who = alike.get(line.person) or next((w for w, _ in others.most_common(1)), None)
        if who is not None:
            found.append((line.rule, who == gold))
    return found


def measured(root: Path) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Language → rule → set of gold data → [right, lines]."""
    found: dict[str, dict[str, dict[str, list[int]]]] = {"en": {}, "zh": {}}

    def count(language: str, rule: str, source: str, right: bool) -> None:
        cell = found[language].setdefault(rule, {}).setdefault(source, [0, 0])
        cell[0] += right
        cell[1] += 1

    for language, source in (("en", "en_litbank"), ("zh", "zh_luxun")):
        for book in load_books(root / source):
            for rule, right in verdicts(book, *run(book, closed=False)):
                count(language, rule, source, right)
    for rule, right in contexts(root):
        count("zh", rule, "zh_honglou", right)
    return found


def confidence(prior: float, right: int, lines: int) -> float:
    return prior if lines < FEW else round((right + STRENGTH * prior) / (lines + STRENGTH), 3)


def main() -> None:
    args = [a for a in sys.argv[1:] if not a.startswith("-")]
    root = Path(args[0]) if args else ROOT.parent / "shared/data/gold"
    table = json.loads(TARGET.read_text(encoding="utf-8"))
    seen = measured(root)
    for language, rules in table["rules"].items():
        for rule in sorted({*rules, *(r for r in seen[language] if r not in CHOSEN)}):
            prior = rules.get(rule, {}).get("prior", table["unmeasured"])
            counts = seen[language].get(rule, {})
            right, lines = (sum(c[i] for c in counts.values()) for i in (0, 1))
            sure = confidence(prior, right, lines)
            rules[rule] = {"prior": prior, "confidence": sure, "measured": counts}
            share = f"{right / lines:.3f}" if lines else "  -  "
            print(f"{language} {rule:20s} {share} of {lines:5d}   prior {prior:.2f} → {sure:.3f}")
        chosen = {rule: {"measured": counts} for rule, counts in seen[language].items() if rule in CHOSEN}
        table["chosen"][language] = dict(sorted(chosen.items()))
        for rule, entry in table["chosen"][language].items():
            right, lines = (sum(c[i] for c in entry["measured"].values()) for i in (0, 1))
            print(f"{language} {rule:20s} {right / lines:.3f} of {lines:5d}   (by the ranker's chance)")
    table["strength"], table["few"] = STRENGTH, FEW
    if "--write" in sys.argv:
        TARGET.write_text(written(table), encoding="utf-8")


def written(table: dict) -> str:
    """JSON with one rule a line."""

    def lines(rules: dict) -> str:
        return "{\n" + ",\n".join(f'   "{r}": {json.dumps(e)}' for r, e in sorted(rules.items())) + "\n  }"

    text = json.dumps(
        {k: v for k, v in table.items() if k not in ("rules", "chosen")}, ensure_ascii=False, indent=1
    )[:-2]
    for part in ("rules", "chosen"):
        body = ",\n".join(f'  "{language}": {lines(rules)}' for language, rules in table[part].items())
        text += f',\n "{part}": {{\n{body}\n }}'
    return text + "\n}\n"


if __name__ == "__main__":
    main()
