"""Fits the place ranker (story/data/place_ranker*.json) on the labelled passages and judges it on books left out.

A conditional logit over the classes of place, "not told" among them: shared weights of what speaks for a class, and
weights of each plain word for each class; of several right answers any will do. Books are left out in folds, never
passages: a rule learned from a book helps in that book only.

    python -m benchmarks.story.train_place_ranker --labelled FOLDER [--write]   # FOLDER: see corpus.py

Needs SciPy.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from benchmarks.story.bench_scenes import chapter_of
from benchmarks.story.corpus import labelled
from story.place_features import UNTOLD, candidates
from story.scene_bounds import blocks
from story.scene_cues import find_cues
from story.scene_evidence import findings
from story.scene_place import answer_from, chances, likeliest
from story.scene_words import plain_words, word_share, word_sums

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "story/data/place_ranker.json"
PULL, UNTOLD_PULL = 1.0, 4.0  # towards 0, of weights in units of their features' spread
LEAST_TIMES, LEAST_BOOKS = 5, 4  # of a word
COMMON = 0.6  # a word in more of the passages tells nothing
KEEP_FROM = 4  # hundredths: smaller weights of words are dropped
FOLDS = 8
TEACH = frozenset({"dev", "test", "fresh", "blind", "blind2", "dense", "random"})  # the newest passages judge
# A wrong place is worse than none: precision when answering shall be this, at least.
PRECISION = 0.85


@dataclass(frozen=True)
class Passage:
    book: str
    split: str
    right: frozenset[str]
    rows: dict[str, dict[str, float]]
    words: frozenset[str]


def passage(item: dict) -> Passage:
    """The candidates of the passage's longest scene, as the analyser asks them."""
    language = item["language"]
    block = max(
        blocks(chapter_of(item["text"]), language), key=lambda b: sum(len(s.content) for s in b.segments)
    )
    found = [f for segment in block.segments for f in findings(segment, language)]
    cues = [c for segment in block.segments for c in find_cues(segment, language)]
    words = plain_words(block.segments, language)
    rows = candidates(found, block.segments, words, cues, block.arrival_class, language)
    # Pairs of characters tell no more than single ones do, and are many.
    few = words if language == "en" else frozenset(word for word in words if len(word) == 1)
    return Passage(item["book"], item["split"], frozenset(item["place"]), rows, few)


@dataclass(frozen=True)
class Ranker:
    """What `chances` needs."""

    weights: dict[str, list[float]]  # weight, least and greatest value by feature
    learned: dict[str, Any]  # as in place_ranker_words_<language>.json

    def chances(self, passage: Passage) -> dict[str, float]:
        return chances(passage.rows, self.weights, word_sums(passage.words, self.learned))


def vocabulary(passages: list[Passage]) -> list[str]:
    """Words of several passages and books that are not in most of the passages."""
    times = Counter(word for p in passages for word in p.words)
    books: defaultdict[str, set[str]] = defaultdict(set)
    for p in passages:
        for word in p.words:
            books[word].add(p.book)
    most = COMMON * len(passages)
    return sorted(w for w, n in times.items() if LEAST_TIMES <= n < most and len(books[w]) >= LEAST_BOOKS)


def fit(passages: list[Passage], pull: float = PULL) -> Ranker:
    """The ranker of the greatest penalised likelihood (L-BFGS; `pull` towards 0)."""
    passages = [p for p in passages if p.right & p.rows.keys()]  # the others teach nothing
    classes = sorted({name for p in passages for name in p.rows})
    number = {name: i for i, name in enumerate(classes)}
    features = sorted({feature for p in passages for row in p.rows.values() for feature in row})
    index = {feature: i for i, feature in enumerate(features)}
    known = {word: i for i, word in enumerate(vocabulary(passages))}
    n, c, e, v = len(passages), len(classes), len(features), len(known)

    cells = [
        (i * c + number[name], index[feature], value)
        for i, p in enumerate(passages)
        for name, row in p.rows.items()
        for feature, value in row.items()
        if value
    ]
    at, column, values = zip(*cells, strict=True)
    evidence = csr_matrix((values, (at, column)), shape=(n * c, e))
    spread = np.sqrt(np.asarray(evidence.multiply(evidence).sum(0)).ravel() / n) + 1e-6
    scaled = csr_matrix(evidence.multiply(1 / spread))
    inside = [[known[word] for word in p.words if word in known] for p in passages]
    words = csr_matrix(
        (
            [word_share(len(some)) for some in inside for _ in some],
            ([i for i, some in enumerate(inside) for _ in some], [k for some in inside for k in some]),
        ),
        shape=(n, v),
    )
    right = np.array([[name in p.right for name in classes] for p in passages])
    absent = np.array([[name not in p.rows for name in classes] for p in passages])

    def loss(all_weights: np.ndarray) -> tuple[float, np.ndarray]:
        shared, own = all_weights[:e], all_weights[e:].reshape(v, c)
        scores = np.where(absent, -np.inf, (scaled @ shared).reshape(n, c) + words @ own)
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(1, keepdims=True)
        wanted = np.where(right, shares, 0.0)
        hit = np.maximum(wanted.sum(1), 1e-12)
        off = shares - wanted / hit[:, None]
        total = -np.log(hit).sum() + pull * (shared @ shared + (own**2).sum())
        slopes = [scaled.T @ off.ravel() + 2 * pull * shared, (words.T @ off + 2 * pull * own).ravel()]
        return float(total), np.concatenate(slopes)

    start = np.zeros(e + v * c)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 120}).x
    own = np.rint(best[e:].reshape(v, c) * 100).astype(int)
    table = {
        word: [int(x) for k in range(c) if abs(own[i, k]) >= KEEP_FROM for x in (k, own[i, k])]
        for word, i in known.items()
    }
    learned = {
        "classes": classes,
        "words": {word: flat for word, flat in table.items() if flat},
    }
    rows = [row for p in passages for row in p.rows.values()]
    return Ranker(_with_ranges(features, best[:e] / spread, rows), learned)


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


