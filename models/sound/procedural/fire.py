"""Fire: a low flutter of flame, a lapping hiss, and crackles whose sizes follow a heavy-tailed but clamped law."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas, times
from models.sound.procedural.modal import click, mix
from models.sound.procedural.noise import (
    Rng,
    air,
    burst,
    db_gain,
    drift,
    flutter,
    gain,
    hump,
    line,
    noise,
    samples,
    swell,
    wide,
)
from models.sound.procedural.registry import bed, effect


def crackles(rng: Rng, count: int = 28) -> list[np.ndarray]:
    """Snaps of splitting wood, from dry ticks to hollow pops."""
    bank = []
    for _ in range(count):
        hz = float(np.exp(rng.uniform(np.log(700), np.log(6500))))
        snap = click(rng, hz * 0.6, hz * 2.2, rng.uniform(0.25, 1.4))
        if rng.uniform() < 0.2:
            snap = mix((snap, 0.8), (burst(rng, 0.03, hz * 0.3, hz * 0.6, 0.02), 0.6))
        bank.append(snap)
    return bank


def crackling(rng: Rng, canvas: Canvas, rate_hz: float, level: float) -> None:
    """Single snaps and little volleys, Pareto-sized (α 1.6), clamped to 14 dB above the smallest."""
    bank = crackles(rng)
    for at in times(rng, canvas.duration_s, rate_hz):
        side, size = rng.uniform(-0.6, 0.6), min(5.0, float(rng.pareto(1.6)) + 1.0)
        for k in range(int(rng.geometric(0.55))):
            t = float(at) + float(rng.exponential(0.02)) * k
            canvas.add(
                bank[int(rng.integers(len(bank)))], t, level * size * rng.uniform(0.15, 0.3), float(side)
            )


@bed("fire")
def fire(rng: Rng, n: int) -> np.ndarray:
    flame = air(rng, n, [(25, -16), (60, 0), (160, -3), (420, -16), (1200, -32), (3000, -50)], 0.5)
    flame *= flutter(rng, n, 9.0, 0.35) * swell(rng, n, 0.5, 1.5)
    hiss = air(rng, n, [(500, -24), (1500, -8), (4000, 0), (8000, -4), (16000, -24)], 0.6) * swell(
        rng, n, 3.0, 2.5
    )
    canvas = Canvas(n, circular=True)
    crackling(rng, canvas, 9.0, 0.55)
    return flame * np.float32(0.075) + hiss * np.float32(0.012) + canvas.samples


@effect("fire_whoosh")
def fire_whoosh(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    rise = 0.22
    shape = hump(n, rise, 1.4) + 0.25 * hump(n, 0.1, 1.0)
    low = noise(rng, n, [(25, -10), (60, 0), (200, -2), (600, -14), (1800, -34)])
    mid = noise(rng, n, [(200, -20), (600, 0), (1500, -3), (4500, -16), (12000, -36)])
    lick = flutter(rng, n, 13.0, 0.4)
    out = wide(low * shape * lick + mid * shape**2 * lick * np.float32(0.6), 0.5)
    canvas = Canvas(n)
    canvas.samples += out * np.float32(0.3) * line(n, (0, 0.3), (0.03, 1.0))
    crackling(rng, canvas, 10.0, 0.25)
    return canvas.samples


@effect("match_strike")
def match_strike(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    canvas = Canvas(n)
    m = samples(0.16)
    scratch = noise(rng, m, [(900, -20), (2500, -3), (6000, 0), (12000, -8), (18000, -26)])
    rasp = 1 + 0.7 * np.sign(np.sin(2 * np.pi * np.cumsum(rng.uniform(150, 260, m)) / 48_000))
    canvas.add(scratch * rasp.astype(np.float32) * hump(m, 0.55, 0.6), 0.0, 0.20)
    flare = noise(rng, n, [(300, -14), (900, 0), (3000, -2), (8000, -6), (16000, -24)])
    shape = line(n, (0.11, 0), (0.17, 1.0), (0.32, 0.5), (0.6, 0.13), (duration_s, 0.05))
    sputter = db_gain(np.clip(drift(rng, n, 26.0), -2, 2) * np.float32(3.5))
    canvas.samples += wide(flare * shape * sputter, 0.35) * np.float32(0.25)
    puff = noise(rng, n, [(40, -12), (90, 0), (260, -6), (800, -30)])
    canvas.samples += wide(
        puff * line(n, (0.1, 0), (0.16, 1), (0.5, 0.15), (duration_s, 0.05)), 0.3
    ) * np.float32(0.18)
    for at in rng.uniform(0.2, duration_s, 8):
        canvas.add(click(rng, 2000, 7000, 0.5), float(at), gain(rng.uniform(-20, -10)))
    return canvas.samples
