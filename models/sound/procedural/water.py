"""Sea, river, lake, drips and everything that falls into water.

Water sounds through its bubbles: damped sines whose pitch rises as the bubble nears the surface (Minnaert 1933;
van den Doel 2005). Waves are envelopes: swell, break and the hiss of the foam running back.
"""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas, scatter, spaced, times
from models.sound.procedural.modal import (
    click,
    mix,
    reverberate,
    reverberate_circle,
    space,
)
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    burst,
    drift,
    gliding,
    hump,
    line,
    noise,
    samples,
    swell,
    wide,
)
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.weather import breeze


def bubble(rng: Rng, hz: float, rise: float = 0.15, ring_s: float | None = None) -> np.ndarray:
    """One bubble of resonance `hz`; peak ~1. Damping after van den Doel: d = 0.13/r + 0.0072·r^−1.5, r = 3/f."""
    radius = 3.0 / hz
    damping = 0.13 / radius + 0.0072 * radius**-1.5
    length_s = ring_s or min(0.25, 6.9 / damping)
    n = samples(length_s)
    t = np.arange(n) / SAMPLE_RATE_HZ
    sweep = hz * (t + 0.5 * rise * damping * t**2)
    out = np.sin(2 * np.pi * sweep) * np.exp(-damping * t)
    out[: min(24, n)] *= np.linspace(0, 1, min(24, n))
    return out.astype(np.float32)


def bubbles(rng: Rng, low_hz: float, high_hz: float, count: int = 32) -> list[np.ndarray]:
    """A bank of bubbles, bigger ones louder."""
    hz = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), count))
    return [
        bubble(rng, float(f), float(rng.uniform(0.02, 0.3))) * np.float32((low_hz / f) ** 0.5) for f in hz
    ]


def break_wave(n_up: int, n_down: int, sharp: float) -> np.ndarray:
    """Envelope of one band of a breaking wave: slow swell, quick break, long run-back."""
    up = (0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, n_up))) ** sharp
    down = np.exp(-3.6 * np.linspace(0, 1, n_down)) * (0.5 + 0.5 * np.cos(np.pi * np.linspace(0, 1, n_down)))
    return np.concatenate([up, down]).astype(np.float32)


def breakers(rng: Rng, n: int, period_s: float, level: float) -> np.ndarray:
    """Waves on a shore `(2, n)`: rumble, crash and foam of each wave peak one after another."""
    bands = (  # spectrum, rise s, fall s, delay s, level
        ([(25, -14), (60, 0), (180, -2), (500, -22), (1200, -44)], 3.0, 3.5, -0.35, 0.9),
        ([(120, -24), (350, 0), (900, -2), (2500, -18), (6000, -40)], 1.8, 3.2, 0.0, 0.75),
        ([(800, -26), (2400, -5), (5000, 0), (9000, -5), (17000, -30)], 1.1, 4.6, 0.5, 0.42),
    )
    turn_s = n / SAMPLE_RATE_HZ
    at = spaced(rng, turn_s, period_s, 0.14)
    sizes = rng.uniform(0.6, 1.0, len(at))
    sides = rng.uniform(-0.5, 0.5, len(at))
    out = np.zeros((2, n), dtype=np.float32)
    for curve, rise_s, fall_s, delay_s, band_level in bands:
        envelope = Canvas(n, circular=True)
        scale = min(1.0, turn_s / (rise_s + fall_s))
        for t, size, side in zip(at, sizes, sides, strict=True):
            shape = break_wave(
                samples(rise_s * scale),
                samples(fall_s * scale * rng.uniform(0.85, 1.15)),
                rng.uniform(1.6, 2.6),
            )
            envelope.add(shape, float(t - rise_s * scale + delay_s), float(size), float(side))
        flutter = 1 + np.float32(0.12) * drift(rng, n, 9.0)
        out += (
            air(rng, n, curve, 0.6)
            * (envelope.samples + np.float32(0.05))
            * (flutter * np.float32(band_level))
        )
    return out * np.float32(level)


@bed("sea")
def sea(rng: Rng, n: int) -> np.ndarray:
    far = air(rng, n, [(30, -12), (70, 0), (220, -4), (700, -14), (2000, -22), (6000, -34)], 0.7)
    return breakers(rng, n, rng.uniform(7.0, 8.5), 1.0) + far * swell(rng, n, 0.1, 2) * np.float32(0.11)


