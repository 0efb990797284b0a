"""Fits the weights of the speaker ranker on LitBank (CC BY 4.0: Bamman et al. 2019; Sims & Bamman 2020) and nothing else.

A conditional logit over each turn's candidates, the two speakers before it taken from the gold labels, with a
quadratic pull towards the weights written by hand. Measures precision of the named rules and the calibration of the
ranker's chances by leaving each book out.

    .venv/bin/python -m benchmarks.story.train_speaker_ranker [--write]
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict

import numpy as np
from scipy.optimize import minimize

from benchmarks.story.gold import load_books
from benchmarks.story.quotations import ROOT, spans_of
from benchmarks.story.speakers import Line, judged, lit_mapping
from story.attribution import decode
from story.attribution.english import prepare_english
from story.attribution.quotations import find_quotes
from story.attribution.ranker import FEATURES
from story.attribution.reading import Prose
from story.lexicon import load_data

PULL = 0.5  # of the hand-written weights; chosen by leaving books out
ROUNDS = 3


class Book:
    def __init__(self, gold) -> None:
        self.gold = gold
        self.spans = spans_of(gold.text)
        self.quotes = find_quotes(gold.text, self.spans)
        self.roster, ((self.turns, self.decider),) = prepare_english(
            [Prose(gold.text, self.spans, self.quotes)], None
        )

    def lines(self, people, decisions=None) -> list[Line]:
        found = []
        for i, (turn, person) in enumerate(zip(self.turns, people, strict=True)):
            for q in turn.quotes:
                d = decisions[i] if decisions else None
                found.append(
                    Line(
                        self.quotes[q].start,
                        self.quotes[q].end,
                        person,
                        d.rule if d else "",
                        d.margin if d else 0,
                    )
                )
        return sorted(found, key=lambda line: line.start)

    def labels(self, w) -> tuple[list[str | None], dict[int, str]]:
        """Gold speaker of each turn, and whom of them each discovered person is."""
        people = [d.person for d in self.decider.decode(w)]
        lines = self.lines(people)
        names = lit_mapping(self.gold, self.roster.people, lines)
        by_start = {}
        for quote, line in judged(self.gold, lines):
            if line is not None:
                by_start[line.start] = quote.speaker
        labels = [
            next((by_start[self.quotes[q].start] for q in t.quotes if self.quotes[q].start in by_start), None)
            for t in self.turns
        ]
        return labels, names

    def samples(self, w):
        labels, names = self.labels(w)
        owner = defaultdict(list)
        for person, gold in names.items():
            owner[gold].append(person)
        chosen = []
        for i, p in enumerate(self.decider.prepared):
            right = (
                [c for c, person in enumerate(p.candidates) if names.get(person) == labels[i]]
                if labels[i]
                else []
            )
            s1, s2 = decode._previous(chosen)
            if right and p.fixed is None:
                rows = np.zeros((len(p.candidates), len(FEATURES)))
                for c in range(len(p.candidates)):
                    for k, v in self.decider.score(i, c, s1, s2).items():
                        rows[c, k] = v
                yield rows, right
            chosen.append(p.candidates[right[0]] if right else (p.fixed if p.fixed is not None else -1 - i))


def fit(samples, prior: np.ndarray, pull: float) -> np.ndarray:
    def loss(w):
        total, grad = 0.0, np.zeros_like(w)
        for rows, right in samples:
            s = rows @ w
            s -= s.max()
            e = np.exp(s)
            p = e / e.sum()
            r = e[right] / e[right].sum()
            total -= np.log(max(1e-12, p[right].sum()))
            grad += rows.T @ p - rows[right].T @ r
        d = w - prior
        return total + pull * (d @ d), grad + 2 * pull * d

    return minimize(loss, prior, jac=True, method="L-BFGS-B").x


def train(books, prior, pull=PULL):
    w = prior
    for _ in range(ROUNDS):
        w = fit([s for b in books for s in b.samples(w)], prior, pull)
    return w


def measure(books, w):
    right = total = 0
    rules, chances = defaultdict(Counter), []
    for b in books:
        decisions = b.decider.decode(w)
        lines = b.lines([d.person for d in decisions], decisions)
        names = lit_mapping(b.gold, b.roster.people, lines)
        for quote, line in judged(b.gold, lines):
            good = line is not None and names.get(line.person) == quote.speaker
            right += good
            total += 1
            if line is not None:
                rules[line.rule][good] += 1
                if line.confidence < 1:
                    chances.append((line.confidence, good))
    return right / total, rules, chances


def main() -> None:
    books = [Book(g) for g in load_books(ROOT.parent / "shared/data/gold/en_litbank")]
    table = load_data("speaker_ranker")
    prior = np.array([table.get("by_hand", table["weights"])[n] for n in FEATURES])
    print("by hand:", round(measure(books, prior)[0], 4))
    for pull in (0.1, 0.5, 2.0):
        held, n = 0.0, 0
        for k in range(6):
            w = train([b for i, b in enumerate(books) if i % 6 != k], prior, pull)
            test = [b for i, b in enumerate(books) if i % 6 == k]
            share = measure(test, w)[0]
            count = sum(len(b.gold.quotes) for b in test)
            held += share * count
            n += count
        print("pull", pull, "held out:", round(held / n, 4))
    w = train(books, prior)
    share, rules, chances = measure(books, w)
    print("trained, on the same books:", round(share, 4))
    for rule, c in sorted(rules.items(), key=lambda e: -sum(e[1].values())):
        print(f"   {rule:24s} {c[True] / sum(c.values()):.3f} n {sum(c.values())}")
    for name, a, b in zip(FEATURES, prior, w, strict=True):
        print(f"   {name:20s} {a:6.2f} → {b:6.2f}")
    bins = np.array(chances)
    for lo in np.arange(0, 1, 0.1):
        some = bins[(bins[:, 0] >= lo) & (bins[:, 0] < lo + 0.1)]
        if len(some):
            print(f"   chance {lo:.1f}: right {some[:, 1].mean():.2f} of {len(some)}")
    if "--write" in sys.argv:
        path = ROOT / "story/data/speaker_ranker.json"
        table["by_hand"] = {n: float(v) for n, v in zip(FEATURES, prior, strict=True)}
        table["weights"] = {n: round(float(v), 3) for n, v in zip(FEATURES, w, strict=True)}
        path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
