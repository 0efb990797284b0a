"""Birds: song as swept sines, calls through a throat, wings as puffs of air.

Each songbird is a phrase grammar of swept notes; every phrase is drawn anew, so a bed never repeats itself
within its length. Pitches and note lengths follow the species' usual sonograms (kHz, 30–300 ms).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.sound.procedural.canvas import Canvas, spaced
from models.sound.procedural.modal import low_pass, reverberate_circle, space, unit
from models.sound.procedural.noise import SAMPLE_RATE_HZ, Rng, band, drift, hump, line, noise, samples
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.voice import formants, glottis, harmonics
from models.sound.procedural.weather import breeze, rustling

Note = tuple[float, float, float, float]  # start Hz, end Hz, length s, gap after s


def sing(notes: list[Note], bend: float = 0.0, second: float = 0.06) -> np.ndarray:
    """Swept sines with soft edges; `bend` arches each sweep, `second` is the octave's share. Peak ~1."""
    parts = []
    for start_hz, end_hz, length_s, gap_s in notes:
        n = samples(length_s)
        u = np.linspace(0, 1, n)
        f = start_hz * (end_hz / start_hz) ** u * (1 + bend * np.sin(np.pi * u))
        parts.append(harmonics(f, SAMPLE_RATE_HZ, (1.0, second)) * hump(n, 0.3, 0.7))
        parts.append(np.zeros(samples(gap_s), dtype=np.float32))
    return np.concatenate(parts)


def chaffinch(rng: Rng) -> np.ndarray:
    f, notes = rng.uniform(0.92, 1.08), []
    for start, end, count in ((5200, 3600, 5), (4400, 2900, 5), (3600, 2300, 4)):
        notes += [(start * f * (1 - 0.02 * k), end * f, 0.06, 0.035) for k in range(count)]
    return sing([*notes, (2600 * f, 4900 * f, 0.1, 0.01), (4700 * f, 2200 * f, 0.16, 0.0)])


def great_tit(rng: Rng) -> np.ndarray:
    f = rng.uniform(0.9, 1.1)
    return sing([(5100 * f, 5000 * f, 0.09, 0.05), (3700 * f, 3600 * f, 0.13, 0.1)] * int(rng.integers(3, 6)))


def blackbird(rng: Rng) -> np.ndarray:
    notes: list[Note] = []
    f = rng.uniform(1700, 2100)
    for _ in range(int(rng.integers(4, 8))):
        nxt = float(np.clip(f * rng.uniform(0.8, 1.3), 1500, 3000))
        notes.append((f, nxt, rng.uniform(0.1, 0.28), rng.uniform(0.02, 0.08)))
        f = nxt
    notes += [(rng.uniform(4000, 6500), rng.uniform(3500, 6500), 0.04, 0.015) for _ in range(6)]
    return sing(notes, 0.05, 0.1)


def robin(rng: Rng) -> np.ndarray:
    notes: list[Note] = []
    for _ in range(int(rng.integers(3, 6))):
        a, b = rng.uniform(2800, 6800, 2)
        notes += [(a, b, rng.uniform(0.04, 0.12), rng.uniform(0.01, 0.03))] * int(rng.integers(1, 4))
    return sing(notes, 0.08)


def sparrow(rng: Rng) -> np.ndarray:
    return sing(
        [
            (rng.uniform(3000, 3800), rng.uniform(4200, 5200), 0.05, rng.uniform(0.2, 0.4))
            for _ in range(int(rng.integers(2, 6)))
        ],
        0.25,
        0.2,
    )


def lark(rng: Rng) -> np.ndarray:
    notes: list[Note] = []
    for _ in range(9):
        a, b = rng.uniform(2600, 5400, 2)
        notes += [(a, b, rng.uniform(0.03, 0.07), 0.012)] * int(rng.integers(2, 6))
    return sing(notes, 0.05) * np.float32(0.7)