@bed("lake")
def lake(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    bank = bubbles(rng, 260, 1100, 30)
    for at in spaced(rng, canvas.duration_s, 1.7, 0.35):  # each lap: a soft wash with a handful of gulps
        size, side = rng.uniform(0.35, 1.0), rng.uniform(-0.7, 0.7)
        m = samples(rng.uniform(0.7, 1.2))
        wash = noise(rng, m, [(150, -20), (450, 0), (900, -4), (2600, -16), (7000, -30)]) * hump(m, 0.3, 2)
        canvas.add(wash, float(at), 0.16 * size, side)
        for _ in range(int(rng.integers(3, 9))):
            canvas.add(
                bank[int(rng.integers(len(bank)))],
                float(at + rng.uniform(0.1, 0.7)),
                size * rng.uniform(0.1, 0.4),
                side,
            )
    return canvas.samples + breeze(rng, n) * np.float32(0.035)


@bed("river")
def river(rng: Rng, n: int) -> np.ndarray:
    flow = air(
        rng,
        n,
        [(60, -22), (180, -8), (450, -3), (900, 0), (1800, -7), (4500, -12), (10000, -22), (18000, -40)],
    )
    canvas = Canvas(n, circular=True)
    scatter(rng, canvas, bubbles(rng, 350, 1400, 48), 110, 5, 0.9, 1.1)
    scatter(rng, canvas, bubbles(rng, 1400, 3600, 32), 60, 4, 0.9, 0.6)
    return flow * swell(rng, n, 1.5, 0.7) * np.float32(0.55) + canvas.samples


def drip(rng: Rng, hz: float | None = None) -> np.ndarray:
    """A drop into still water: the tick of the impact, then the bubble's 'plink' some 15 ms later."""
    hz = hz or float(rng.uniform(900, 2200))
    plink = bubble(rng, hz, rng.uniform(0.08, 0.22), 0.14)
    tail = bubble(rng, hz * rng.uniform(0.55, 0.7), 0.1, 0.1)
    lead = np.zeros(samples(rng.uniform(0.008, 0.02)), dtype=np.float32)
    return mix(
        (click(rng, 2500, 8000, 0.6), 0.35),
        (np.concatenate([lead, plink]), 1.0),
        (np.concatenate([lead, lead, tail]), 0.3),
    )


def dripping(rng: Rng, n: int, period_s: float, level: float) -> np.ndarray:
    """Drops at irregular times around a circle `(2, n)`, from a few places with a pitch each."""
    canvas = Canvas(n, circular=True)
    places = [(rng.uniform(850, 2000), rng.uniform(-0.8, 0.8), rng.uniform(0.3, 1.0)) for _ in range(4)]
    for hz, side, size in places:
        for at in spaced(rng, canvas.duration_s, period_s * 4 * rng.uniform(0.8, 1.25), 0.3):
            canvas.add(
                drip(rng, hz * rng.uniform(0.94, 1.06)), float(at), level * size * rng.uniform(0.5, 1), side
            )
    return canvas.samples


@bed("cave_drips")
def cave_drips(rng: Rng, n: int) -> np.ndarray:
    wet = reverberate_circle(dripping(rng, n, 0.9, 0.5), space(rng, 2.8, 3500, 0.03), 0.5)
    hollow = air(rng, n, [(40, -16), (90, 0), (140, -3), (260, -14), (700, -26), (2500, -44)], 0.6)
    return wet + hollow * swell(rng, n, 0.15, 1.5) * np.float32(0.02)


@bed("prison")
def prison(rng: Rng, n: int) -> np.ndarray:
    wet = reverberate_circle(dripping(rng, n, 2.2, 0.35), space(rng, 1.3, 3000, 0.012), 0.6)
    hollow = air(
        rng, n, [(50, -20), (105, 0), (130, -1), (210, -8), (330, -10), (700, -24), (3000, -46)], 0.55
    )
    return wet + hollow * swell(rng, n, 0.12, 1.5) * np.float32(0.03)


@effect("water_drip")
def water_drip(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, hz = 0.0, rng.uniform(950, 1700)
    while at < duration_s - 0.25:
        canvas.add(drip(rng, hz * rng.uniform(0.93, 1.07)), at, rng.uniform(0.6, 1.0))
        at += rng.uniform(0.55, 0.95)
    tail = space(rng, 0.5, 4000, 0.01)
    return reverberate(canvas.samples, tail, 0.25)


@effect("splash")
def splash(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(burst(rng, 0.3, 60, 260, 0.35), 0.0, 0.9)  # the body's thump
    n = samples(min(duration_s, 1.6))
    sheet = noise(rng, n, [(250, -16), (700, 0), (2500, -3), (7000, -8), (15000, -26)])
    shape = line(n, (0, 0.4), (0.02, 1.0), (0.09, 0.55), (0.16, 0.85), (0.3, 0.6), (0.8, 0.12), (1.5, 0.0))
    canvas.add(wide(sheet * shape, 0.5), 0.0, 0.32)
    bank = bubbles(rng, 220, 900, 24) + bubbles(rng, 900, 2800, 24)
    for at in rng.exponential(0.28, 150) + 0.03:
        level = 0.45 * np.exp(-at * 1.8) * rng.uniform(0.3, 1)
        canvas.add(bank[int(rng.integers(len(bank)))], float(at), float(level), rng.uniform(-0.6, 0.6))
    for at in rng.uniform(0.3, 1.3, 40):  # drops falling back
        canvas.add(
            drip(rng, rng.uniform(1200, 3500)), float(at), 0.12 * rng.uniform(0.3, 1), rng.uniform(-0.8, 0.8)
        )
    return canvas.samples


@effect("water_pour")
def water_pour(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    n = canvas.n
    flow = line(n, (0, 0.5), (0.12, 1.0), (duration_s * 0.8, 1.0), (duration_s * 0.93, 0.0))
    stream = wide(noise(rng, n, [(300, -24), (900, -6), (2200, 0), (5000, -6), (12000, -24)]) * flow, 0.3)
    canvas.samples += stream * np.float32(0.05)
    # the cup's air column shortens as it fills: its resonance climbs through the pour
    u = np.linspace(0, 1, n)
    column = gliding(rng, n, 420.0 / (1.08 - 0.75 * u), 60.0) * flow
    canvas.samples += wide(column, 0.2) * np.float32(0.10)
    for at in times(rng, duration_s * 0.9, 95):
        hz = 420.0 / (1.08 - 0.75 * at / duration_s) * rng.uniform(0.9, 3.2)
        canvas.add(
            bubble(rng, float(hz), rng.uniform(0.05, 0.3)),
            float(at),
            rng.uniform(0.1, 0.5),
            rng.uniform(-0.3, 0.3),
        )
    return canvas.samples
