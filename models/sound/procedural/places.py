"""Rooms, streets and works: grounds of quiet noise with sparse distant life."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.blows import n_wave
from models.sound.procedural.boats import creak
from models.sound.procedural.canvas import Canvas, spaced
from models.sound.procedural.metal import plate
from models.sound.procedural.modal import body, low_pass, mix, reverberate_circle, space, unit
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    band,
    burst,
    cycles,
    decay,
    drift,
    hump,
    noise,
    samples,
    swell,
    wave,
    wide,
)
from models.sound.procedural.people import cry, walla
from models.sound.procedural.registry import bed
from models.sound.procedural.steps import TROT, hoof, road_step
from models.sound.procedural.vehicles import rolling
from models.sound.procedural.weather import breeze, rumble


@bed("room_tone")
def room_tone(rng: Rng, n: int) -> np.ndarray:
    curve = [(25, -10), (50, 0), (120, -4), (300, -14), (900, -26), (3000, -36), (9000, -46), (16000, -60)]
    room = air(rng, n, curve, 0.6) * swell(rng, n, 0.12, 0.7)
    modes = sum(
        noise(rng, n, band(f * 0.99, f * 1.01, 80)) * np.float32(0.12) for f in rng.uniform(70, 190, 3)
    )
    canvas = Canvas(n, circular=True)
    for at in spaced(rng, canvas.duration_s, 9.0, 0.4):  # the old house settles
        low = rng.uniform(18, 40)
        canvas.add(
            low_pass(creak(rng, rng.uniform(0.1, 0.3), low, low * 1.5), 1500),
            float(at),
            rng.uniform(0.1, 0.3),
            rng.uniform(-0.7, 0.7),
        )
    return room + wide(np.asarray(modes, dtype=np.float32), 0.4) + canvas.samples


@bed("church")
def church(rng: Rng, n: int) -> np.ndarray:
    hollow = air(
        rng, n, [(22, -10), (45, 0), (85, -1), (160, -10), (420, -20), (1500, -34), (6000, -50)], 0.65
    )
    canvas = Canvas(n, circular=True)
    for at in spaced(rng, canvas.duration_s, 5.0, 0.45):
        kind, side = rng.uniform(), rng.uniform(-0.8, 0.8)
        if kind < 0.5:
            low = rng.uniform(20, 40)
            sound = low_pass(creak(rng, rng.uniform(0.15, 0.4), low, low * 1.6), 1800)
        elif kind < 0.8:
            sound = low_pass(road_step(rng, 1.0), 1500)
        else:
            sound = low_pass(body(rng, rng.uniform(120, 200), 9, 0.15, 2.5, 0.3), 1500)
        canvas.add(sound, float(at), rng.uniform(0.1, 0.3), side)
    tail = space(rng, 3.8, 2200, 0.04, 0.7)
    return reverberate_circle(canvas.samples, tail, 1.4) * np.float32(0.9) + hollow * swell(
        rng, n, 0.1, 1.5
    ) * np.float32(0.055)


def far_steps(rng: Rng, canvas: Canvas, walkers: int, level: float, dull_hz: float) -> None:
    """People who walk by: each crosses the picture for some seconds."""
    bank = [low_pass(road_step(rng, 1.0), dull_hz) for _ in range(8)]
    for _ in range(walkers):
        start, length = rng.uniform(0, canvas.duration_s), rng.uniform(4, 9)
        first = int(rng.integers(5))
        period, way, near = rng.uniform(0.5, 0.62), rng.choice([-1, 1]), rng.uniform(0.4, 1.0)
        for k in range(int(length / period)):
            u = k * period / length
            canvas.add(
                bank[first + k % 4],
                start + k * period * rng.uniform(0.99, 1.01),
                level * near * float(np.sin(np.pi * (u + 0.02))),
                way * (1.6 * u - 0.8),
            )


def passing(rng: Rng, canvas: Canvas, sound: np.ndarray, at_s: float, level: float) -> None:
    """Lead a stereo sound `(2, m)` past the listener, louder in the middle, from one side to the other."""
    m = sound.shape[1]
    u = np.linspace(-1, 1, m)
    way = float(rng.choice([-1, 1]))
    near = ((1 / np.sqrt(1 + (3 * u) ** 2) - 0.316) / 0.684 * hump(m, 0.5, 0.3)).astype(np.float32)
    side = (np.float32(0.55 * way) * np.tanh(2 * u)).astype(np.float32)
    canvas.add(sound * near * np.stack([1 - side, 1 + side]), at_s, level)


@bed("street")
def street(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    far_steps(rng, canvas, max(2, round(turn_s / 2.2)), 0.4, 2600)
    for at in spaced(rng, turn_s, 9.0, 0.25):  # carts
        m = samples(min(9.0, turn_s))
        cart = Canvas(m)
        cart.samples += rolling(rng, m, 5.0) * np.float32(0.09)
        stride, hooves = 0.78, [hoof(rng, 0.8) for _ in range(4)]
        for k in range(int(m / SAMPLE_RATE_HZ / stride)):
            for share, weight in TROT:
                cart.add(low_pass(hooves[int(rng.integers(4))], 3000, 1), (k + share) * stride, 0.3 * weight)
        passing(rng, canvas, cart.samples, float(at), rng.uniform(0.5, 0.9))
    for at in spaced(rng, turn_s, 3.4, 0.45):
        sound = body(rng, rng.uniform(130, 420), 8, 0.1, 1.6, 0.25)
        canvas.add(low_pass(sound, 1800), float(at), rng.uniform(0.1, 0.3), rng.uniform(-0.8, 0.8))
    for at in spaced(rng, turn_s, 8.0, 0.4):
        canvas.add(low_pass(cry(rng), 1900), float(at), rng.uniform(0.05, 0.12), rng.uniform(-0.8, 0.8))
    out = reverberate_circle(canvas.samples, space(rng, 0.7, 3000, 0.02), 0.25)
    return out + walla(rng, n, 4, 4, 0.4, 0.2, 1600) * np.float32(0.06) + breeze(rng, n) * np.float32(0.03)


@bed("street_night")
def street_night(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    far_steps(rng, canvas, max(1, round(turn_s / 12)), 0.16, 1700)
    for at in spaced(rng, turn_s, 7.0, 0.45):
        sound = low_pass(body(rng, rng.uniform(110, 300), 9, 0.14, 2.0, 0.3), rng.uniform(600, 1400))
        canvas.add(unit(sound), float(at), rng.uniform(0.03, 0.09), rng.uniform(-0.8, 0.8))
    out = reverberate_circle(canvas.samples, space(rng, 1.4, 2000, 0.05), 0.6)
    hum = air(rng, n, [(35, -12), (75, 0), (180, -3), (420, -14), (1200, -28), (5000, -44)], 0.65)
    return out + hum * swell(rng, n, 0.15, 1.8) * np.float32(0.035)


@bed("traffic")
def traffic(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    for at in spaced(rng, turn_s, 3.6, 0.4):
        m = samples(min(rng.uniform(4.0, 6.0), turn_s))
        tyres = air(rng, m, [(70, -12), (220, 0), (700, -2), (1200, -8), (3500, -20), (9000, -36)], 0.5)
        engine_hz = (
            rng.uniform(38, 62)
            * (1 + 0.06 * drift(rng, m, 0.4))
            * np.interp(np.linspace(0, 1, m), [0, 0.4, 0.6, 1], [1.05, 1.04, 0.95, 0.94])
        )
        phase = np.cumsum(engine_hz) / SAMPLE_RATE_HZ
        engine = sum(
            wave(k * phase) * np.float32(a)
            for k, a in ((1, 0.5), (2, 1.0), (3, 0.4), (4, 0.6), (6, 0.3), (8, 0.2))
        )
        passing(
            rng,
            canvas,
            tyres * np.float32(0.24) + np.asarray(engine, dtype=np.float32) * np.float32(0.09),
            float(at),
            rng.uniform(0.3, 0.7),
        )
    hum = air(rng, n, [(28, -10), (60, 0), (140, -1), (350, -8), (900, -14), (2500, -26), (7000, -42)], 0.65)
    return canvas.samples + hum * swell(rng, n, 0.2, 1.2) * np.float32(0.085)


@bed("workshop")
def workshop(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    for at in spaced(rng, turn_s, 4.2, 0.4):
        kind, side, size = rng.uniform(), rng.uniform(-0.8, 0.8), rng.uniform(0.25, 0.8)
        if kind < 0.4:  # a hammer, three to six blows
            iron = bool(rng.uniform() < 0.5)
            for k in range(int(rng.integers(3, 7))):
                blow = plate(rng, 520, 12, 0.35, 0.3, 0.5) if iron else body(rng, 210, 9, 0.09, 0.9, 0.2)
                canvas.add(low_pass(blow, 4500, 1), float(at) + k * rng.uniform(0.38, 0.44), size * 0.4, side)
        elif kind < 0.75:  # a saw: strokes there and back
            for k in range(int(rng.integers(4, 8))):
                m = samples(0.32)
                teeth = 0.6 + 0.4 * np.sign(np.sin(2 * np.pi * np.linspace(0, 0.32 * (70, 95)[k % 2], m)))
                stroke = (
                    noise(rng, m, [(350, -18), (1000, 0), (2200, -3), (5000, -9), (10000, -26)])
                    * hump(m, 0.4, 1.0)
                    * teeth
                )
                canvas.add(stroke.astype(np.float32), float(at) + 0.36 * k, size * (0.07, 0.05)[k % 2], side)
        else:
            canvas.add(body(rng, rng.uniform(140, 300), 10, 0.12, 1.5, 0.25), float(at), size * 0.5, side)
    turning = max(1, round(turn_s * 2.2)) / turn_s
    hum = np.zeros(n, dtype=np.float32)
    phase = cycles(np.full(n, 48.0))
    for k, level in ((1, 0.6), (2, 1.0), (3, 0.35), (4, 0.4), (6, 0.2)):
        hum += wave(k * phase) * np.float32(level)
    belt = 0.8 + 0.2 * wave(cycles(np.full(n, turning)))
    machine = air(rng, n, [(60, -12), (140, 0), (400, -5), (1200, -14), (4000, -30)], 0.6) * belt.astype(
        np.float32
    )
    out = reverberate_circle(canvas.samples, space(rng, 0.8, 3500, 0.015), 0.4)
    return out + wide(hum, 0.25) * np.float32(0.018) + machine * np.float32(0.045)


@bed("battle")
def battle(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    turn_s = canvas.duration_s
    rolls = [rumble(rng, samples(2.8), 0.6, far=True) for _ in range(4)]
    cries = [low_pass(cry(rng, rng.uniform(0.4, 0.9)), 1700) for _ in range(6)]
    for at in spaced(rng, turn_s, 2.4, 0.45):  # guns beyond the hill
        canvas.add(rolls[int(rng.integers(4))], float(at), rng.uniform(0.3, 0.6))
        boom = noise(rng, samples(1.2), [(22, -8), (40, 0), (90, -3), (250, -24), (700, -44)]) * decay(
            samples(1.2), 1.0
        )
        boom[: samples(0.012)] *= np.linspace(0, 1, samples(0.012), dtype=np.float32)
        canvas.add(boom, float(at), rng.uniform(0.05, 0.12), rng.uniform(-0.7, 0.7))
    shots = [
        low_pass(
            mix((n_wave(1.2), 1.0), (burst(rng, 0.12, 150, 2200, 0.1), 0.8)), float(rng.uniform(700, 1900))
        )
        for _ in range(10)
    ]
    for at in spaced(rng, turn_s, 1.5, 0.45):  # volleys and single muskets
        side = rng.uniform(-0.9, 0.9)
        for k in range(int(rng.geometric(0.3))):
            canvas.add(
                shots[int(rng.integers(10))],
                float(at) + float(rng.exponential(0.16)) * k,
                rng.uniform(0.06, 0.25),
                side + rng.uniform(-0.1, 0.1),
            )
    for at in spaced(rng, turn_s, 1.9, 0.45):
        canvas.add(
            cries[int(rng.integers(6))],
            float(at),
            rng.uniform(0.03, 0.10),
            rng.uniform(-0.9, 0.9),
        )
    out = reverberate_circle(canvas.samples, space(rng, 2.2, 1800, 0.06, 0.7), 0.8)
    shouting = walla(rng, n, 4, 5, 0.0, 1.0, 1100)
    ground = air(rng, n, [(20, -8), (38, 0), (100, -3), (300, -20), (900, -40)], 0.6) * swell(rng, n, 0.4, 3)
    return out + shouting * np.float32(0.03) + ground * np.float32(0.06)
