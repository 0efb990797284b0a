"""Glass, porcelain and stone: short hard contacts, high modes, and many pieces falling."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.modal import body, click, mix, reverberate, ring, space, unit
from models.sound.procedural.noise import Rng, burst, hump, line, noise, samples, wide
from models.sound.procedural.registry import effect


def shard(rng: Rng, low_hz: float, high_hz: float, t60_s: float) -> np.ndarray:
    """One piece of something brittle hitting the floor; peak ~1."""
    f = float(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz))))
    freqs = f * np.array([1.0, 1.72, 2.35, 3.2]) * rng.uniform(0.94, 1.06, 4)
    tone = ring(
        freqs,
        t60_s * (f / low_hz) ** -0.4 * np.array([1, 0.75, 0.5, 0.4]),
        rng.uniform(0.3, 1.0, 4),
        t60_s * 1.2,
    )
    return mix((unit(tone), 0.7), (click(rng, f, min(12000, f * 3), 0.25), 0.6))


def clinks(rng: Rng, count: int, glassy: bool) -> np.ndarray:
    """Cups touching: a bowl's modes (wine-glass ratios 1 : 2.32 : 4.25 : 6.63), doubled by the other cup."""
    parts = []
    at = 0.0
    for _ in range(count):
        f = rng.uniform(1500, 2700) if glassy else rng.uniform(700, 1400)
        t60 = rng.uniform(0.18, 0.4) if glassy else rng.uniform(0.07, 0.14)
        for factor in (1.0, rng.uniform(1.07, 1.3)):
            freqs = f * factor * np.array([1.0, 2.32, 4.25, 6.63])
            tone = ring(freqs, t60 * np.array([1, 0.7, 0.5, 0.35]), [1.0, 0.6, 0.3, 0.15], t60 * 1.2)
            parts.append((np.concatenate([np.zeros(samples(at), np.float32), tone]), 0.5))
        tick = np.concatenate([np.zeros(samples(at), np.float32), click(rng, 2500, 9000, 0.3)])
        parts.append((tick, 0.4))
        at += rng.uniform(0.06, 0.22)
    return unit(mix(*parts))


@effect("cup_clink")
def cup_clink(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(clinks(rng, 1, True), 0.0, 1.0)
    for at in np.sort(rng.uniform(0.15, max(0.2, duration_s - 0.35), max(2, int(duration_s * 3)))):
        canvas.add(
            clinks(rng, 1, bool(rng.uniform() < 0.7)),
            float(at),
            rng.uniform(0.3, 0.8),
            rng.uniform(-0.3, 0.3),
        )
    return reverberate(canvas.samples, space(rng, 0.3, 6000, 0.006), 0.12)[:, : canvas.n]


@effect("glass_break")
def glass_break(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    crack = noise(rng, samples(0.25), [(900, -20), (2500, -4), (6000, 0), (13000, -4), (20000, -20)])
    shape = line(len(crack), (0, 1.0), (0.02, 0.5), (0.06, 0.25), (0.25, 0.0))
    canvas.add(wide(crack * shape, 0.5), 0.0, 0.28)
    canvas.add(body(rng, 420, 9, 0.1, 0.6, 0.2), 0.0, 0.4)
    for at in rng.exponential(0.11, 55):
        canvas.add(shard(rng, 2600, 9500, 0.16), float(at), rng.uniform(0.1, 0.4), rng.uniform(-0.5, 0.5))
    fall = 0.14 + rng.gamma(2.0, 0.19, 80)  # pieces reach the floor and hop
    for at in fall[fall < duration_s - 0.2]:
        size = np.exp(-1.4 * (at - 0.14))
        piece = shard(rng, 2200, 8000, rng.uniform(0.1, 0.3))
        side = rng.uniform(-0.7, 0.7)
        canvas.add(piece, float(at), float(size) * rng.uniform(0.1, 0.5), side)
        canvas.add(piece, float(at + rng.uniform(0.05, 0.12)), float(size) * rng.uniform(0.04, 0.2), side)
    return reverberate(canvas.samples, space(rng, 0.4, 7000, 0.01), 0.12)[:, : canvas.n]


@effect("ceramic_break")
def ceramic_break(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(burst(rng, 0.08, 350, 3500, 0.06), 0.0, 0.7)
    canvas.add(body(rng, rng.uniform(480, 620), 9, 0.09, 0.5, 0.2, 1.1, 0.3), 0.0, 0.8)
    canvas.add(click(rng, 1800, 9000, 0.8), 0.0, 0.7)
    for at in np.concatenate([rng.exponential(0.05, 16), 0.1 + rng.gamma(2.0, 0.11, 26)]):
        if at < duration_s - 0.12:
            canvas.add(
                shard(rng, 1100, 4200, 0.08),
                float(at),
                float(np.exp(-2.2 * at)) * rng.uniform(0.15, 0.6),
                rng.uniform(-0.5, 0.5),
            )
    spin, at, gap = unit(shard(rng, 1400, 2000, 0.1)), 0.45, 0.085  # one sherd wobbles to rest
    while gap > 0.018 and at < duration_s - 0.1:
        canvas.add(spin, at, 0.22 * gap / 0.085, 0.3)
        at, gap = at + gap, gap * 0.88
    return reverberate(canvas.samples, space(rng, 0.35, 5000, 0.008), 0.12)[:, : canvas.n]


@effect("rock_fall")
def rock_fall(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at = np.append(0.0, np.sort(duration_s * 0.92 * rng.beta(1.1, 1.9, int(38 * duration_s))))
    for t in at:
        big = float(rng.pareto(2.0)) + 0.4
        size = min(1.0, 0.25 * big) * float(np.exp(-0.9 * t / duration_s))
        base = rng.uniform(380, 1300) / min(2.5, big) ** 0.5
        knock = mix(
            (body(rng, base, 7, 0.06, 0.6, 0.12, 1.2, 0.4), 1.0), (click(rng, base * 1.5, base * 6, 0.8), 0.6),
            (burst(rng, 0.06, 70, 260, 0.07), 0.5 * min(1.0, big / 2)),
        )  # fmt: skip
        canvas.add(knock, float(t), size, rng.uniform(-0.6, 0.6))
    n = canvas.n
    gravel = noise(rng, n, [(200, -18), (700, -3), (2200, 0), (6000, -10), (12000, -28)]) * hump(n, 0.2, 0.8)
    canvas.add(gravel, 0.0, 0.05)
    canvas.add(noise(rng, n, [(25, -8), (60, 0), (140, -8), (400, -36)]) * hump(n, 0.15, 1.0), 0.0, 0.08)
    return reverberate(np.tanh(canvas.samples), space(rng, 0.8, 3000, 0.04), 0.16)[:, : canvas.n]
