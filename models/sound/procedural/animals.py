"""Crickets, frogs, dogs and horses."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.birds import throat
from models.sound.procedural.canvas import Canvas, spaced
from models.sound.procedural.modal import reverberate_circle, space
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    band,
    cycles,
    drift,
    hump,
    line,
    noise,
    samples,
    swell,
    wave,
    wide,
)
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.voice import harmonics
from models.sound.procedural.weather import breeze


def chirp(rng: Rng, carrier_hz: float, pulses: int, pulse_s: float) -> np.ndarray:
    """A field cricket's chirp: wing closures of ~18 ms, each a nearly pure tone gliding down a little."""
    parts = []
    for k in range(pulses):
        n = samples(pulse_s)
        u = np.linspace(0, 1, n)
        tone = harmonics(carrier_hz * (1.015 - 0.03 * u), SAMPLE_RATE_HZ, (1.0, 0.05, 0.03))
        parts += [
            tone * hump(n, 0.4, 0.8) * np.float32(0.6 + 0.4 * (k > 0)),
            np.zeros(samples(pulse_s * 0.9), np.float32),
        ]
    return np.concatenate(parts)


def insects(rng: Rng, n: int, centre_hz: float, rate_hz: float) -> np.ndarray:
    """A meadow of far insects `(2, n)`: a narrow band shimmering at the wing rate."""
    hiss = noise(rng, n, band(centre_hz * 0.94, centre_hz * 1.06, 60))
    phase = cycles(np.full(n, rate_hz, dtype=np.float32) * (1 + np.float32(0.03) * drift(rng, n, 2.0)))
    trill = 0.55 + 0.45 * wave(phase)
    return wide(hiss * trill.astype(np.float32), 0.7) * swell(rng, n, 0.3, 1.5)


