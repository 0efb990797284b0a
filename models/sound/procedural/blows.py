"""Shots, blasts and blows: a pressure front, a body of low noise, and what the landscape sends back."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.modal import MEMBRANE, body, click, low_pass, mix, reverberate, ring, space, unit
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    burst,
    decay,
    flutter,
    hump,
    line,
    noise,
    samples,
    wide,
)
from models.sound.procedural.registry import effect


def n_wave(length_ms: float) -> np.ndarray:
    """A shock: up at once, straight down through zero, back (a Friedlander/N-wave); peak 1."""
    n = samples(length_ms / 1000)
    return np.linspace(1, -0.75, max(4, n)).astype(np.float32)


def landscape(
    rng: Rng, dry: np.ndarray, echoes: int, spread_s: float, total_s: float, cutoff_hz: float, wet: float
) -> np.ndarray:
    """What comes back outdoors `(2, n)`: a few duller single echoes and a long thin tail."""
    canvas = Canvas.of(total_s)
    canvas.add(dry, 0.0, 1.0)
    for at in np.sort(rng.uniform(0.09, spread_s, echoes)):
        level = 0.24 * float(np.exp(-1.6 * at))
        echo = low_pass(dry, max(500.0, cutoff_hz * float(np.exp(-1.2 * at))))
        canvas.add(echo, float(at), level * rng.uniform(0.5, 1.0), rng.uniform(-0.7, 0.7))
    tail = space(rng, min(3.0, total_s * 1.2), cutoff_hz, 0.03, 0.7)
    return reverberate(canvas.samples, tail, wet)[:, : canvas.n]


@effect("gun_shot", overhang_s=1.0)
def gun_shot(rng: Rng, duration_s: float) -> np.ndarray:
    crack = mix(
        (n_wave(rng.uniform(0.7, 1.0)), 1.6),
        (burst(rng, 0.09, 500, 7000, 0.06), 1.0),
        (burst(rng, 0.22, 90, 700, 0.16), 0.9),
        (burst(rng, 0.25, 45, 120, 0.25), 0.8),
    )
    out = landscape(rng, np.tanh(crack * np.float32(1.5)), 6, 0.75, duration_s + 0.9, 2600, 0.13)
    return np.tanh(out * np.float32(1.3))


@effect("cannon", overhang_s=1.5)
def cannon(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(1.6)
    boom = noise(rng, n, [(18, -8), (32, 0), (75, 0), (170, -9), (500, -28), (1500, -50)]) * decay(n, 1.5)
    mono = mix(
        (unit(boom), 1.1),
        (burst(rng, 0.5, 90, 500, 0.4), 0.7),
        (n_wave(5.0), 0.9),
        (burst(rng, 0.12, 500, 3500, 0.1), 0.45),
    )
    return np.tanh(
        landscape(rng, np.tanh(mono * np.float32(1.5)), 6, 1.4, duration_s + 1.4, 1100, 0.3) * np.float32(1.2)
    )


@effect("explosion", overhang_s=1.5)
def explosion(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s + 1.4)
    roll = flutter(rng, n, 9.0, 0.35)
    low = wide(noise(rng, n, [(18, -8), (32, 0), (90, 0), (220, -9), (700, -28)]) * decay(n, 3.2), 0.4)
    mid = wide(
        noise(rng, n, [(120, -16), (300, 0), (900, -3), (2500, -14), (8000, -32)]) * decay(n, 1.7), 0.6
    )
    canvas = Canvas(n)
    canvas.samples += (low * np.float32(0.75) + mid * np.float32(0.4)) * roll
    canvas.add(mix((n_wave(4.0), 1.4), (burst(rng, 0.1, 400, 8000, 0.08), 1.0)), 0.0, 1.0)
    for t in rng.gamma(2.0, 0.45, 60) + 0.25:  # debris
        hz = rng.uniform(250, 1700)
        bit = mix((click(rng, hz, hz * 4, 1.0), 0.6), (body(rng, hz, 5, 0.05, 0.7, 0.08), 0.6))
        canvas.add(
            bit, float(t), 0.16 * rng.uniform(0.2, 1) * float(np.exp(-0.8 * t)), rng.uniform(-0.8, 0.8)
        )
    return np.tanh(canvas.samples * np.float32(1.4))


@effect("bullet_by")
def bullet_by(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    t = np.arange(n) / SAMPLE_RATE_HZ
    near_s = 0.16
    speed, miss, c = 260.0, 3.0, 343.0
    x = speed * (t - near_s)
    radial = speed * x / np.sqrt(x**2 + miss**2)
    f0 = 1750 * rng.uniform(0.9, 1.15) / (1 + radial / c * 0.9)  # Doppler of a tumbling ball's hum
    loud = (1 / np.sqrt(1 + (x / (miss * 5)) ** 2)).astype(np.float32)
    phase = np.cumsum(f0) / SAMPLE_RATE_HZ
    tone = (np.sin(2 * np.pi * phase) + 0.4 * np.sin(4 * np.pi * phase)) * (
        1 + 0.35 * np.sin(2 * np.pi * 95 * t)
    )
    hiss = noise(rng, n, [(900, -16), (2500, 0), (6500, -2), (14000, -16)])
    mono = (0.35 * tone + 0.5 * hiss * loud).astype(np.float32) * loud
    pan = np.clip(0.5 + 0.4 * np.tanh(x / 25), 0.1, 0.9)
    out = np.stack([mono * np.sqrt(1 - pan), mono * np.sqrt(pan)]).astype(np.float32)
    return out * line(n, (0, 0.5), (0.06, 1), (0.3, 0.6), (0.55, 0.0))


@effect("whip")
def whip(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    m = samples(0.15)
    swish = noise(rng, m, [(300, -16), (900, 0), (2500, -2), (7000, -10)]) * (
        np.linspace(0.05, 1, m) ** 2.5
    ).astype(np.float32)
    canvas.add(swish, 0.0, 0.10)
    crack = mix(
        (n_wave(0.25), 1.3),
        (burst(rng, 0.03, 1500, 11000, 0.022), 1.0),
        (burst(rng, 0.05, 400, 1800, 0.04), 0.35),
    )
    canvas.add(np.tanh(crack * np.float32(1.4)), 0.15, 1.0)
    return reverberate(canvas.samples, space(rng, 0.5, 5000, 0.03), 0.12)[:, : canvas.n]


@effect("punch")
def punch(rng: Rng, duration_s: float) -> np.ndarray:
    thud = mix(
        (burst(rng, 0.16, 70, 260, 0.13), 1.0), (burst(rng, 0.05, 300, 1500, 0.04), 0.55), (click(rng, 900, 4500, 1.2), 0.28),
        (cloth_puff(rng, 0.12), 0.22),
    )  # fmt: skip
    mono = np.tanh(thud * np.float32(1.3))[: samples(duration_s)]
    return reverberate(np.stack([mono, mono]), space(rng, 0.25, 2500, 0.005), 0.1)


def cloth_puff(rng: Rng, length_s: float) -> np.ndarray:
    """Clothes giving way: a soft mid-band puff; peak ~1."""
    n = samples(length_s)
    return unit(
        noise(rng, n, [(250, -18), (700, 0), (2200, -4), (6000, -14), (11000, -30)]) * hump(n, 0.25, 1.3)
    )


@effect("body_fall")
def body_fall(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    for at, size in (
        (0.0, 0.6),
        (rng.uniform(0.1, 0.15), 1.0),
        (rng.uniform(0.26, 0.34), 0.4),
    ):  # knees, trunk, arm
        canvas.add(burst(rng, 0.25, 42, 170, 0.2), at, size)
        canvas.add(burst(rng, 0.08, 170, 800, 0.07), at, 0.5 * size, rng.uniform(-0.2, 0.2))
        canvas.add(cloth_puff(rng, 0.2), at, 0.16 * size, rng.uniform(-0.3, 0.3))
        canvas.add(click(rng, 600, 2800, 1.5), at, 0.16 * size)
    return reverberate(np.tanh(canvas.samples), space(rng, 0.35, 2000, 0.008), 0.12)[:, : canvas.n]


@effect("drum")
def drum(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    base, beat = rng.uniform(78, 98), rng.uniform(0.46, 0.54)
    for k in range(int(np.ceil(duration_s / (beat / 2)))):
        strength = {0: 1.0, 2: 0.75, 3: 0.55}.get(k % 4)
        at = k * beat / 2
        if strength is None or at > duration_s - 0.2:
            continue
        ratios = np.array(MEMBRANE)
        skin = ring(base * ratios * rng.uniform(0.995, 1.005, 10), 0.65 * ratios**-0.9, 1 / ratios, 0.9)
        m = len(skin)
        drop = ring([base * 1.5], [0.09], [0.5], m / SAMPLE_RATE_HZ)  # tension falls after the blow
        hit = mix(
            (skin, 0.8),
            (drop, 0.6),
            (click(rng, 500, 3000, 1.5), 0.3),
            (burst(rng, 0.12, 120, 500, 0.1), 0.4),
        )
        canvas.add(hit, at, strength * rng.uniform(0.93, 1.0))
    return reverberate(canvas.samples, space(rng, 0.7, 2500, 0.02), 0.15)[:, : canvas.n]
