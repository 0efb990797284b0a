"""Doors, floors, furniture and everything else of wood that is knocked, slammed, scraped or broken."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas
from models.sound.procedural.metal import rattle_bits
from models.sound.procedural.modal import body, click, mix, resonate, reverberate, space, stick_slip, unit
from models.sound.procedural.noise import Rng, band, burst, drift, hump, noise, samples
from models.sound.procedural.registry import effect


def floor_step(rng: Rng, weight: float) -> np.ndarray:
    """A shoe on boards: heel, a soft sole, and the floor answering; peak ~1."""
    floor = body(rng, rng.uniform(85, 130), 9, 0.11, 3.0, 0.22)
    heel = mix((click(rng, 500, 3200, 1.6), 0.55), (burst(rng, 0.05, 120, 700, 0.05), 0.5))
    return unit(mix((floor, 0.7 * weight), (heel, 0.5)))


def panel(rng: Rng, low_hz: float, hard_ms: float, t60_s: float = 0.16) -> np.ndarray:
    """A blow on a door: panel modes, contact, and the frame's knock."""
    return unit(
        mix(
            (body(rng, low_hz, 14, t60_s, hard_ms, t60_s * 2.2, 1.05, 0.5), 1.0),
            (click(rng, 700, 4000, 1.2), 0.28),
            (burst(rng, 0.08, low_hz * 0.7, low_hz * 2.2, 0.09), 0.35),
        )
    )


def slam(rng: Rng, weight: float) -> np.ndarray:
    """A leaf hits its frame: air pushed ahead, the panel's boom, the latch a moment later."""
    return mix(
        (burst(rng, 0.5, 38, 130, 0.35), 0.9 * weight),
        (body(rng, rng.uniform(66, 88), 18, 0.34, 2.2, 0.7, 1.0, 0.55), 1.0),
        (burst(rng, 0.15, 180, 1600, 0.12), 0.55),
        (click(rng, 600, 6500, 2.0), 0.5),
        (np.concatenate([np.zeros(samples(0.035), np.float32), rattle_bits(rng, 3, 0.12)]), 0.22),
    )


def creaking(rng: Rng, duration_s: float, low_hz: float, high_hz: float, bright: float = 1.0) -> np.ndarray:
    """A dry hinge: slips whose rate sings up and down, heard through pin and panel; peak 1."""
    n = samples(duration_s)
    turns = rng.uniform(0.25, 0.75)
    rate = np.interp(
        np.linspace(0, 1, n),
        [0, 0.25, 0.5 + 0.2 * (turns - 0.5), 0.8, 1],
        [low_hz, low_hz * 1.5, high_hz, high_hz * 0.75, low_hz * 0.9],
    )
    rate = rate * (1 + 0.1 * drift(rng, n, 6.0))
    push = (
        stick_slip(rng, rate, 0.10) * np.clip(0.75 + 0.4 * drift(rng, n, 7.0), 0.1, 1.6) * hump(n, 0.4, 0.5)
    )
    f = rng.uniform(0.88, 1.15) * bright
    return resonate(push, [f * 540, f * 930, f * 1420, f * 2150, f * 2900, f * 4100], 0.035, 0.12)


def latch(rng: Rng) -> np.ndarray:
    """A tongue lifted or falling home: two small metal clicks."""
    second = np.concatenate(
        [np.zeros(samples(rng.uniform(0.035, 0.06)), np.float32), rattle_bits(rng, 2, 0.05)]
    )
    return unit(
        mix((rattle_bits(rng, 2, 0.06), 0.7), (second, 0.6), (body(rng, 240, 7, 0.05, 1.2, 0.1), 0.5))
    )


def near(mono: np.ndarray, duration_s: float) -> np.ndarray:
    """One place in front: two equal channels, cut to the duration."""
    mono = mono[: samples(duration_s)]
    return np.stack([mono, mono])


