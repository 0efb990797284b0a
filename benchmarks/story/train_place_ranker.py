"""Fits the place ranker (story/data/place_ranker.json) on the labelled passages and judges it on books left out.

A conditional logit over a passage's candidates, "not told" among them; of several right answers any will do. Books are
left out in folds, never passages: a rule learned from a book helps in that book only.

    python -m benchmarks.story.train_place_ranker [--write]
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.story.bench_scenes import chapter_of
from story.place_features import UNTOLD, candidates
from story.scene_bounds import blocks
from story.scene_cues import find_cues
from story.scene_evidence import findings
from story.scene_place import answer_from, chances, likeliest

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "story/data/place_ranker.json"
PULL = 4.0  # towards 0, of weights in units of their features' spread
FOLDS = 8
UNSEEN = "blind3"  # the newest passages judge, they don't teach
# A wrong place is worse than none: precision when answering shall be this, at least.
PRECISION = 0.85


@dataclass(frozen=True)
class Passage:
    book: str
    split: str
    right: frozenset[str]
    rows: dict[str, dict[str, float]]


def passage(item: dict) -> Passage:
    """The candidates of the passage's longest scene, as the analyser asks them."""
    language = item["language"]
    block = max(
        blocks(chapter_of(item["text"]), language), key=lambda b: sum(len(s.content) for s in b.segments)
    )
    found = [f for segment in block.segments for f in findings(segment, language)]
    cues = [c for segment in block.segments for c in find_cues(segment, language)]
    rows = candidates(found, block.segments, cues, block.arrival_class, language)
    return Passage(item["book"], item["split"], frozenset(item["place"]), rows)


def fit(passages: list[Passage], pull: float = PULL) -> dict[str, list[float]]:
    """Weight, least and greatest value by feature."""
    names = sorted({name for p in passages for row in p.rows.values() for name in row})
    index = {name: i for i, name in enumerate(names)}
    everything = []
    for p in passages:
        matrix = np.zeros((len(p.rows), len(names)))
        for n, row in enumerate(p.rows.values()):
            for name, value in row.items():
                matrix[n, index[name]] = value
        everything.append((matrix, [n for n, name in enumerate(p.rows) if name in p.right]))
    stacked = np.concatenate([matrix for matrix, _ in everything])
    spread = np.sqrt((stacked**2).mean(0)) + 1e-6
    used = [(matrix / spread, right) for matrix, right in everything if right]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = 0.0, np.zeros_like(w)
        for matrix, right in used:
            scores = matrix @ w
            powers = np.exp(scores - scores.max())
            shares, wanted = powers / powers.sum(), powers[right] / powers[right].sum()
            total -= math.log(max(1e-12, shares[right].sum()))
            slope += matrix.T @ shares - matrix[right].T @ wanted
        return total + pull * float(w @ w), slope + 2 * pull * w

    best = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    return _with_ranges(names, best / spread, [row for p in passages for row in p.rows.values()])


def _with_ranges(
    names: list[str], weights: np.ndarray, rows: list[dict[str, float]]
) -> dict[str, list[float]]:
    ranges: dict[str, tuple[float, float]] = {}
    for row in rows:
        for name, value in row.items():
            low, high = ranges.get(name, (value, value))
            ranges[name] = min(low, value), max(high, value)
    return {
        name: [round(float(w), 4), round(ranges[name][0], 4), round(ranges[name][1], 4)]
        for name, w in zip(names, weights, strict=True)
    }


def fit_untold(passages: list[Passage], pull: float = PULL) -> dict[str, list[float]]:
    """A logistic regression: may this scene's place be left open, whatever else is right?"""
    rows = [p.rows[UNTOLD] for p in passages]
    names = sorted(rows[0])
    matrix = np.array([[row[name] for name in names] for row in rows])
    spread = np.sqrt((matrix**2).mean(0)) + 1e-6
    scaled = matrix / spread
    wanted = np.array([UNTOLD in p.right for p in passages], float)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        scores = scaled @ w
        total = float(np.logaddexp(0, scores).sum() - wanted @ scores)
        slope = scaled.T @ (1 / (1 + np.exp(-scores)) - wanted)
        return total + pull * float(w @ w), slope + 2 * pull * w

    best = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    return _with_ranges(names, best / spread, rows)


