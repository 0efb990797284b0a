"""Carriages, wagons, trains and their horns."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.boats import creak
from models.sound.procedural.canvas import Canvas, scatter, spaced
from models.sound.procedural.metal import rattle_bits
from models.sound.procedural.modal import body, click, low_pass, mix, reverberate, space
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    burst,
    cycles,
    db_gain,
    drift,
    line,
    noise,
    samples,
    swell,
    wave,
    wide,
)
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.steps import TROT, hoof
from models.sound.procedural.voice import harmonics


def rolling(rng: Rng, n: int, bumps_hz: float) -> np.ndarray:
    """Iron tyres on a road `(2, n)`, RMS ~1: a low rumble and a gravelly grind, shaken by stones."""
    low = air(rng, n, [(28, -10), (60, 0), (170, -2), (420, -16), (1000, -34)], 0.5)
    grind = air(rng, n, [(250, -18), (700, 0), (1500, -4), (3800, -12), (9000, -30)], 0.6)
    shake = db_gain(np.clip(drift(rng, n, bumps_hz), -2, 2) * np.float32(2.5))
    return (low + grind * np.float32(0.28)) * shake


@bed("carriage")
def carriage(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    strides = max(1, round(canvas.duration_s / 0.7))
    stride_s = canvas.duration_s / strides
    for horse, side in ((0.0, -0.25), (0.23, 0.25)):
        hooves = [[hoof(rng, 1.0) for _ in range(3)] for _ in TROT]
        for k in range(strides):
            for (share, weight), variants in zip(TROT, hooves, strict=True):
                t = (k + share + horse) * stride_s + rng.normal(0, 0.008)
                canvas.add(
                    low_pass(variants[int(rng.integers(3))], 3500, 1),
                    t,
                    0.42 * weight * rng.uniform(0.7, 1),
                    side,
                )
    for at in spaced(rng, canvas.duration_s, 1.6, 0.45):  # the body on its straps
        low = rng.uniform(30, 60)
        canvas.add(
            creak(rng, rng.uniform(0.15, 0.35), low, low * 1.8),
            float(at),
            rng.uniform(0.05, 0.16),
            rng.uniform(-0.5, 0.5),
        )
    for at in spaced(rng, canvas.duration_s, 0.9, 0.45):  # stones under the wheels
        canvas.add(
            body(rng, rng.uniform(90, 190), 9, 0.1, 2.0, 0.2),
            float(at),
            rng.uniform(0.15, 0.5),
            rng.uniform(-0.6, 0.6),
        )
    scatter(rng, canvas, [rattle_bits(rng, 2, 0.06) for _ in range(8)], 3.0, 4, 0.5, 0.035)
    return canvas.samples + rolling(rng, n, 5.0) * np.float32(0.10)


@effect("wheels")
def wheels(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    canvas = Canvas(n)
    canvas.samples += rolling(rng, n, 6.0) * np.float32(0.16)
    for at in np.append(0.0, np.sort(rng.uniform(0, duration_s - 0.1, int(5 * duration_s)))):
        canvas.add(
            body(rng, rng.uniform(80, 220), 10, 0.12, 1.6, 0.25),
            float(at),
            rng.uniform(0.2, 0.7),
            rng.uniform(-0.2, 0.2),
        )
        canvas.add(click(rng, 700, 4000, 1.2), float(at), rng.uniform(0.05, 0.2))
    for at in np.arange(0.2, duration_s - 0.4, 0.85):
        canvas.add(creak(rng, 0.3, 55, 110), float(at), 0.14, 0.1)
    scatter(rng, canvas, [rattle_bits(rng, 2, 0.06) for _ in range(6)], 4.0, 3, 0.3, 0.09)
    t = np.linspace(-1, 1, n)
    near = (1 / np.sqrt(1 + (2.0 * t) ** 2)).astype(np.float32)
    side = np.float32(0.32) * np.tanh(1.8 * t).astype(np.float32)
    return canvas.samples * near * np.stack([1 - side, 1 + side])


@bed("train")
def train(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    rails = max(1, round(canvas.duration_s / 1.15))  # a 20 m rail at 63 km/h
    rail_s = canvas.duration_s / rails
    clacks = [
        mix(
            (body(rng, rng.uniform(85, 105), 12, 0.13, 1.5, 0.3), 1.0),
            (burst(rng, 0.06, 250, 1400, 0.05), 0.35),
            (click(rng, 900, 3200, 1.0), 0.16),
        )
        for _ in range(8)
    ]
    for k in range(rails):
        # two axles of a bogie, 2.4 m apart, then the other bogie's two, farther off
        for offset, level, side in (
            (0.0, 1.0, -0.15),
            (0.14, 0.9, -0.1),
            (0.58, 0.4, 0.3),
            (0.72, 0.36, 0.32),
        ):
            t = (k + offset) * rail_s + rng.normal(0, 0.003)
            canvas.add(clacks[int(rng.integers(8))], t, 0.55 * level * rng.uniform(0.8, 1.0), side)
    for at in spaced(rng, canvas.duration_s, 2.8, 0.45):
        low = rng.uniform(25, 50)
        canvas.add(
            creak(rng, rng.uniform(0.2, 0.5), low, low * 1.6),
            float(at),
            rng.uniform(0.03, 0.1),
            rng.uniform(-0.8, 0.8),
        )
    scatter(rng, canvas, [rattle_bits(rng, 3, 0.1) for _ in range(8)], 2.0, 4, 0.8, 0.018)
    rumble = air(rng, n, [(25, -8), (45, 0), (110, -1), (260, -9), (700, -22), (2200, -36)], 0.5) * swell(
        rng, n, 0.4, 1.2
    )
    rush = air(rng, n, [(200, -14), (500, 0), (1100, -5), (3000, -16), (8000, -32)], 0.65) * swell(
        rng, n, 0.3, 1.2
    )
    sway = 1 + np.float32(0.1) * wave(cycles(np.full(n, 1.3))).astype(np.float32)
    return canvas.samples + (rumble * np.float32(0.06) + rush * np.float32(0.016)) * sway


@effect("train_whistle", overhang_s=0.6)
def train_whistle(rng: Rng, duration_s: float) -> np.ndarray:
    """A steam chime: four pipes of one chord, rising into pitch with the pressure, wrapped in steam."""
    n = samples(duration_s)
    t = np.arange(n) / SAMPLE_RATE_HZ
    long = duration_s > 1.6
    blow = (
        line(n, (0, 0), (0.07, 0.8), (0.3, 1), (duration_s * 0.34, 1), (duration_s * 0.38, 0))
        if long
        else line(n, (0, 0), (0.07, 1), (duration_s - 0.15, 1), (duration_s, 0))
    )
    if long:
        second = line(
            n, (duration_s * 0.44, 0), (duration_s * 0.47, 0.9), (duration_s - 0.3, 1), (duration_s - 0.04, 0)
        )
        blow = blow + second
    bend = 0.955 + 0.045 * np.clip(blow, 0, 1)
    chord = np.zeros(n, dtype=np.float32)
    for ratio in (1.0, 1.26, 1.5, 1.89):
        f0 = rng.uniform(0.995, 1.005) * 392 * ratio * bend * (1 + 0.0025 * drift(rng, n, 11.0))
        chord += harmonics(f0, SAMPLE_RATE_HZ, (1.0, 0.35, 0.3, 0.12, 0.1))
    tremor = 1 + np.float32(0.08) * drift(rng, n, 16.0)
    steam = noise(rng, n, [(600, -18), (1800, -4), (4500, 0), (10000, -8), (17000, -24)])
    mono = (chord * np.float32(0.22) * tremor + steam * np.float32(0.07)) * blow + steam * np.float32(
        0.03
    ) * (t < 0.1)
    out = reverberate(wide(mono.astype(np.float32), 0.12), space(rng, 1.6, 3500, 0.12), 0.3)
    return out[:, : n + samples(0.6)]


@effect("horn")
def horn(rng: Rng, duration_s: float) -> np.ndarray:
    """A natural horn: brass brightens as it swells (Risset & Mathews 1969)."""
    n = samples(duration_s)
    base = rng.uniform(165, 185)
    first = duration_s * 0.22
    out = np.zeros(n, dtype=np.float32)
    for start, stop, ratio in ((0.0, first, 1.0), (first + 0.03, duration_s, 1.5)):
        i, j = samples(start) if start else 0, min(n, samples(stop))
        m = j - i
        length = m / SAMPLE_RATE_HZ
        loud = line(m, (0, 0), (0.06, 0.9), (length * 0.5, 1.0), (max(0.1, length - 0.2), 0.7), (length, 0))
        f0 = base * ratio * (1 + 0.004 * drift(rng, m, 6.0)) * line(m, (0, 0.965), (0.07, 1.0))
        phase = np.cumsum(f0) / SAMPLE_RATE_HZ
        for k in range(1, 19):
            bright = loud ** (1 + 0.33 * k) * np.exp(-0.16 * k)
            out[i:j] += (
                np.sin(2 * np.pi * ((k * phase) % 1.0)) * bright * (1.2 if 2 <= k <= 5 else 1)
            ).astype(np.float32)
    return reverberate(np.stack([out, out]) * np.float32(0.2), space(rng, 1.2, 2500, 0.06), 0.25)[:, :n]
