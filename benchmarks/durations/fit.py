"""Fits the rates in story/data/durations.json to measured takes.

    python benchmarks/durations/fit.py            # prints rates and errors
    python benchmarks/durations/fit.py --write    # and writes them into story/data/durations.json

Reads measured.json (made by measure.py). Minimises the sum of relative errors by reweighted non-negative least squares:
the median is what planning is judged by, and no syllable or pause can take less than no time. Every engine weighs the
same, however many lines it has. Errors are cross-validated: fitted on four fifths, told for the fifth left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from story.durations import features

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "story" / "data" / "durations.json"
TERMS = {
    "en": [
        "line",
        "syllable",
        "letter",
        "pause_comma",
        "pause_clause",
        "pause_dash",
        "pause_sentence",
        "pause_ellipsis",
    ],
    "zh": ["line", "han", "pause_comma", "pause_clause", "pause_dash", "pause_sentence", "pause_ellipsis"],
}
FLOOR_S = 0.05  # of a pause: a mark the lines at hand show too seldom still takes a breath
FOLDS = 5


def matrix(lines: list[dict], language: str) -> np.ndarray:
    counts = [features(line["text"], language) for line in lines]
    return np.array([[1.0 if t == "line" else c[t] for t in TERMS[language]] for c in counts])


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rates that minimise Σ weight·|x·rates − y|/y, none negative."""
    scale = weight / y
    rates = np.zeros(x.shape[1])
    for _ in range(60):
        rates, _ = nnls(x * scale[:, None], y * scale)
        error = np.abs(x @ rates - y) / y
        scale = np.sqrt(weight / np.maximum(error, 0.01)) / y
    return rates


def relative_errors(lines: list[dict], language: str, rates: np.ndarray) -> np.ndarray:
    y = np.array([line["seconds"] for line in lines])
    return np.abs(matrix(lines, language) @ rates - y) / y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    measured = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))["lines"]
    book = json.loads(TARGET.read_text(encoding="utf-8"))
    for language, terms in TERMS.items():
        lines = [m for m in measured if m["language"] == language]
        x, y = matrix(lines, language), np.array([m["seconds"] for m in lines])
        engines = [m["engine"] for m in lines]
        weight = np.array([1 / engines.count(e) for e in engines])
        held_out = np.zeros(len(lines))
        for fold in range(FOLDS):
            out = np.arange(len(lines)) % FOLDS == fold
            rates = fit(x[~out], y[~out], weight[~out])
            held_out[out] = np.abs(x[out] @ rates - y[out]) / y[out]
        rates = fit(x, y, weight)
        pauses = np.array([t.startswith("pause_") for t in terms])
        rates = np.where(pauses, np.maximum(rates, FLOOR_S), rates)
        errors = {}
        for engine in sorted(set(engines)):
            own = np.array([e == engine for e in engines])
            errors[engine] = {
                "lines": int(own.sum()),
                "median": round(float(np.median(held_out[own])), 3),
                "p90": round(float(np.quantile(held_out[own], 0.9)), 3),
            }
        print(language, dict(zip(terms, rates.round(4).tolist(), strict=True)))
        print("  held-out relative error:", errors)
        book["rates_s"][language] = dict(zip(terms, rates.round(4).tolist(), strict=True))
        book["fit"][language] = errors
    if arguments.write:
        TARGET.write_text(json.dumps(book, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
