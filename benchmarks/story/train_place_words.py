"""Learns which plain words go with which place (story/data/place_words_<language>.json) from novels without labels.

Windows of a novel in which one place is plainly named (people arrive there or are there, by story/scene_evidence) are
the examples; the naming words are taken out, and a multinomial logistic regression learns the rest. Words must stand
in many books, so that names teach nothing. Give it public-domain novels, one UTF-8 .txt each, and none of the books
that place accuracy is measured on.

    python -m benchmarks.story.train_place_words FOLDER --language en --note "…" [--write]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from story.novel import Segment
from story.scene_evidence import findings
from story.scene_words import plain_words

DATA = Path(__file__).parents[2] / "story/data"
WINDOW = {"en": 900, "zh": 280}  # characters
MOST_WINDOWS = 2000  # of one book
CLEAR = 1.5  # the place named leads the next by this factor
LEAST_WINDOWS, LEAST_BOOKS, LEAST_TIMES = 25, 12, 25  # of a class; of a word
MOST_WORDS = {"en": 4500, "zh": 4500}
COMMON = 0.3  # a word in more of the windows tells nothing
KEEP_FROM = 0.15  # smaller weights are dropped


def examples(folder: Path, language: str) -> list[tuple[str, str, frozenset[str]]]:
    """(book, place, words) of every window that plainly names one place."""
    chooser = random.Random(1)
    found = []
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(?<!\n)\n(?!\n)", " ", text) if language == "en" else re.sub(r"\s+", "\n", text)
        size = WINDOW[language]
        windows = [text[i : i + size] for i in range(0, len(text), size)]
        if len(windows) > MOST_WINDOWS:
            windows = chooser.sample(windows, MOST_WINDOWS)
        for number, window in enumerate(windows):
            segment = Segment(id=f"{path.stem}-{number}", content=window, speaker="n")
            named: defaultdict[str, float] = defaultdict(float)
            for f in findings(segment, language):
                if f.kind == "place" and f.how in ("arrival", "stay"):
                    named[f.value] += f.weight
            ranked = sorted(named.items(), key=lambda item: (-item[1], item[0]))[:2]
            if not ranked or ranked[0][1] < 2 or ranked[0][0] == "city":
                continue
            if len(ranked) == 1 or ranked[0][1] >= CLEAR * ranked[1][1]:
                words = plain_words([segment], language)
                if len(words) >= 25:
                    found.append((path.stem, ranked[0][0], words))
    return found


def vocabulary(windows: list[tuple[str, str, frozenset[str]]], language: str) -> list[str]:
    """The words that tell places apart best, of those that stand in many books."""
    times: Counter[str] = Counter()
    books: defaultdict[str, set[str]] = defaultdict(set)
    by_class: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sizes = Counter(place for _, place, _ in windows)
    for book, place, words in windows:
        times.update(words)
        for word in words:
            books[word].add(book)
            by_class[word][place] += 1

    def telling(word: str) -> float:
        expected = {place: times[word] * size / len(windows) for place, size in sizes.items()}
        return max(
            abs(by_class[word][place] - e) / math.sqrt(e + 3)
            for place, e in expected.items()
            if sizes[place] >= LEAST_WINDOWS
        )

    known = [
        w for w in times if len(books[w]) >= LEAST_BOOKS and LEAST_TIMES <= times[w] < COMMON * len(windows)
    ]
    return sorted(sorted(known), key=telling, reverse=True)[: MOST_WORDS[language]]


def fit(
    windows: list[tuple[str, str, frozenset[str]]], words: list[str], strength: float
) -> LogisticRegression:
    index = {word: i for i, word in enumerate(words)}
    rows, columns, values = [], [], []
    for n, (_, _, window) in enumerate(windows):
        inside = [index[w] for w in sorted(window) if w in index]
        rows += [n] * len(inside)
        columns += inside
        values += [4 / math.sqrt(max(1, len(inside)))] * len(inside)
    matrix = csr_matrix((values, (rows, columns)), shape=(len(windows), len(words)))
    model = LogisticRegression(C=strength, max_iter=100, tol=1e-3)
    return model.fit(matrix, [place for _, place, _ in windows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=["en", "zh"], required=True)
    parser.add_argument("--note", required=True, help="where the novels are from; goes into the data file")
    parser.add_argument("--strength", type=float, default=0.2, help="inverse of the regularisation")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    windows = examples(arguments.folder, arguments.language)
    sizes = Counter(place for _, place, _ in windows)
    windows = [w for w in windows if sizes[w[1]] >= LEAST_WINDOWS]
    words = vocabulary(windows, arguments.language)
    model = fit(windows, words, arguments.strength)
    hundredths = np.rint(np.where(np.abs(model.coef_) < KEEP_FROM, 0, model.coef_) * 100).astype(int)
    print(len(windows), "windows,", len(words), "words,", int((hundredths != 0).sum()), "weights")
    table = {
        word: [int(v) for c in np.flatnonzero(hundredths[:, i]) for v in (c, hundredths[c, i])]
        for i, word in enumerate(words)
    }
    lines = [
        f"  {json.dumps(w, ensure_ascii=False)}: {json.dumps(v, separators=(',', ':'))}"
        for w, v in sorted(table.items())
        if v
    ]
    head = {
        "format": "soundbound.place-words/1",
        "language": arguments.language,
        "note": f"Learned by benchmarks/story/train_place_words.py from {len(windows)} windows. {arguments.note} "
        "Weights are hundredths, flat pairs of class number and weight.",
        "classes": list(model.classes_),
        "start": [int(v) for v in np.rint(model.intercept_ * 100)],
    }
    if arguments.write:
        body = ",\n".join(f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in head.items())
        text = "{\n" + body + ',\n "words": {\n' + ",\n".join(lines) + "\n }\n}\n"
        (DATA / f"place_words_{arguments.language}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
