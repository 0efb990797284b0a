"""Feet and hooves: how long each stands, how it lands, and when the next one comes."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.modal import body, click, mix, reverberate, space, unit
from models.sound.procedural.noise import Rng, band, burst, hump, line, noise, samples
from models.sound.procedural.registry import effect
from models.sound.procedural.wood import floor_step


def grit(rng: Rng, length_s: float, count: int) -> np.ndarray:
    """Sand and pebbles under a sole: a volley of tiny crunches; RMS small against a step."""
    out = np.zeros(samples(length_s + 0.03), dtype=np.float32)
    for at in np.sort(rng.beta(1.3, 2.0, count)) * length_s:
        bit = click(rng, rng.uniform(1400, 3000), rng.uniform(4000, 8000), rng.uniform(0.3, 1.2))
        start = samples(float(at))
        out[start : start + len(bit)] += bit[: len(out) - start] * np.float32(rng.uniform(0.1, 1.0))
    return out


def road_step(rng: Rng, weight: float, run: bool = False) -> np.ndarray:
    """A boot on a road: heel strike, roll of the sole through grit, push-off; peak ~1."""
    heel = mix(
        (burst(rng, 0.07, 65, 210, 0.07), 0.8 * weight),
        (burst(rng, 0.04, 220, 1200, 0.035), 0.55),
        (click(rng, 1200, 4500, 1.0), 0.28),
    )
    roll = grit(rng, 0.10 if run else 0.17, 12 if run else 16)
    lead = np.zeros(samples(0.012 if run else 0.03), dtype=np.float32)
    scuff_n = samples(0.07)
    scuff = noise(rng, scuff_n, band(1500, 5500)) * hump(scuff_n, 0.4, 1.5) * np.float32(0.06)
    return unit(
        mix((heel, 1.0), (np.concatenate([lead, roll]), 0.22), (np.concatenate([lead, lead, scuff]), 1.0))
    )


def walk(
    rng: Rng,
    canvas: Canvas,
    steps: list[np.ndarray],
    start_s: float,
    period_s: float,
    level: float,
    side: float,
    jitter: float = 0.04,
) -> None:
    """One pair of feet: left and right differ a little in sound, time and place."""
    at, k = start_s, 0
    while at < canvas.duration_s - 0.1:
        size = level * (1.0, 0.9)[k % 2] * rng.uniform(0.85, 1.0)
        canvas.add(steps[(k % 2) + 2 * int(rng.integers(len(steps) // 2))], at, size, side + 0.06 * (-1) ** k)
        at += period_s * rng.uniform(1 - jitter, 1 + jitter)
        k += 1


@effect("footsteps")
def footsteps(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    steps = [road_step(rng, 1.0) for _ in range(8)]
    walk(rng, canvas, steps, 0.0, rng.uniform(0.52, 0.58), 0.9, 0.0)
    return reverberate(canvas.samples, space(rng, 0.35, 3500, 0.02), 0.07)[:, : canvas.n]


@effect("footsteps_running")
def footsteps_running(rng: Rng, duration_s: float) -> np.ndarray:
    """Several people, each at a pace of their own (160–185 steps a minute), out of step."""
    canvas = Canvas.of(duration_s)
    for k in range(4):
        steps = [road_step(rng, 1.2, run=True) for _ in range(6)]
        start = 0.0 if k == 0 else rng.uniform(0.05, 0.4)
        walk(
            rng,
            canvas,
            steps,
            start,
            60 / rng.uniform(158, 186),
            (1.0, 0.8, 0.6, 0.45)[k],
            rng.uniform(-0.5, 0.5),
            0.06,
        )
    return canvas.samples * line(canvas.n, (0, 0.7), (duration_s * 0.45, 1.0), (duration_s, 0.55))


@effect("footsteps_stairs")
def footsteps_stairs(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, k = 0.0, 0
    while at < duration_s - 0.12:
        step = floor_step(rng, 1.1)
        hollow = body(rng, rng.uniform(105, 135) * (1 + 0.012 * k), 9, 0.16, 2.2, 0.3)
        canvas.add(mix((step, 0.8), (hollow, 0.8)), at, rng.uniform(0.75, 1.0), 0.1 * (-1) ** k)
        at += rng.uniform(0.24, 0.29)
        k += 1
    return reverberate(canvas.samples, space(rng, 0.6, 3000, 0.008), 0.2)[:, : canvas.n]


@effect("footsteps_crowd")
def footsteps_crowd(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    for k in range(14):
        steps = [road_step(rng, rng.uniform(0.8, 1.3)) for _ in range(4)]
        walk(
            rng,
            canvas,
            steps,
            0.0 if k < 2 else rng.uniform(0, 0.5),
            rng.uniform(0.46, 0.6),
            rng.uniform(0.3, 0.8),
            rng.uniform(-0.8, 0.8),
            0.06,
        )
    return canvas.samples * line(canvas.n, (0, 0.5), (duration_s * 0.45, 1.0), (duration_s, 0.35))


def hoof(rng: Rng, weight: float) -> np.ndarray:
    """A shod hoof on a hard road: a hollow 'clop' around 600–1200 Hz over a thud; peak ~1."""
    f = rng.uniform(480, 640)
    clop = body(rng, f, 6, 0.055, 0.5, 0.11, 1.15, 0.5)
    return unit(
        mix(
            (clop, 0.8),
            (burst(rng, 0.09, 60, 190, 0.09), 0.75 * weight),
            (click(rng, 1800, 6500, 0.6), 0.3),
            (burst(rng, 0.05, 300, 1300, 0.04), 0.3),
        )
    )


# Footfalls within one stride (share of the cycle, weight): Alexander 1984; Barrey 2013 (equine gaits)
GALLOP = ((0.0, 0.75), (0.17, 0.85), (0.30, 1.0), (0.42, 0.9))
CANTER = (
    (0.0, 0.8),
    (0.26, 1.0),
    (0.275, 0.7),
    (0.52, 0.9),
)  # three beats (the middle one is a diagonal pair), then the air
TROT = ((0.0, 1.0), (0.018, 0.6), (0.5, 0.92), (0.522, 0.6))


def ride(
    rng: Rng,
    canvas: Canvas,
    gait: tuple[tuple[float, float], ...],
    stride_s: float,
    start_s: float,
    level: float,
    side: float,
) -> None:
    """One horse in a gait; each of its hooves keeps its own sound."""
    hooves = [[hoof(rng, 1.0) for _ in range(3)] for _ in gait]
    at = start_s
    while at < canvas.duration_s:
        for (share, weight), variants in zip(gait, hooves, strict=True):
            t = at + stride_s * share + rng.normal(0, 0.004) * (at > start_s or share > 0)
            if 0 <= t < canvas.duration_s - 0.05:
                canvas.add(variants[int(rng.integers(3))], t, level * weight * rng.uniform(0.85, 1.0), side)
        at += stride_s * rng.uniform(0.97, 1.03)


@effect("horse_gallop")
def horse_gallop(rng: Rng, duration_s: float) -> np.ndarray:
    """Horses come up and pass: three beats and a suspension at ~2.3 strides a second, 7 beats a second each."""
    canvas = Canvas.of(duration_s)
    ride(rng, canvas, CANTER, rng.uniform(0.42, 0.45), 0.0, 1.0, -0.05)
    ride(rng, canvas, CANTER, rng.uniform(0.42, 0.46), rng.uniform(0.1, 0.3), 0.3, 0.35)
    ground = noise(rng, canvas.n, [(30, -10), (60, 0), (130, -4), (400, -30)])
    canvas.add(ground, 0.0, 0.03)
    shape = line(canvas.n, (0, 0.45), (duration_s * 0.5, 1.0), (duration_s, 0.25))
    return reverberate(canvas.samples * shape, space(rng, 0.5, 3000, 0.04), 0.08)[:, : canvas.n]


@effect("horse_trot")
def horse_trot(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    ride(rng, canvas, TROT, rng.uniform(0.66, 0.74), 0.0, 1.0, 0.0)
    shape = line(canvas.n, (0, 0.6), (duration_s * 0.5, 1.0), (duration_s, 0.5))
    return reverberate(canvas.samples * shape, space(rng, 0.5, 3500, 0.03), 0.08)[:, : canvas.n]