def wood_pigeon(rng: Rng) -> np.ndarray:
    f = rng.uniform(430, 500)
    call: list[Note] = [(f, f * 0.97, 0.28, 0.08), (f * 1.1, f, 0.55, 0.08), (f, f * 0.95, 0.5, 0.25)]
    call += [(f, f * 0.97, 0.25, 0.1), (f, f * 0.95, 0.3, 0.2)]
    return sing(call * 2, 0.04, 0.15)


def cuckoo(rng: Rng) -> np.ndarray:
    f = rng.uniform(0.95, 1.05)
    return sing([(690 * f, 680 * f, 0.16, 0.16), (560 * f, 550 * f, 0.24, 0.95)] * 3, 0.02, 0.12)


Singer = Callable[[Rng], np.ndarray]


def chorus(rng: Rng, n: int, singers: list[tuple[Singer, float, float]], wet: float) -> np.ndarray:
    """Birds around the listener `(2, n)`: (who, every s, level); each has a perch, a distance and a temper."""
    canvas = Canvas(n, circular=True)
    for who, every_s, level in singers:
        perch, far = rng.uniform(-0.85, 0.85), rng.uniform(0.35, 1.0)
        for at in spaced(rng, canvas.duration_s, every_s, 0.4):
            song = low_pass(who(rng), 4000 + 6000 * far, 1)
            canvas.add(song, float(at), level * far * rng.uniform(0.6, 1.0), perch)
    return reverberate_circle(canvas.samples, space(rng, 0.9, 5000, 0.03), wet)


@bed("forest_birds")
def forest_birds(rng: Rng, n: int) -> np.ndarray:
    singers: list[tuple[Singer, float, float]] = [
        (chaffinch, 7.5, 0.20), (great_tit, 6.0, 0.17), (blackbird, 6.5, 0.22), (robin, 5.5, 0.2),
        (robin, 7.0, 0.09), (chaffinch, 9.0, 0.08), (wood_pigeon, 14.0, 0.06), (great_tit, 8.0, 0.07),
    ]  # fmt: skip
    ground = breeze(rng, n) * np.float32(0.016) + rustling(rng, n, drift(rng, n, 0.2)) * np.float32(0.012)
    return chorus(rng, n, singers, 0.45) + ground


@bed("countryside")
def countryside(rng: Rng, n: int) -> np.ndarray:
    singers: list[tuple[Singer, float, float]] = [
        (sparrow, 3.6, 0.15), (sparrow, 5.0, 0.09), (lark, 6.0, 0.10), (chaffinch, 11.0, 0.09),
        (wood_pigeon, 15.0, 0.05), (cuckoo, 15.0, 0.06),
    ]  # fmt: skip
    ground = breeze(rng, n) * np.float32(0.026) + rustling(rng, n, drift(rng, n, 0.2)) * np.float32(0.007)
    return chorus(rng, n, singers, 0.2) + ground


def cluck(rng: Rng, f0_hz: float, length_s: float = 0.09, rise: float = 0.7) -> np.ndarray:
    """A hen's note: a falling buzz through a small beak."""
    n = samples(length_s + 0.03)
    m = samples(length_s)
    f0 = np.pad(f0_hz * (1.15 - 0.5 * np.linspace(0, 1, m) ** 1.5), (0, n - m), mode="edge") * rise
    source = glottis(f0, SAMPLE_RATE_HZ, 0.5) + noise(rng, n, band(900, 5000)) * np.float32(0.06)
    source[:m] *= hump(m, 0.25, 0.6)
    source[m:] = 0
    tracks = np.array([[950.0, 800.0], [1900.0, 1700.0], [3300.0, 3100.0]])
    return unit(formants(source, tracks, (250, 350, 500), (1.0, 0.6, 0.25), SAMPLE_RATE_HZ))


