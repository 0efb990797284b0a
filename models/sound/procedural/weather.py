"""Rain, wind, storm and thunder.

Wind is four bands of noise that answer gusts more steeply the higher they lie (turbulence noise brightens with
speed); whistles are narrow bands whose pitch follows the gust. Rain is a hiss of far drops plus single near ones.
Thunder is a chain of strokes whose highs die in the first moments while the lows roll on.
"""

from __future__ import annotations

import numpy as np

from models.sound.procedural.canvas import Canvas, scatter, spaced
from models.sound.procedural.modal import body, click, mix
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    band,
    burst,
    db_gain,
    decay,
    drift,
    flutter,
    gain,
    gliding,
    hump,
    line,
    noise,
    samples,
    swell,
    wide,
)
from models.sound.procedural.registry import bed, effect

WIND_BANDS = (  # spectrum, level dB, dB per deviation of gust
    ([(20, -20), (45, 0), (140, -2), (400, -26), (900, -50)], 0.0, 3.0),
    ([(60, -30), (180, 0), (420, -3), (1200, -30), (2400, -50)], -3.0, 4.5),
    ([(250, -30), (600, 0), (1300, -6), (4000, -36)], -13.0, 6.0),
    ([(1200, -30), (3500, 0), (6500, -4), (14000, -20)], -26.0, 8.0),
)


def blow(rng: Rng, n: int, gust: np.ndarray, tilt_db: float = 0.0, bands: int = 4) -> np.ndarray:
    """Wind `(2, n)` for a gust curve of unit variance; `tilt_db` lifts each higher band by that much more."""
    out = np.zeros((2, n), dtype=np.float32)
    for i, (curve, level_db, depth_db) in enumerate(WIND_BANDS[:bands]):
        shape = db_gain(np.clip(gust, -2, 2.0) * np.float32(depth_db)) * np.float32(
            gain(level_db + i * tilt_db)
        )
        out += air(rng, n, curve, 0.65) * shape
    return out


def gusting(rng: Rng, n: int) -> np.ndarray:
    """Wind speed: slow weather and quick eddies."""
    return drift(rng, n, 0.16) * np.float32(0.8) + drift(rng, n, 0.9) * np.float32(0.45)


def howl(rng: Rng, n: int, gust: np.ndarray, low_hz: float, high_hz: float, level: float) -> np.ndarray:
    """The whistle of a gap `(2, n)`: louder and higher as the wind rises, silent in lulls."""
    centre = np.exp2(np.clip(gust, -1.8, 1.8) / 3.6) * np.sqrt(low_hz * high_hz)
    tone = gliding(rng, n, centre, 0.07 * low_hz) * db_gain(np.clip(gust, -2, 1.8) * np.float32(6))
    return wide(tone * np.float32(level), 0.35)


def drops(rng: Rng, low_hz: float, high_hz: float, count: int = 24) -> list[np.ndarray]:
    """Near drops on ground and leaves: a tick of noise, some with the chirp of a trapped bubble."""
    bank = []
    for _ in range(count):
        hz = float(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz))))
        tick = click(rng, hz * 0.7, hz * 1.6, rng.uniform(0.5, 2.5))
        if rng.uniform() < 0.25:  # Minnaert bubble, rising as it nears the surface
            m = samples(0.025)
            t = np.arange(m) / SAMPLE_RATE_HZ
            tone = np.sin(2 * np.pi * hz * (t + 4 * t**2)).astype(np.float32) * decay(m, 0.03)
            tick = mix((tick, 0.7), (tone, 0.35))
        bank.append(tick * np.float32(rng.uniform(0.4, 1.0)))
    return bank


RAIN_HISS = [(90, -26), (250, -14), (900, -9), (2000, -6), (5000, 0), (9000, -3), (15000, -14), (21000, -34)]


