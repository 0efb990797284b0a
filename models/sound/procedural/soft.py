"""Paper, cloth and leaves: noise that the hand shapes."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.modal import body, click
from models.sound.procedural.noise import Curve, Rng, drift, hump, noise, samples, wide
from models.sound.procedural.registry import effect


def handled(rng: Rng, n: int, curve: Curve, moves: int, flicker_hz: float, width: float = 0.4) -> np.ndarray:
    """Some strokes of the hand `(2, n)`: noise under overlapping humps with a fast flicker; the first comes at once."""
    shape = np.zeros(n, dtype=np.float32)
    for k in range(moves):
        length = int(n * rng.uniform(0.9, 1.5) / moves)
        start = 0 if k == 0 else int(n * (k + rng.uniform(-0.2, 0.2)) / moves)
        length = max(1, min(length, n - start))
        shape[start : start + length] += hump(length, rng.uniform(0.15, 0.35), 1.3) * np.float32(
            rng.uniform(0.5, 1)
        )
    grain = np.abs(drift(rng, n, flicker_hz)) ** 1.4
    return wide(noise(rng, n, curve) * (shape + 0.02) * (grain + np.float32(0.12)), width)


@effect("paper")
def paper(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    canvas = Canvas(n)
    curve = [(500, -26), (1400, -8), (3500, 0), (8000, -3), (15000, -16)]
    canvas.samples += handled(rng, n, curve, max(2, round(duration_s * 3)), 60.0) * np.float32(0.25)
    for at in np.append(0.0, rng.uniform(0, duration_s - 0.05, int(55 * duration_s))):  # folds snapping
        hz = float(np.exp(rng.uniform(np.log(1500), np.log(7500))))
        canvas.add(
            click(rng, hz, hz * 1.8, rng.uniform(0.3, 1.2)),
            float(at),
            rng.uniform(0.05, 0.45) ** 1.3,
            rng.uniform(-0.3, 0.3),
        )
    return canvas.samples


@effect("cloth")
def cloth(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    curve = [(150, -18), (500, -4), (1400, 0), (4000, -7), (9000, -20), (14000, -36)]
    return handled(rng, n, curve, max(2, round(duration_s * 2.4)), 18.0, 0.35)


@effect("leaves")
def leaves(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    canvas = Canvas(n)
    curve = [(700, -26), (2200, -6), (5000, 0), (10000, -5), (17000, -22)]
    canvas.samples += handled(rng, n, curve, max(2, round(duration_s * 2)), 28.0, 0.6) * np.float32(0.3)
    for at in np.append(0.0, rng.uniform(0, duration_s - 0.05, int(40 * duration_s))):
        hz = float(np.exp(rng.uniform(np.log(1800), np.log(6500))))
        canvas.add(
            click(rng, hz, hz * 2, rng.uniform(0.5, 2.0)),
            float(at),
            0.28 * rng.uniform(0.1, 1),
            rng.uniform(-0.6, 0.6),
        )
    for at in rng.uniform(0.05, max(0.1, duration_s - 0.2), max(1, round(duration_s * 2))):  # twigs
        canvas.add(
            body(rng, rng.uniform(600, 1300), 5, 0.04, 0.5, 0.08),
            float(at),
            rng.uniform(0.1, 0.35),
            rng.uniform(-0.5, 0.5),
        )
    return canvas.samples