@bed("farm")
def farm(rng: Rng, n: int) -> np.ndarray:
    canvas = Canvas(n, circular=True)
    for _ in range(5):  # five hens, each scratching about somewhere
        side, size, f0 = rng.uniform(-0.8, 0.8), rng.uniform(0.25, 1.0), rng.uniform(430, 620)
        for at in spaced(rng, canvas.duration_s, rng.uniform(2.6, 4.2), 0.4):
            t = float(at)
            for _ in range(int(rng.integers(1, 6))):
                note = cluck(rng, f0 * rng.uniform(0.9, 1.1), rng.uniform(0.06, 0.11))
                canvas.add(note, t, 0.17 * size * rng.uniform(0.5, 1), side)
                t += rng.uniform(0.18, 0.4)
            if rng.uniform() < 0.15:  # … b-gawk
                canvas.add(cluck(rng, f0 * 1.7, 0.32), t, 0.22 * size, side)
    birds = chorus(rng, n, [(sparrow, 3.5, 0.045), (sparrow, 5.0, 0.03), (wood_pigeon, 15.0, 0.04)], 0.2)
    wet = reverberate_circle(canvas.samples, space(rng, 0.4, 5000, 0.02), 0.15)
    return wet + birds + breeze(rng, n) * np.float32(0.02)


def throat(
    rng: Rng, f0: np.ndarray, peaks_hz: list[list[float]], widths: tuple[float, ...], levels: tuple[float, ...],
    breath: float, rough_hz: float = 0.0, rough: float = 0.0, open_share: float = 0.5,
) -> np.ndarray:  # fmt: skip
    """A call: pulses at `f0` with breath and roughness (amplitude broken at `rough_hz`) through formants; peak 1."""
    n = len(f0)
    source = glottis(f0 * (1 + 0.012 * drift(rng, n, 40.0)), SAMPLE_RATE_HZ, open_share)
    source = source / np.float32(np.std(source) + 1e-9) + noise(rng, n, band(500, 9000)) * np.float32(breath)
    if rough:
        phase = np.cumsum(rough_hz * (1 + 0.25 * drift(rng, n, 60.0))) / SAMPLE_RATE_HZ
        source = source * (1 - rough * (0.5 + 0.5 * np.sin(2 * np.pi * phase))).astype(np.float32)
    out = formants(source.astype(np.float32), np.array(peaks_hz), widths, levels, SAMPLE_RATE_HZ)
    return unit(out)


