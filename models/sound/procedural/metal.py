"""Bells, clocks, blades, chains, coins: metal rings long, in partials that are not a harmonic row."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.modal import (
    CHURCH_BELL,
    FREE_BAR,
    body,
    click,
    felt,
    mix,
    resonate,
    reverberate,
    ring,
    space,
    stick_slip,
    unit,
)
from models.sound.procedural.noise import Rng, burst, drift, hump, noise, samples
from models.sound.procedural.registry import effect


def bell(rng: Rng, prime_hz: float, t60_s: float, contact_ms: float, duration_s: float) -> np.ndarray:
    """A church bell: each partial is a pair a fraction of a hertz apart, which makes it throb. Peak 1."""
    ratios = np.array(CHURCH_BELL)
    freqs = prime_hz * ratios * rng.uniform(0.997, 1.003, len(ratios))
    amps = (
        np.array([0.55, 0.6, 0.75, 0.35, 1.0, 0.35, 0.3, 0.6, 0.45, 0.25, 0.15, 0.1])
        * felt(freqs, contact_ms)
        * 1.5
    )
    t60s = t60_s * (ratios / 0.5) ** -0.85
    split = rng.uniform(0.2, 0.9, len(ratios))
    pair = ring(
        np.concatenate([freqs, freqs + split]),
        np.tile(t60s, 2),
        np.concatenate([amps, amps * 0.45]),
        duration_s,
    )
    return unit(mix((pair, 1.0), (click(rng, 1200, 6000, 1.5) * np.float32(np.abs(pair).max()), 0.25)))


def plate(
    rng: Rng, low_hz: float, count: int, t60_s: float, contact_ms: float, duration_s: float
) -> np.ndarray:
    """A clanging piece of iron: dense modes, long highs. Peak 1."""
    k = np.arange(1, count + 1)
    freqs = low_hz * (k ** rng.uniform(0.95, 1.15)) * rng.uniform(0.9, 1.1, count)
    t60s = t60_s * (freqs / low_hz) ** -0.45 * rng.uniform(0.5, 1.3, count)
    amps = felt(freqs, contact_ms) * rng.uniform(0.3, 1.0, count)
    return unit(mix((ring(freqs, t60s, amps, duration_s), 1.0), (click(rng, 1500, 9000, 0.8), 0.6)))


def rattle_bits(rng: Rng, count: int, duration_s: float) -> np.ndarray:
    """Small iron parts that jump: latch, hinge, buckle. Peak ~1."""
    out = np.zeros(samples(duration_s + 0.12), dtype=np.float32)
    for k, at in enumerate(np.sort(rng.uniform(0, duration_s, count))):
        bit = mix(
            (body(rng, rng.uniform(900, 2400), 6, 0.045, 0.25, 0.1, 1.1, 0.3), 0.8),
            (click(rng, 2000, 9000, 0.4), 0.5),
        ) * np.float32(rng.uniform(0.4, 1.0))
        start = samples(float(at)) if k else 0
        out[start : start + len(bit)] += bit[: len(out) - start]
    return unit(out)


def stereo(mono: np.ndarray) -> np.ndarray:
    """Two equal channels."""
    return np.stack([mono, mono])


@effect("bell_large", overhang_s=3.0)
def bell_large(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s + 3.0)
    prime, every = rng.uniform(300, 380), 2.6
    for k in range(max(1, round(duration_s / 4.0)) if duration_s < 6 else int(duration_s / every)):
        canvas.add(bell(rng, prime, 9.0, 0.7, duration_s + 3.0 - k * every), k * every, rng.uniform(0.9, 1.0))
    return reverberate(canvas.samples, space(rng, 1.5, 3000, 0.05), 0.25)[:, : canvas.n]


@effect("bell_hand", overhang_s=0.8)
def bell_hand(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s + 0.8)
    base, at = rng.uniform(1750, 2300), 0.0
    while at < duration_s * 0.75:
        ratios = np.array([1.0, 2.02, 2.76, 4.1, 5.42])
        tone = ring(base * ratios, [1.3, 0.8, 0.5, 0.3, 0.2], [1.0, 0.4, 0.45, 0.25, 0.15], 1.4)
        canvas.add(mix((tone, 1.0), (click(rng, 3000, 10000, 0.3), 0.5)), at, rng.uniform(0.6, 1.0))
        at += rng.uniform(0.13, 0.17)
    return canvas.samples


@effect("gong", overhang_s=3.5)
def gong(rng: Rng, duration_s: float) -> np.ndarray:
    """A tam-tam: the low modes speak at once, the shimmer blooms half a second later."""
    total = duration_s + 3.5
    low = rng.uniform(82, 110)
    ratios = np.array([1, 1.52, 2.0, 2.57, 2.98, 3.51, 4.3, 5.1, 6.2])
    core = ring(low * ratios, 7.0 * ratios**-0.6, [1, 0.8, 0.7, 0.5, 0.5, 0.4, 0.3, 0.25, 0.2], total)
    count = 70
    freqs = np.exp(rng.uniform(np.log(500), np.log(5200), count))
    shimmer = ring(
        freqs, 4.5 * (freqs / 500) ** -0.5, rng.uniform(0.2, 1.0, count) * (freqs / 500) ** -0.5, total
    )
    n = len(core)
    bloom = 1 - np.exp(-np.arange(n) / samples(0.4))
    mono = mix(
        (unit(core), 1.0),
        (unit(shimmer) * bloom.astype(np.float32), 1.0),
        (burst(rng, 0.2, 50, 300, 0.2), 0.4),
    )
    return reverberate(stereo(mono), space(rng, 1.0, 4000, 0.02), 0.15)[:, :n]


@effect("metal_clang", overhang_s=0.5)
def metal_clang(rng: Rng, duration_s: float) -> np.ndarray:
    mono = plate(rng, rng.uniform(240, 330), 26, 1.6, 0.25, duration_s + 0.4)
    return reverberate(stereo(mono), space(rng, 0.6, 5000, 0.01), 0.15)


@effect("gate", overhang_s=0.5)
def gate(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s + 0.5)
    swing = duration_s * 0.55
    n = samples(swing)
    rate = np.interp(np.linspace(0, 1, n), [0, 0.4, 0.75, 1], [150, 330, 260, 170]) * rng.uniform(0.9, 1.15)
    push = stick_slip(rng, rate * (1 + 0.05 * drift(rng, n, 6.0)), 0.05) * hump(n, 0.45, 0.6)
    f = rng.uniform(0.9, 1.1)
    canvas.add(resonate(push, [f * 610, f * 1180, f * 1890, f * 2750, f * 3900], 0.14, 0.3), 0.0, 0.38)
    canvas.add(plate(rng, rng.uniform(130, 170), 24, 1.3, 0.5, duration_s - swing + 0.5), swing, 0.95)
    canvas.add(burst(rng, 0.15, 60, 300, 0.15), swing, 0.5)
    canvas.add(rattle_bits(rng, 6, 0.4), swing + 0.06, 0.3)
    canvas.add(plate(rng, 210, 16, 0.5, 0.6, 0.6), swing + rng.uniform(0.13, 0.18), 0.3)
    return reverberate(canvas.samples, space(rng, 0.6, 4000, 0.03), 0.12)[:, : canvas.n]


@effect("sword", overhang_s=0.5)
def sword(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s + 0.5)
    count = max(1, round(duration_s / 0.6))
    for k in range(count):
        at = 0.0 if k == 0 else k * duration_s / count * rng.uniform(0.85, 1.05)
        for blade in rng.uniform(310, 460, 2):  # two free bars meet
            ratios = np.array(FREE_BAR) * rng.uniform(0.985, 1.015, 6)
            freqs = np.concatenate([blade * ratios, blade * 3.1 * rng.uniform(1.0, 6.0, 10)])
            amps = np.concatenate([[0.25, 0.6, 0.9, 0.8, 0.5, 0.3], rng.uniform(0.1, 0.5, 10)])
            tone = ring(freqs, 0.95 * (freqs / 1000) ** -0.35, amps, 1.3)
            canvas.add(unit(tone), at, 0.55 * rng.uniform(0.8, 1), rng.uniform(-0.2, 0.2))
        canvas.add(click(rng, 2500, 12000, 0.8), at, 0.8)
        m = samples(rng.uniform(0.12, 0.22))  # edges slide off each other
        scrape = noise(rng, m, [(2000, -24), (4200, -3), (7500, 0), (13000, -8)]) * hump(m, 0.15, 1.2)
        canvas.add(scrape, at + 0.02, 0.07)
    return reverberate(canvas.samples, space(rng, 0.5, 6000, 0.02), 0.1)[:, : canvas.n]


@effect("clock_tick")
def clock_tick(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    case = rng.uniform(0.9, 1.15)
    sounds = []
    for f in (1.0, 0.82):  # tick and tock: the anchor's two pallets
        wood = body(rng, 420 * case * f, 7, 0.05, 0.4, 0.1)
        sounds.append(
            mix(
                (click(rng, 2200 * f, 7000 * f, 0.35), 0.8),
                (wood, 0.7),
                (ring([3150 * f * case], [0.04], [1.0], 0.06), 0.15),
            )
        )
    period = 0.5 if duration_s < 20 else 1.0  # seconds between tick and tock
    for k in range(int(np.ceil(duration_s / period))):
        canvas.add(sounds[k % 2], k * period, (1.0, 0.82)[k % 2] * rng.uniform(0.96, 1.0))
    return reverberate(canvas.samples, space(rng, 0.3, 4000, 0.006), 0.1)[:, : canvas.n]


@effect("clock_strike", overhang_s=1.5)
def clock_strike(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s + 1.5)
    base = rng.uniform(390, 460)
    every = 1.45
    for k in range(max(1, int((duration_s + 0.2) / every))):
        ratios = np.array([1.0, 2.0, 2.76, 3.0, 5.404, 8.93])  # a coiled gong rod: bar modes and a low twang
        tone = ring(
            base * ratios * rng.uniform(0.999, 1.001, 6),
            [3.2, 2.2, 1.6, 1.2, 0.7, 0.3],
            [1, 0.3, 0.5, 0.25, 0.3, 0.15],
            3.2,
        )
        canvas.add(
            mix((tone, 1.0), (body(rng, 210, 8, 0.08, 0.8, 0.2), 0.35), (click(rng, 1500, 6000, 0.6), 0.3)),
            k * every,
            rng.uniform(0.92, 1),
        )
    return reverberate(canvas.samples, space(rng, 0.6, 3500, 0.01), 0.15)[:, : canvas.n]


@effect("telephone")
def telephone(rng: Rng, duration_s: float) -> np.ndarray:
    """Two gongs a third apart, a clapper beating them 20 times a second; 2 s on, 1 s off (British/Chinese lengths vary)."""
    canvas = Canvas.of(duration_s)
    base = rng.uniform(1180, 1350)
    gongs = []
    for f in (base, base * 1.24):
        tone = ring(f * np.array([1, 2.1, 2.9, 4.6]), [0.9, 0.5, 0.35, 0.2], [1.0, 0.4, 0.45, 0.25], 0.9)
        gongs.append(mix((tone, 1.0), (click(rng, 2500, 9000, 0.3), 0.45)))
    on_s = min(2.0, duration_s * 0.72)
    start = 0.0
    while start < duration_s - 0.3:
        for k in range(int(on_s * 20)):
            canvas.add(
                gongs[k % 2], start + k / 20 + rng.uniform(-0.002, 0.002) * (k > 0), rng.uniform(0.5, 0.65)
            )
        start += 3.0
    return canvas.samples


@effect("coins")
def coins(rng: Rng, duration_s: float) -> np.ndarray:
    return jingle(rng, duration_s, 13, 2700, 5200, 0.22)


@effect("keys")
def keys(rng: Rng, duration_s: float) -> np.ndarray:
    return jingle(rng, duration_s, 24, 3200, 7500, 0.11)


def jingle(
    rng: Rng, duration_s: float, count: int, low_hz: float, high_hz: float, t60_s: float
) -> np.ndarray:
    """Small metal discs or blades falling against each other."""
    canvas = Canvas.of(duration_s)
    at = np.sort(rng.beta(1.0, 1.6, round(count * max(1.0, duration_s)))) * (duration_s - 0.15)
    at[0] = 0.0
    for t in at:
        f = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz)))
        freqs = f * np.array([1, 1.41, 1.93, 2.4]) * rng.uniform(0.97, 1.03, 4)
        piece = mix(
            (ring(freqs, t60_s * np.array([1, 0.8, 0.6, 0.4]), rng.uniform(0.3, 1, 4), t60_s * 1.2), 0.6),
            (click(rng, 3500, 11000, 0.25), 0.6),
        )
        canvas.add(piece, float(t), rng.uniform(0.25, 1.0), rng.uniform(-0.25, 0.25))
    return canvas.samples


@effect("chain")
def chain(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    n = canvas.n
    surge = np.clip(0.7 + 0.6 * drift(rng, n, 2.5), 0.1, 1.6)
    for t in np.append(0.0, np.sort(rng.uniform(0, duration_s - 0.15, int(46 * duration_s)))):
        f = rng.uniform(750, 2600)
        link = mix(
            (
                ring(
                    f * np.array([1, 1.63, 2.4, 3.3]), [0.09, 0.07, 0.05, 0.04], rng.uniform(0.3, 1, 4), 0.12
                ),
                0.5,
            ),
            (click(rng, 2000, 8000, 0.35), 0.5),
        )
        canvas.add(
            link,
            float(t),
            float(surge[min(n - 1, samples(float(t)))]) * rng.uniform(0.15, 0.8),
            rng.uniform(-0.35, 0.35),
        )
    drag = (
        noise(rng, n, [(800, -20), (2200, 0), (5000, -4), (9000, -16)])
        * surge.astype(np.float32)
        * hump(n, 0.4, 0.5)
    )
    canvas.add(drag, 0.0, 0.02)
    return canvas.samples
