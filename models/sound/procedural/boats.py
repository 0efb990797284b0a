"""Wooden boats: hulls that work in the swell, oars in their thole pins."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas, scatter, spaced
from models.sound.procedural.modal import body, low_pass, resonate, stick_slip, unit
from models.sound.procedural.noise import Rng, air, db_gain, drift, hump, noise, samples
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.water import bubbles, drip


@effect("oars")
def oars(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    stroke_s = duration_s / max(1, round(duration_s / 1.7))
    for k in range(max(1, round(duration_s / stroke_s))):
        at = k * stroke_s
        canvas.add(creak(rng, 0.45, 38, 70), at, 0.35, 0.3)  # thole pins
        canvas.add(body(rng, 190, 8, 0.09, 2.0, 0.2), at + 0.02, 0.4, 0.3)
        m = samples(0.8)
        pull = noise(rng, m, [(140, -18), (400, 0), (1100, -3), (3500, -14), (9000, -30)]) * hump(
            m, 0.35, 1.4
        )
        canvas.add(pull, at + 0.28, 0.17, -0.2)
        bank = bubbles(rng, 240, 1300, 16)
        for t in rng.uniform(0.25, 1.1, 26):
            canvas.add(
                bank[int(rng.integers(16))], at + float(t), rng.uniform(0.1, 0.35), rng.uniform(-0.4, 0.2)
            )
        for t in np.sort(rng.uniform(1.15, 1.9, 7)):
            canvas.add(
                drip(rng, rng.uniform(1100, 2600)),
                at + float(t),
                rng.uniform(0.1, 0.28),
                rng.uniform(-0.5, 0.1),
            )
    return canvas.samples


def creak(rng: Rng, duration_s: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Timber under load: slips that speed up and slow down, ringing in a beam's modes; peak 1."""
    n = samples(duration_s)
    rate = low_hz + (high_hz - low_hz) * hump(n, rng.uniform(0.3, 0.7))
    push = stick_slip(rng, rate, 0.2) * hump(n, rng.uniform(0.2, 0.6), 0.6)
    f = rng.uniform(0.85, 1.2)
    return resonate(push, [f * 310, f * 640, f * 870, f * 1350, f * 1900], 0.05, 0.12)


@bed("ship")
def ship(rng: Rng, n: int) -> np.ndarray:
    roll = drift(rng, n, 0.16)
    wash = air(rng, n, [(40, -14), (90, 0), (260, -3), (700, -12), (1600, -20), (5000, -36)], 0.65)
    wash *= db_gain(np.clip(roll, -2, 2) * np.float32(3.5))
    foam = air(rng, n, [(600, -24), (1800, -4), (4200, 0), (9000, -16)], 0.7) * db_gain(
        np.clip(roll, -2, 2) * np.float32(6)
    )
    canvas = Canvas(n, circular=True)
    for at in spaced(rng, canvas.duration_s, 2.1, 0.45):
        low = rng.uniform(14, 34)
        sound = low_pass(
            creak(rng, rng.uniform(0.5, 1.3), low, low * rng.uniform(1.3, 2.2)), rng.uniform(900, 2200)
        )
        canvas.add(unit(sound), float(at), rng.uniform(0.25, 0.8), rng.uniform(-0.8, 0.8))
    for at in spaced(rng, canvas.duration_s, 6.0, 0.4):  # a block or tackle knocks
        canvas.add(
            body(rng, rng.uniform(130, 260), 9, 0.12, 2.5, 0.25),
            float(at),
            rng.uniform(0.15, 0.4),
            rng.uniform(-0.7, 0.7),
        )
    scatter(rng, canvas, bubbles(rng, 220, 800, 24), 7, 5, 0.8, 0.12)
    return canvas.samples * np.float32(0.8) + wash * np.float32(0.2) + foam * np.float32(0.012)