@effect("crow")
def crow(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, scale = 0.0, rng.uniform(0.92, 1.1)
    while at < max(0.1, duration_s - 0.4):
        n = samples(rng.uniform(0.3, 0.38))
        u = np.linspace(0, 1, n)
        f0 = scale * (430 + 130 * np.sin(np.pi * u**0.6) - 60 * u)
        call = throat(
            rng, f0, [[1050, 1500, 1250], [1900, 2200, 1900], [3300, 3500, 3300]],
            (300, 420, 600), (1.0, 0.7, 0.35), 0.95, 68, 0.85, 0.35,
        )  # fmt: skip
        canvas.add(call * hump(n, 0.18, 0.6), at, rng.uniform(0.8, 1.0))
        at += n / SAMPLE_RATE_HZ + rng.uniform(0.16, 0.26)
    return canvas.samples


@effect("gull")
def gull(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, scale, k = 0.0, rng.uniform(0.92, 1.1), 0
    while at < max(0.1, duration_s - 0.3):
        length = 0.55 if k == 0 else rng.uniform(0.22, 0.3)
        n = samples(length)
        u = np.linspace(0, 1, n)
        f0 = scale * (780 + 520 * np.sin(np.pi * np.clip(u * 1.25, 0, 1)) ** 0.8 - 60 * u)
        call = throat(
            rng, f0, [[1500, 2300, 1700], [3000, 3500, 3000], [5200, 5400, 5200]],
            (500, 600, 900), (1.0, 0.6, 0.3), 0.12, 95, 0.3, 0.5,
        )  # fmt: skip
        canvas.add(call * hump(n, 0.2, 0.6), at, rng.uniform(0.7, 1.0), 0.25 * np.sin(k))
        at += length + rng.uniform(0.05, 0.11) + (0.15 if k == 0 else 0)
        k += 1
    return canvas.samples


@effect("owl")
def owl(rng: Rng, duration_s: float) -> np.ndarray:
    """Tawny owl: a long hoo, a hush, then a soft short hu and a long trembling hoo."""
    canvas = Canvas.of(duration_s)
    f, k = rng.uniform(700, 800), duration_s / 2.0
    for at, length, tremble in ((0.0, 0.5, 0.0), (0.85, 0.14, 0.0), (1.08, 0.85, 1.0)):
        n = samples(length * k)
        u = np.linspace(0, 1, n)
        pitch = f * (0.92 + 0.12 * np.sin(np.pi * np.clip(u * 1.1, 0, 1)) - 0.04 * u)
        tone = harmonics(pitch * (1 + 0.012 * drift(rng, n, 12.0)), SAMPLE_RATE_HZ, (1.0, 0.10, 0.05))
        tone += noise(rng, n, band(f * 0.8, f * 1.3, 30)) * np.float32(0.02)
        shiver = 1 - tremble * 0.55 * (0.5 + 0.5 * np.sin(2 * np.pi * 13 * u * length * k)) * (1 - 0.3 * u)
        canvas.add(
            (tone * shiver * hump(n, 0.25, 0.8)).astype(np.float32), at * k, 0.5 if length < 0.2 else 1.0
        )
    return reverberate_circle(
        np.pad(canvas.samples, ((0, 0), (0, samples(0.4)))), space(rng, 0.8, 2500, 0.04), 0.3
    )


@effect("rooster")
def rooster(rng: Rng, duration_s: float) -> np.ndarray:
    """Cock-a-doodle-doo: two short notes, a high one, and the long fall."""
    canvas = Canvas.of(duration_s)
    k, s = duration_s / 1.8, rng.uniform(0.92, 1.08)
    for at, length, start, top, end in (
        (0.0, 0.16, 480, 560, 520), (0.21, 0.13, 620, 720, 690), (0.37, 0.32, 760, 900, 860),
        (0.73, 0.98, 820, 880, 430),
    ):  # fmt: skip
        n = samples(length * k)
        u = np.linspace(0, 1, n)
        f0 = s * np.interp(u, [0, 0.25, 0.7, 1], [start, top, (top + end) / 2, end])
        call = throat(
            rng, f0, [[1000, 1350, 1100], [2300, 2600, 2200], [3800, 4000, 3700]],
            (350, 450, 700), (1.0, 0.8, 0.35), 0.14, 55, 0.22, 0.42,
        )  # fmt: skip
        canvas.add(call * hump(n, 0.2, 0.5), at * k, 1.0 if length > 0.3 else 0.75)
    return canvas.samples


@effect("wings")
def wings(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, k, beats_hz = 0.0, 0, rng.uniform(5.5, 7.0)
    while at < duration_s - 0.12:
        n = samples(0.13)
        puff = noise(rng, n, [(60, -14), (150, 0), (500, -4), (1500, -12), (4000, -20), (9000, -34)]) * hump(
            n, 0.25, 1.5
        )
        flick = noise(rng, n, [(1200, -20), (3000, 0), (7000, -6), (12000, -24)]) * hump(n, 0.12, 3)
        away = float(np.exp(-1.6 * at / duration_s))
        canvas.add(
            puff + flick * np.float32(0.35),
            at,
            away * rng.uniform(0.8, 1.0),
            0.7 * at / duration_s,
        )
        at += (1 / beats_hz) * rng.uniform(0.94, 1.06) * (1 + 0.1 * (k > 6))
        k += 1
    return canvas.samples * line(canvas.n, (0, 1), (duration_s, 0.8))