@effect("door_open")
def door_open(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(latch(rng), 0.0, 0.55)
    canvas.add(creaking(rng, max(0.4, duration_s - 0.3), 45, rng.uniform(120, 190)), 0.16, 0.5, -0.1)
    sweep = noise(rng, canvas.n, band(120, 700)) * hump(canvas.n, 0.5, 1.5)
    canvas.add(sweep, 0.0, 0.02)
    return canvas.samples


@effect("door_close")
def door_close(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(panel(rng, rng.uniform(85, 110), 2.5, 0.24), 0.0, 0.9)
    canvas.add(burst(rng, 0.2, 45, 150, 0.2), 0.0, 0.5)
    canvas.add(latch(rng), 0.07, 0.42)
    return reverberate(canvas.samples, space(rng, 0.5, 3000, 0.006), 0.3)[:, : canvas.n]


@effect("door_slam")
def door_slam(rng: Rng, duration_s: float) -> np.ndarray:
    hit = np.tanh(near(slam(rng, 1.0), duration_s) * np.float32(1.3))
    return reverberate(hit, space(rng, 0.9, 3000, 0.006), 0.45)


@effect("door_break")
def door_break(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(slam(rng, 1.2), 0.0, 1.0)
    canvas.samples[:] = np.tanh(canvas.samples * np.float32(1.4))
    splinter(rng, canvas, 0.02, 0.5, 34, 0.5)
    for at in np.sort(rng.uniform(0.35, duration_s - 0.4, 6)):  # boards come down
        canvas.add(
            body(rng, rng.uniform(140, 380), 10, 0.12, 1.4, 0.25),
            float(at),
            rng.uniform(0.15, 0.5),
            rng.uniform(-0.5, 0.5),
        )
    canvas.add(rattle_bits(rng, 4, 0.4), 0.12, 0.15)
    return reverberate(canvas.samples, space(rng, 0.6, 3500, 0.006), 0.25)[:, : canvas.n + samples(0.3)]


def splinter(rng: Rng, canvas: Canvas, start_s: float, spread_s: float, count: int, level: float) -> None:
    """Fibres tear: a dense volley of dry cracks that thins out."""
    for at in start_s + np.sort(rng.exponential(spread_s / 3, count)):
        hz = float(np.exp(rng.uniform(np.log(500), np.log(3800))))
        crack = mix(
            (click(rng, hz, hz * 2.4, rng.uniform(0.4, 2.0)), 1.0),
            (body(rng, hz * 0.5, 5, 0.05, 0.5, 0.08), 0.5),
        )
        canvas.add(
            crack,
            float(at),
            level * rng.uniform(0.2, 1.0) * np.exp(-(at - start_s) / spread_s),
            rng.uniform(-0.4, 0.4),
        )


@effect("door_knock")
def door_knock(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    count = 3 if duration_s < 1.6 else 4
    low, gap = rng.uniform(150, 200), rng.uniform(0.2, 0.26)
    for k in range(count):
        knock = panel(rng, low * rng.uniform(0.98, 1.02), 1.2, 0.13)
        canvas.add(
            knock, k * gap * rng.uniform(0.96, 1.04), (0.85, 1.0, 0.9, 0.95)[k] * rng.uniform(0.9, 1.0)
        )
    return reverberate(canvas.samples, space(rng, 0.4, 3000, 0.006), 0.16)[:, : canvas.n]


@effect("door_creak")
def door_creak(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(creaking(rng, duration_s - 0.12, 55, rng.uniform(200, 380)), 0.0, 0.8)
    return reverberate(canvas.samples, space(rng, 0.4, 3500, 0.008), 0.14)[:, : canvas.n]


@effect("door_lock")
def door_lock(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    k = duration_s / 1.0
    for at, size in ((0.0, 0.3), (0.09, 0.22), (0.2, 0.35), (0.29, 0.3)):  # key in, wards
        canvas.add(rattle_bits(rng, 2, 0.05), at * k, size)
    m = samples(0.13)
    slide = noise(rng, m, [(500, -20), (1600, -3), (3800, 0), (8000, -12)]) * hump(m, 0.6, 1.0)
    canvas.add(slide, 0.42 * k, 0.09)
    bolt = mix(
        (body(rng, 210, 10, 0.12, 1.0, 0.25), 1.0),
        (rattle_bits(rng, 3, 0.1), 0.6),
        (click(rng, 900, 6000, 1.0), 0.5),
    )
    canvas.add(bolt, 0.55 * k, 0.9)
    return canvas.samples


@effect("window_open")
def window_open(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    canvas.add(latch(rng), 0.0, 0.35)
    m = samples(duration_s * 0.62)
    rub = noise(rng, m, [(130, -14), (350, 0), (1100, -3), (3200, -10), (8000, -28)])
    rub *= hump(m, 0.55, 0.9) * np.abs(1 + np.float32(0.5) * drift(rng, m, 30.0))
    canvas.add(rub, 0.1, 0.13)
    canvas.add(rattle_panes(rng, 7, duration_s * 0.6), 0.12, 0.12)
    canvas.add(panel(rng, 170, 1.6, 0.12), 0.1 + duration_s * 0.62, 0.6)
    return canvas.samples


def rattle_panes(rng: Rng, count: int, duration_s: float) -> np.ndarray:
    """Loose glass in its putty: dull clinks."""
    out = np.zeros(samples(duration_s + 0.15), dtype=np.float32)
    for at in np.sort(rng.uniform(0, duration_s, count)):
        bit = body(rng, rng.uniform(900, 1900), 5, 0.06, 0.35, 0.1) * np.float32(rng.uniform(0.3, 1))
        start = samples(float(at))
        out[start : start + len(bit)] += bit[: len(out) - start]
    return out


@effect("window_slam")
def window_slam(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    hit = mix(
        (body(rng, rng.uniform(125, 160), 16, 0.2, 1.5, 0.45, 1.0, 0.5), 1.0),
        (burst(rng, 0.12, 150, 2200, 0.09), 0.6),
        (click(rng, 900, 7500, 1.4), 0.5),
        (burst(rng, 0.2, 60, 160, 0.2), 0.5),
    )
    canvas.add(np.tanh(hit * np.float32(1.2)), 0.0, 0.95)
    canvas.add(rattle_panes(rng, 14, 0.3), 0.015, 0.4)
    canvas.add(panel(rng, 190, 1.5, 0.1), rng.uniform(0.17, 0.22), 0.3)  # bounces once
    canvas.add(rattle_panes(rng, 5, 0.15), 0.22, 0.18)
    return reverberate(canvas.samples, space(rng, 0.5, 4000, 0.01), 0.2)[:, : canvas.n]


@effect("furniture_crash")
def furniture_crash(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    blows = [(0.0, 1.0)] + [
        (float(t), float(rng.uniform(0.25, 0.75))) for t in np.sort(rng.uniform(0.12, 1.1, 6))
    ]
    for at, size in blows:
        side = rng.uniform(-0.5, 0.5)
        canvas.add(body(rng, rng.uniform(80, 220), 14, 0.2, 1.8, 0.4, 1.05), at, size, side)
        canvas.add(burst(rng, 0.12, 60, 900, 0.1), at, 0.5 * size, side)
        canvas.add(click(rng, 800, 5000, 1.5), at, 0.35 * size, side)
    splinter(rng, canvas, 0.05, 0.7, 16, 0.25)
    canvas.add(rattle_bits(rng, 5, 0.5), 0.3, 0.12)
    return reverberate(np.tanh(canvas.samples * np.float32(1.1)), space(rng, 0.6, 3500, 0.008), 0.22)[
        :, : canvas.n
    ]


@effect("chair_scrape")
def chair_scrape(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s * 0.8)
    u = np.linspace(0, 1, n)
    rate = np.interp(u, [0, 0.3, 0.8, 1], [95, 170, 140, 70]) * rng.uniform(0.85, 1.15)
    push = stick_slip(rng, rate * (1 + 0.12 * drift(rng, n, 9.0)), 0.25)
    push = push + noise(rng, n, band(300, 4000)) * np.float32(0.05)
    push *= hump(n, 0.3, 0.5) * np.clip(0.9 + 0.35 * drift(rng, n, 12.0), 0.1, 2)
    f = rng.uniform(0.9, 1.1)
    scrape = resonate(push, [f * 165, f * 330, f * 610, f * 1050, f * 1720, f * 2600], 0.06, 0.2)
    return near(mix((scrape, 1.0), (floor_step(rng, 1.0), 0.4)), duration_s)


@effect("wood_break")
def wood_break(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    snap = mix(
        (click(rng, 700, 9000, 1.2), 1.0),
        (burst(rng, 0.05, 300, 2600, 0.045), 0.8),
        (body(rng, 330, 9, 0.09, 0.7, 0.2), 0.7),
    )
    canvas.add(snap, 0.0, 1.0)
    splinter(rng, canvas, 0.006, 0.16, 22, 0.5)
    canvas.add(burst(rng, 0.15, 90, 400, 0.15), 0.24, 0.12)
    return reverberate(canvas.samples, space(rng, 0.5, 3500, 0.03), 0.1)[:, : canvas.n]


@effect("wood_chop")
def wood_chop(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    period = max(0.65, duration_s / max(1, round(duration_s / 0.8)))
    for k in range(max(1, round(duration_s / period))):
        chop = mix(
            (body(rng, rng.uniform(140, 175), 10, 0.11, 1.1, 0.25), 1.0), (burst(rng, 0.05, 250, 2000, 0.045), 0.8),
            (click(rng, 1200, 7000, 1.0), 0.5), (burst(rng, 0.12, 55, 150, 0.12), 0.5),
        )  # fmt: skip
        canvas.add(unit(chop), k * period, rng.uniform(0.85, 1.0))
        splinter(rng, canvas, k * period + 0.01, 0.12, 6, 0.18)
    return reverberate(canvas.samples, space(rng, 0.7, 3000, 0.05), 0.14)[:, : canvas.n]


@effect("stick_strike")
def stick_strike(rng: Rng, duration_s: float) -> np.ndarray:
    hit = mix(
        (tap(rng, 1.0), 1.0), (burst(rng, 0.08, 70, 220, 0.09), 0.45), (click(rng, 1500, 9000, 1.0), 0.35)
    )
    return reverberate(near(hit, duration_s), space(rng, 0.45, 3500, 0.03), 0.1)


def tap(rng: Rng, hard: float) -> np.ndarray:
    """A stick's end on a stony road: the stick's own bending modes and a stone's tick; peak ~1."""
    stick = body(rng, rng.uniform(480, 560), 7, 0.075, 0.7 / hard, 0.18, 1.35, 0.5)
    return unit(
        mix(
            (stick, 0.9), (click(rng, 1500, 6500, 0.7), 0.45 * hard), (burst(rng, 0.04, 150, 500, 0.04), 0.35)
        )
    )


@effect("stick_tap")
def stick_tap(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, k = 0.0, 0
    while at < duration_s - 0.12:
        canvas.add(tap(rng, 0.8), at, rng.uniform(0.7, 1.0), 0.15 * (-1) ** k)
        at += rng.uniform(0.42, 0.54) if k % 4 != 3 else rng.uniform(0.6, 0.75)
        k += 1
    return reverberate(canvas.samples, space(rng, 0.4, 3500, 0.03), 0.08)[:, : canvas.n]