@bed("rain")
def rain(rng: Rng, n: int) -> np.ndarray:
    hiss = air(rng, n, RAIN_HISS, 0.7) * swell(rng, n, 0.4, 0.6)
    canvas = Canvas(n, circular=True)
    scatter(rng, canvas, drops(rng, 1800, 8000), 160, 5, 0.95, 2.2)
    scatter(rng, canvas, drops(rng, 500, 1500, 10), 14, 4, 0.9, 1.6)
    return hiss + canvas.samples


@bed("rain_roof")
def rain_roof(rng: Rng, n: int) -> np.ndarray:
    hiss = air(rng, n, [(60, -24), (180, -3), (420, 0), (1000, -9), (2500, -18), (8000, -34)], 0.6)
    hiss *= swell(rng, n, 0.35, 0.8)
    canvas = Canvas(n, circular=True)
    boards = [
        mix((body(rng, rng.uniform(160, 420), 7, 0.07, 1.1, 0.12), 1.0), (click(rng, 900, 3200, 1.5), 0.25))
        for _ in range(20)
    ]
    scatter(rng, canvas, boards, 90, 5, 0.9, 1.5)
    return hiss + canvas.samples


@bed("wind")
def wind(rng: Rng, n: int) -> np.ndarray:
    gust = gusting(rng, n)
    return blow(rng, n, gust) + howl(rng, n, gust, 320, 620, 0.05)


@bed("wind_interior")
def wind_interior(rng: Rng, n: int) -> np.ndarray:
    gust = gusting(rng, n)
    other = gusting(rng, n)
    out = blow(rng, n, gust, -9.0, 3)
    return out + howl(rng, n, gust, 260, 520, 0.16) + howl(rng, n, other, 420, 800, 0.06)


@bed("storm")
def storm(rng: Rng, n: int) -> np.ndarray:
    gust = gusting(rng, n)
    sheets = air(rng, n, RAIN_HISS, 0.7) * db_gain(np.clip(gust, -2, 2) * np.float32(2.2))
    canvas = Canvas(n, circular=True)
    scatter(rng, canvas, drops(rng, 1200, 6000), 120, 5, 0.95, 1.6)
    out = blow(rng, n, gust, 1.5) * np.float32(1.5) + howl(rng, n, gust, 300, 640, 0.16)
    return out + sheets * np.float32(0.8) + canvas.samples


@bed("snow_wind")
def snow_wind(rng: Rng, n: int) -> np.ndarray:
    gust = gusting(rng, n)
    out = blow(rng, n, gust, 2.0) * np.float32(0.7)
    out += howl(rng, n, gust, 700, 1250, 0.09) + howl(rng, n, gusting(rng, n), 420, 700, 0.07)
    grains = air(rng, n, [(3000, -20), (6500, 0), (11000, -4), (17000, -24)], 0.7)  # driven snow
    return out + grains * db_gain(np.clip(gust, -2, 2) * np.float32(6) - np.float32(25))