def fit_untold(passages: list[Passage], pull: float = UNTOLD_PULL) -> dict[str, list[float]]:
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
        fitted = fit(seen, pull)
        ranker = {"untold_weights": fit_untold(seen), "least_chance": 0.0, "untold_share": 1.0}
        for p in passages:
            if fold[p.book] == k:
                best, chance = likeliest(fitted.chances(p))
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
    parser.add_argument("--labelled", type=Path, required=True, metavar="FOLDER", help="books, by corpus.py")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pull", type=float, default=PULL)
    parser.add_argument("--language", choices=["en", "zh"])
    arguments = parser.parse_args()
    items = json.loads((HERE / "scene_passages.json").read_text(encoding="utf-8"))["items"]
    items += labelled(arguments.labelled)
    ranker = json.loads(DATA.read_text(encoding="utf-8"))["languages"] if DATA.exists() else {}
    for language in [arguments.language] if arguments.language else ["en", "zh"]:
        passages = [passage(i) for i in items if i["language"] == language and i["split"] in TEACH]
        # Dense passages were chosen for their events: they teach, but are no measure of a book.
        judged = [j for j in held_out(passages, arguments.pull) if j.passage.split != "dense"]
        least, share = limits(judged)
        accuracy, precision, answers = figures(judged, least, share)
        print(
            f"{language}: accuracy {accuracy:.3f}, precision {precision:.3f}, {answers} of {len(judged)} answered, "
            f"by chance {least} and {share} of not told; {len(passages)} teach"
        )
        fitted = fit(passages, arguments.pull)
        ranker[language] = {
            "least_chance": least,
            "untold_share": share,
            "held_out": {
                "passages": len(judged),
                "books": len({j.passage.book for j in judged}),
                "accuracy": round(accuracy, 3),
                "precision": round(precision, 3),
            },
            "weights": fitted.weights,
            "untold_weights": fit_untold(passages),
        }
        if arguments.write:
            _write_words(language, fitted.learned)
    if arguments.write:
        note = (
            "Fitted by benchmarks/story/train_place_ranker.py on benchmarks/story/scene_passages.json and "
            "labelled_passages.jsonl. weights: by feature its weight and the least and greatest value seen; "
            "untold_weights: of the chance that a place may be left open. A class is named from least_chance and from "
            "untold_share of that chance. held_out: by books left out, in folds."
        )
        data = {"format": "soundbound.place-ranker/2", "note": note, "languages": ranker}
        text = json.dumps(data, indent=1)
        DATA.write_text(
            text.replace("[\n     ", "[").replace(",\n     ", ", ").replace("\n    ]", "]") + "\n"
        )


def _write_words(language: str, learned: dict[str, Any]) -> None:
    note = (
        "Fitted by benchmarks/story/train_place_ranker.py with place_ranker.json. Weights are hundredths; a "
        "word's are flat pairs of class number and weight."
    )
    head = {
        "format": "soundbound.place-ranker-words/1",
        "language": language,
        "note": note,
        "classes": learned["classes"],
    }
    lines = [
        f"  {json.dumps(word, ensure_ascii=False)}: {json.dumps(flat, separators=(',', ':'))}"
        for word, flat in learned["words"].items()
    ]
    text = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    body = ",\n".join(lines)
    path = DATA.parent / f"place_ranker_words_{language}.json"
    path.write_text(f'{text},\n "words": {{\n{body}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