@dataclass(frozen=True)
class Judged:
    """A passage with what weights say that never saw its book."""

    passage: Passage
    best: str
    chance: float
    untold: float  # chance that the place may be left open


def held_out(passages: list[Passage], pull: float = PULL) -> list[Judged]:
    books = sorted({p.book for p in passages})
    fold = {book: i % FOLDS for i, book in enumerate(books)}
    judged = []
    for k in range(FOLDS):
        seen = [p for p in passages if fold[p.book] != k]
        weights = fit(seen, pull)
        ranker = {"untold_weights": fit_untold(seen, pull), "least_chance": 0.0, "untold_share": 1.0}
        for p in passages:
            if fold[p.book] == k:
                best, chance = likeliest(chances(p.rows, weights))
                judged.append(Judged(p, best, chance, answer_from(p.rows, ranker)))
    return judged


def figures(judged: list[Judged], least: float, share: float) -> tuple[float, float, int]:
    """(accuracy with "not told" included, precision when answering, answers), answering by these two limits."""
    told = [(j.passage, j.best if j.chance >= max(least, share * j.untold) else UNTOLD) for j in judged]
    answered = [(p, answer) for p, answer in told if answer != UNTOLD]
    return (
        sum(answer in p.right for p, answer in told) / max(1, len(told)),
        sum(answer in p.right for p, answer in answered) / max(1, len(answered)),
        len(answered),
    )


def limits(judged: list[Judged]) -> tuple[float, float]:
    """(least chance, share of the chance of "not told"): most right answers where precise enough."""
    grid = [(i / 100, k / 10) for i in range(20, 76, 2) for k in range(0, 16)]
    return max(grid, key=lambda pair: _worth(figures(judged, *pair)))


def _worth(found: tuple[float, float, int]) -> tuple[float, float]:
    accuracy, precision, _ = found
    return (accuracy, precision) if precision >= PRECISION else (precision - 1, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pull", type=float, default=PULL)
    parser.add_argument("--language", choices=["en", "zh"])
    arguments = parser.parse_args()
    items = json.loads((HERE / "scene_passages.json").read_text(encoding="utf-8"))["items"]
    result = json.loads(DATA.read_text(encoding="utf-8"))["languages"] if DATA.exists() else {}
    for language in [arguments.language] if arguments.language else ["en", "zh"]:
        passages = [passage(i) for i in items if i["language"] == language and i["split"] != UNSEEN]
        judged = held_out(passages, arguments.pull)
        least, share = limits(judged)
        accuracy, precision, answers = figures(judged, least, share)
        print(
            f"{language}: accuracy {accuracy:.3f}, precision {precision:.3f}, {answers} of {len(passages)} answered, "
            f"by chance {least} and {share} of not told"
        )
        result[language] = {
            "least_chance": least,
            "untold_share": share,
            "held_out": {
                "passages": len(passages),
                "books": len({p.book for p in passages}),
                "accuracy": round(accuracy, 3),
                "precision": round(precision, 3),
            },
            "weights": fit(passages, arguments.pull),
            "untold_weights": fit_untold(passages, arguments.pull),
        }
    if arguments.write:
        note = (
            "Fitted by benchmarks/story/train_place_ranker.py on benchmarks/story/scene_passages.json. weights: by "
            "feature its weight and the least and greatest value seen; untold_weights: of the chance that a place may be "
            "left open. A class is named from least_chance and from untold_share of that chance. held_out: by books left out, in folds."
        )
        data = {"format": "soundbound.place-ranker/1", "note": note, "languages": result}
        text = json.dumps(data, indent=1)
        DATA.write_text(
            text.replace("[\n     ", "[").replace(",\n     ", ", ").replace("\n    ]", "]") + "\n"
        )


if __name__ == "__main__":
    main()