@bed("thunder")
def thunder(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    length_s = min(12.0, n / SAMPLE_RATE_HZ)
    for at in spaced(rng, canvas.duration_s, 9.0, 0.3):
        canvas.add(
            rumble(rng, samples(length_s), rng.uniform(0.5, 1.0), far=True), float(at), rng.uniform(0.5, 1.0)
        )
    floor = air(rng, n, [(20, -10), (40, 0), (90, -8), (300, -30), (700, -50)], 0.6) * swell(rng, n, 0.25, 4)
    hush = air(rng, n, [(100, -20), (400, 0), (2000, -10), (8000, -26)], 0.7)
    return canvas.samples + floor * np.float32(0.05) + hush * np.float32(0.012)


def rumble(rng: Rng, n: int, weight: float, far: bool) -> np.ndarray:
    """One thunder `(2, n)`: strokes at random delays (the channel's bends), each band with its own decay."""
    length_s = n / SAMPLE_RATE_HZ
    bands = (
        ([(18, -12), (35, 0), (75, 0), (150, -18), (400, -50)], 1.0, 0.42),
        (band(70, 170), 0.9, 0.30),
        (band(170, 500), 0.42, 0.16),
        (band(500, 1800), 0.0 if far else 0.34, 0.07),
        (band(1800, 7000), 0.0 if far else 0.22, 0.035),
    )
    strokes = [(0.0, 1.0 if far else 1.8)] + [
        (float(rng.uniform(0.1, 0.5) * length_s), float(rng.uniform(0.2, 0.65))) for _ in range(5)
    ]
    out = np.zeros((2, n), dtype=np.float32)
    for curve, level, share in bands:
        if not level:
            continue
        shape = np.zeros(n, dtype=np.float32)
        rise = samples(0.35 if far else 0.004)
        for at, size in strokes:
            start = int(at * SAMPLE_RATE_HZ)
            tail = decay(n - start, max(0.15, share * length_s * 1.9))
            edge = max(rise, samples(0.05)) if start else rise
            tail[:edge] *= np.sin(np.linspace(0, np.pi / 2, min(edge, len(tail)), dtype=np.float32)) ** 2
            shape[start:] += tail * np.float32(size)
        roll = flutter(rng, n, 7.0, 0.5) * flutter(rng, n, 1.6, 0.4)
        out += air(rng, n, curve, 0.55) * (shape * roll * np.float32(level))
    out *= hump(n, 0.001, 0.5) if not far else hump(n, 0.05, 0.7)
    return out * np.float32(weight)


@effect("thunder_clap", overhang_s=1.5)
def thunder_clap(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s + 1.4)
    out = rumble(rng, n, 1.0, far=False)
    out /= np.float32(np.sqrt(np.mean(out[:, : samples(1.0)] ** 2)) * 5 + 1e-9)
    canvas = Canvas(n)
    canvas.samples += out
    for at in np.sort(rng.uniform(0.0, 0.28, 7)):  # the tearing start
        canvas.add(
            burst(rng, 0.12, 300, 4500, 0.09), float(at), rng.uniform(0.1, 0.3), rng.uniform(-0.5, 0.5)
        )
    canvas.add(burst(rng, 0.25, 120, 3000, 0.2), 0.0, 0.45)
    return np.tanh(canvas.samples * np.float32(1.4))


@effect("wind_gust")
def wind_gust(rng: Rng, duration_s: float) -> np.ndarray:
    n = samples(duration_s)
    rise = rng.uniform(0.35, 0.5)
    shape = hump(n, rise, 1.0)
    gust = shape * 4.2 - 2.2 + drift(rng, n, 1.6) * np.float32(0.35)
    out = blow(rng, n, gust.astype(np.float32), 1.5) + howl(rng, n, gust.astype(np.float32), 330, 650, 0.12)
    return out * (np.float32(0.03) + shape) * line(n, (0.0, 0.5), (0.05, 1.0))


def rustling(rng: Rng, n: int, gust: np.ndarray) -> np.ndarray:
    """Leaves in the wind `(2, n)`: bright noise flickering fast, only while it blows."""
    leaf = noise(rng, n, [(900, -30), (2600, -4), (5500, 0), (10000, -8), (17000, -30)])
    flicker = np.abs(drift(rng, n, 22.0)) ** 1.3
    return wide(leaf * flicker, 0.7) * db_gain(np.clip(gust, -2, 2) * np.float32(7))


def breeze(rng: Rng, n: int) -> np.ndarray:
    """Barely moving open air `(2, n)`, RMS ~1: the ground layer of outdoor places."""
    curve = [(30, -14), (70, 0), (200, -5), (600, -14), (2000, -24), (6000, -32), (14000, -46)]
    return unit_rms(air(rng, n, curve, 0.65) * swell(rng, n, 0.2, 1.8))


def unit_rms(x: np.ndarray) -> np.ndarray:
    """Scale to RMS 1."""
    return x / np.float32(np.sqrt(np.mean(x**2)) + 1e-9)


@bed("outdoor_air")
def outdoor_air(rng: Rng, n: int) -> np.ndarray:
    gust = drift(rng, n, 0.2)
    return breeze(rng, n) + rustling(rng, n, gust) * np.float32(0.02)
