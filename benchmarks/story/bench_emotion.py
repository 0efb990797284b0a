"""How often the emotion of a line is right, on labelled lines; macro-F1 over families that sound alike.

    python benchmarks/story/bench_emotion.py
    python benchmarks/story/bench_emotion.py --split dev --errors

Labels: emotion_lines.json. Families: story/data/emotion_families.json. An answer in the family of any accepted label is
right and is counted under that family; a wrong one counts against the first label's family. Tune on dev only.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from story.emotion_lexicon import families
from story.emotions import feel_line

HERE = Path(__file__).parent


def _f1(right: int, told: int, gold: int) -> float:
    return 2 * right / max(1, told + gold)


def score(items: list[dict]) -> tuple[dict[str, float], list[str]]:
    family_of = families()
    right: Counter[str] = Counter()
    told: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    strict: Counter[str] = Counter()
    first: Counter[str] = Counter()
    exact, errors = 0, []
    for item in items:
        feeling = feel_line(item["line"], item["before"], item["after"], item["language"])
        accepted = [family_of[name] for name in item["emotion"]]
        family = family_of[feeling.emotion]
        told[family] += 1
        gold[family if family in accepted else accepted[0]] += 1
        right[family] += family in accepted
        exact += feeling.emotion in item["emotion"]
        first[accepted[0]] += 1
        strict[family] += family == accepted[0]
        if family not in accepted:
            words = ", ".join(e.word for e in feeling.evidence)
            errors.append(
                f"  {item['id']} {feeling.emotion} ({words}), not {item['emotion']}: "
                f"{item['before']} [[{item['line']}]] {item['after']}"
            )
    f1 = {family: _f1(right[family], told[family], gold[family]) for family in sorted(gold)}
    strict_f1 = [_f1(strict[family], told[family], first[family]) for family in first]
    answered = sum(told.values()) - told["neutral"]
    figures = {
        "lines": len(items),
        "macro F1": sum(f1.values()) / max(1, len(f1)),
        "macro F1, first label only": sum(strict_f1) / max(1, len(strict_f1)),
        "accuracy": sum(right.values()) / max(1, len(items)),
        "exact emotion": exact / max(1, len(items)),
        "precision when not neutral": (sum(right.values()) - right["neutral"]) / max(1, answered),
        **{f"F1 {family} ({gold[family]})": value for family, value in f1.items()},
    }
    return {name: round(value, 3) for name, value in figures.items()}, errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test", "fresh"], default="fresh")
    parser.add_argument("--language", choices=["en", "zh"])
    parser.add_argument("--errors", action="store_true", help="show each wrong answer (dev only)")
    arguments = parser.parse_args()
    if arguments.errors and arguments.split == "fresh":
        parser.error("test lines are for scoring only; look at errors on --split dev")
    items = json.loads((HERE / "emotion_lines.json").read_text(encoding="utf-8"))["items"]
    chosen = [i for i in items if i["split"] == arguments.split]
    groups = {"all": chosen} if not arguments.language else {}
    for language in [arguments.language] if arguments.language else ["en", "zh"]:
        groups[language] = [i for i in chosen if i["language"] == language]
    for name, group in groups.items():
        figures, errors = score(group)
        print(json.dumps({"language": name, "split": arguments.split, **figures}, indent=1))
        if arguments.errors and name != "all":
            print("\n".join(errors))


if __name__ == "__main__":
    main()