@bed("night_crickets")
def night_crickets(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    for k in range(9):
        carrier = rng.uniform(4050, 4900)
        size = 0.16 if k < 3 else rng.uniform(0.02, 0.08)
        side, pulses = rng.uniform(-0.9, 0.9), int(rng.integers(3, 5))
        song = chirp(rng, carrier, pulses, rng.uniform(0.015, 0.02))
        period = rng.uniform(0.38, 0.62)
        for at in spaced(rng, turn_s, period, 0.06):
            canvas.add(song, float(at), size * rng.uniform(0.85, 1.0), side)
    far = insects(rng, n, 5300, 38) * np.float32(0.012) + insects(rng, n, 3900, 52) * np.float32(0.005)
    return canvas.samples + far + breeze(rng, n) * np.float32(0.018)


def croak(rng: Rng, big: float) -> np.ndarray:
    """A frog: a train of throat pulses, quickening, each ringing at the vocal sac's resonances."""
    length_s = rng.uniform(0.18, 0.4)
    n = samples(length_s + 0.05)
    m = samples(length_s)
    rate = (
        np.pad(np.linspace(rng.uniform(38, 55), rng.uniform(60, 95), m), (0, n - m), mode="edge") / big**0.3
    )
    pulses = (np.diff(np.floor(np.cumsum(rate) / SAMPLE_RATE_HZ), prepend=0) > 0).astype(np.float32)
    pulses[:m] *= hump(m, 0.65, 0.7)
    pulses[m:] = 0
    ringing = np.convolve(pulses, np.exp(-np.arange(samples(0.008)) / samples(0.0022)).astype(np.float32))[:n]
    tone = harmonics(np.full(n, 520.0 / big), SAMPLE_RATE_HZ, (0.4, 1.0, 0.5, 0.7, 0.3, 0.15))
    out = ringing * (tone + noise(rng, n, band(500 / big, 2600 / big)) * np.float32(0.35))
    return out / np.float32(np.abs(out).max() + 1e-9)


@bed("swamp")
def swamp(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    for k in range(8):
        big, side = rng.uniform(0.7, 1.5), rng.uniform(-0.9, 0.9)
        size = rng.uniform(0.14, 0.3) if k < 4 else rng.uniform(0.05, 0.12)
        bank = [croak(rng, big) for _ in range(4)]
        for at in spaced(rng, turn_s, rng.uniform(1.6, 3.6), 0.4):
            t = float(at)
            for _ in range(int(rng.integers(1, 4))):
                canvas.add(bank[int(rng.integers(4))], t, size * rng.uniform(0.6, 1), side)
                t += rng.uniform(0.35, 0.55)
    out = reverberate_circle(canvas.samples, space(rng, 0.6, 3500, 0.02), 0.2)
    buzz = np.zeros((2, n), dtype=np.float32)
    for base in (185.0, 230.0):  # flies wander past
        f0 = base * (1 + 0.04 * drift(rng, n, 1.2))
        phase = cycles(f0)
        fly = sum(wave(k * phase) * np.float32(a) for k, a in ((1, 0.4), (3, 1.0), (4, 0.6)))
        fly = np.asarray(fly, dtype=np.float32)
        near = np.clip(drift(rng, n, 0.25) - 0.6, 0, 2) ** 1.5
        where = np.clip(0.5 + 0.35 * drift(rng, n, 0.3), 0.08, 0.92)
        buzz += np.stack([fly * near * np.sqrt(1 - where), fly * near * np.sqrt(where)])
    far = insects(rng, n, 4700, 31) * np.float32(0.013) + insects(rng, n, 6200, 60) * np.float32(0.008)
    damp = air(rng, n, [(60, -14), (150, 0), (600, -10), (3000, -30)], 0.6) * np.float32(0.012)
    return out + far + damp + buzz * np.float32(0.010)


@effect("dog_bark")
def dog_bark(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, scale, k = 0.0, rng.uniform(0.8, 1.15), 0
    while at < max(0.05, duration_s - 0.25):
        n = samples(rng.uniform(0.15, 0.2))
        u = np.linspace(0, 1, n)
        f0 = scale * np.interp(u, [0, 0.25, 0.6, 1], [380, 560, 470, 250])
        bark = throat(
            rng, f0, [[550, 950, 600], [1150, 1700, 1250], [2600, 2900, 2600], [4000, 4200, 4000]],
            (160, 260, 420, 700), (1.0, 0.75, 0.35, 0.2), 0.32, scale * 230, 0.4, 0.42,
        )  # fmt: skip
        snap = noise(rng, n, band(300, 3500)) * hump(n, 0.05, 4) * np.float32(0.12)
        canvas.add(bark * hump(n, 0.16, 0.7) + snap, at, 1.0 if k % 2 == 0 else 0.85)
        at += n / SAMPLE_RATE_HZ + (rng.uniform(0.13, 0.2) if k % 2 == 0 else rng.uniform(0.28, 0.4))
        k += 1
    return reverberate_circle(
        np.pad(canvas.samples, ((0, 0), (0, samples(0.25)))), space(rng, 0.5, 3000, 0.03), 0.18
    )


@effect("horse_neigh")
def horse_neigh(rng: Rng, duration_s: float) -> np.ndarray:
    """A whinny: a squeal that drops through a broad tremor into a rumble, then a flutter of the lips."""
    n = samples(duration_s)
    k, s = duration_s / 1.6, rng.uniform(0.9, 1.1)
    t = np.arange(n) / SAMPLE_RATE_HZ / k
    pitch = np.interp(t, [0, 0.1, 0.35, 0.8, 1.15, 1.6], [620, 1150, 1250, 820, 480, 300]) * s
    shake_hz = np.interp(t, [0, 0.5, 1.2], [11, 10, 8])
    shake = np.sin(2 * np.pi * np.cumsum(shake_hz) / SAMPLE_RATE_HZ)
    depth = np.interp(t, [0, 0.15, 0.4, 1.2], [0.0, 0.02, 0.09, 0.12])
    call = throat(
        rng, pitch * (1 + depth * shake), [[1100, 1500, 1200, 800], [2300, 2700, 2300, 1800], [3900, 4200, 3800, 3300]],
        (350, 500, 800), (1.0, 0.7, 0.4), 0.16, 75, 0.25, 0.45,
    )  # fmt: skip
    loud = np.interp(t, [0, 0.05, 0.3, 0.9, 1.25, 1.35], [0, 0.8, 1.0, 0.7, 0.25, 0])
    call *= (loud * (1 - 0.45 * (0.5 + 0.5 * shake) * (depth > 0.04))).astype(np.float32)
    snort = noise(rng, n, [(120, -14), (300, 0), (900, -3), (2500, -12), (7000, -26)])
    flutter = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 24 * t * k))
    snort *= (np.interp(t, [1.2, 1.28, 1.45, 1.6], [0, 1, 0.6, 0]) * (0.35 + 0.65 * flutter)).astype(
        np.float32
    )
    out = wide(call, 0.1) + wide(snort, 0.2) * np.float32(0.10)
    return out * line(n, (0, 0.6), (0.03, 1.0))
