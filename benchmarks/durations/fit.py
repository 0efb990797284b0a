"""Fits the rates in story/data/durations.json to measured takes.

    python benchmarks/durations/fit.py            # prints rates and errors
    python benchmarks/durations/fit.py --write    # and writes them into story/data/durations.json

Reads measured.json (made by measure.py). Minimises the sum of relative errors by reweighted non-negative least squares:
the median is what planning is judged by, and no syllable or pause can take less than no time. One shape for all
engines and a pace for each. Every engine weighs the same, however many lines it has, and a line by the root of its
length: a chapter's length hangs on its paragraphs, its beat on the short lines. Errors are cross-validated: fitted on
four fifths, told for the fifth left out.
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


def fit_with_pace(x: np.ndarray, y: np.ndarray, engines: list[str]) -> tuple[np.ndarray, dict[str, float]]:
    """(rates, pace by engine): seconds ≈ pace · x·rates. Paces multiply to 1, so that rates alone favour no engine."""
    weight = np.sqrt(y) * np.array([1 / engines.count(e) for e in engines])
    names = sorted(set(engines))
    pace = dict.fromkeys(names, 1.0)
    rates = np.zeros(x.shape[1])
    for _ in range(10):
        rates = fit(x, y / np.array([pace[e] for e in engines]), weight)
        for name in names:
            own = np.array([e == name for e in engines])
            pace[name] = float(np.median(y[own] / (x[own] @ rates)))
        middle = float(np.exp(np.mean(np.log(list(pace.values())))))
        pace = {name: value / middle for name, value in pace.items()}
    return rates, pace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    measured = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))["lines"]
    book = json.loads(TARGET.read_text(encoding="utf-8"))
    book["pace"] = {}
    for language, terms in TERMS.items():
        lines = [m for m in measured if m["language"] == language]
        x, y = matrix(lines, language), np.array([m["seconds"] for m in lines])
        engines = [m["engine"] for m in lines]
        known, unknown = (
            np.zeros(len(lines)),
            np.zeros(len(lines)),
        )  # errors with and without the engine's pace
        for fold in range(FOLDS):
            out = np.arange(len(lines)) % FOLDS == fold
            rates, pace = fit_with_pace(
                x[~out], y[~out], [e for e, o in zip(engines, out, strict=True) if not o]
            )
            guess = x[out] @ rates
            unknown[out] = np.abs(guess - y[out]) / y[out]
            own = np.array([pace[e] for e, o in zip(engines, out, strict=True) if o])
            known[out] = np.abs(guess * own - y[out]) / y[out]
        rates, pace = fit_with_pace(x, y, engines)
        pauses = np.array([t.startswith("pause_") for t in terms])
        rates = np.where(pauses, np.maximum(rates, FLOOR_S), rates)
        errors = {}
        for engine in sorted(set(engines)):
            own = np.array([e == engine for e in engines])
            errors[engine] = {
                "lines": int(own.sum()),
                "median": round(float(np.median(known[own])), 3),
                "p90": round(float(np.quantile(known[own], 0.9)), 3),
                "median_engine_unknown": round(float(np.median(unknown[own])), 3),
            }
        print(language, dict(zip(terms, rates.round(4).tolist(), strict=True)), pace)
        print("  held-out relative error:", errors)
        book["rates_s"][language] = dict(zip(terms, rates.round(4).tolist(), strict=True))
        book["pace"][language] = {engine: round(value, 3) for engine, value in pace.items()}
        book["fit"][language] = errors
    if arguments.write:
        TARGET.write_text(json.dumps(book, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
