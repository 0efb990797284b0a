"""People without words: murmuring rooms, markets, applause, coughs, whistles, hearts."""

from __future__ import annotations

import numpy as np

from models.sound.procedural.brittle import clinks
from models.sound.procedural.canvas import Canvas, scatter, spaced
from models.sound.procedural.modal import body, click, mix, reverberate, reverberate_circle, space, unit
from models.sound.procedural.noise import (
    SAMPLE_RATE_HZ,
    Rng,
    air,
    band,
    burst,
    drift,
    hump,
    irfft,
    line,
    noise,
    rfft,
    rms,
    samples,
)
from models.sound.procedural.registry import bed, effect
from models.sound.procedural.voice import babble, formants, glottis, harmonics
from models.sound.procedural.wood import floor_step

VOICE_RATE_HZ = 16_000


def walla(
    rng: Rng,
    n: int,
    voices: int,
    copies: int,
    women: float = 0.35,
    effort: float = 0.0,
    dull_hz: float = 8000.0,
) -> np.ndarray:
    """Many people talking, no word of it intelligible `(2, n)`, RMS ~1.

    Each of `voices` throats is used `copies` times, from other places, at other distances and elsewhere on the
    circle: thirty people for the price of six. Mixed at 16 kHz and brought to 48 kHz by padding its spectrum;
    from `dull_hz` on it falls by 12 dB an octave (distance).
    """
    m = int(np.ceil(n / 3))
    rooms = np.zeros((2, 2, m), dtype=np.float32)  # near and far talkers
    for k in range(voices):
        woman = k < round(women * voices)
        f0 = rng.uniform(175, 225) if woman else rng.uniform(90, 135)
        size = rng.uniform(1.12, 1.2) if woman else rng.uniform(0.94, 1.05)
        voice = np.resize(babble(rng, m / VOICE_RATE_HZ, f0, size, effort), m)
        throats = (
            voice,
            retuned(voice, float(rng.uniform(0.87, 0.93))),
            retuned(voice, float(rng.uniform(1.07, 1.14))),
        )
        for c in range(copies):
            shift = int((c + rng.uniform(0.2, 0.8)) / copies * m)
            angle = rng.uniform(0.15, 0.85) * np.pi / 2
            level = np.exp(rng.uniform(np.log(0.25), np.log(1.2)))  # some sit near, most do not
            talk = np.roll(throats[c % 3], shift)
            for side, weight in enumerate((np.cos(angle) * level, np.sin(angle) * level)):
                rooms[c % 2, side] += talk * np.float32(weight)
    far = rooms[1]
    out = rooms[0] + (far + np.roll(far, 1, axis=1) + np.roll(far, 2, axis=1)) / np.float32(3)
    spectrum = rfft(out)
    freq = np.arange(spectrum.shape[1], dtype=np.float32) * np.float32(VOICE_RATE_HZ / m)
    out = irfft(spectrum / (1 + (freq / np.float32(dull_hz)) ** 2), n)
    return out / np.float32(rms(out) + 1e-9)


def retuned(voice: np.ndarray, ratio: float) -> np.ndarray:
    """The same talk from another throat: the circle read at another speed, the join faded over 20 ms."""
    m = len(voice)
    where = np.arange(m, dtype=np.float64) * ratio
    at = where.astype(np.int64)
    part = (where - at).astype(np.float32)
    twice = np.concatenate([voice, voice])  # a faster reader starts again
    out = twice[at] + (twice[at + 1] - twice[at]) * part
    fade = np.sin(np.linspace(0, np.pi / 2, 320, dtype=np.float32))
    out[:320] *= fade
    out[-320:] *= fade[::-1]
    return out


def roomy(rng: Rng, x: np.ndarray, t60_s: float, wet: float) -> np.ndarray:
    """Put a bed's people into a room."""
    return reverberate_circle(x, space(rng, t60_s, 3000, 0.01), wet)


@bed("crowd")
def crowd(rng: Rng, n: int) -> np.ndarray:
    people = roomy(rng, walla(rng, n, 6, 5, 0.35, 0.15), 0.8, 0.7)
    murmur = air(rng, n, [(90, -20), (180, 0), (550, -3), (1200, -16), (3500, -34)], 0.6)
    return people + murmur * np.float32(0.28)


@bed("tavern")
def tavern(rng: Rng, n: int) -> np.ndarray:
    people = walla(rng, n, 6, 3, 0.2, 0.4)
    canvas = Canvas(n, circular=True)
    for at in spaced(rng, canvas.duration_s, 1.5, 0.45):
        kind, side = rng.uniform(), rng.uniform(-0.8, 0.8)
        if kind < 0.55:
            canvas.add(clinks(rng, 1, glassy=False), float(at), rng.uniform(0.6, 1.8), side)
        elif kind < 0.8:  # a mug put down
            canvas.add(
                body(rng, rng.uniform(150, 260), 8, 0.08, 1.6, 0.2), float(at), rng.uniform(0.3, 0.9), side
            )
        else:
            canvas.add(floor_step(rng, 0.9), float(at), rng.uniform(0.6, 1.5), side)
    return roomy(rng, people + canvas.samples, 0.55, 0.5)


@bed("teahouse")
def teahouse(rng: Rng, n: int) -> np.ndarray:
    people = walla(rng, n, 4, 2, 0.3, 0.05)
    canvas = Canvas(n, circular=True)
    for at in spaced(rng, canvas.duration_s, 1.7, 0.45):
        canvas.add(
            clinks(rng, int(rng.integers(1, 3)), glassy=True),
            float(at),
            rng.uniform(0.5, 1.6),
            rng.uniform(-0.8, 0.8),
        )
    kettle = air(rng, n, [(900, -20), (2500, -4), (5000, 0), (9000, -12)], 0.4) * np.float32(0.03)
    return roomy(rng, people + canvas.samples + kettle, 0.4, 0.4)


@bed("market")
def market(rng: Rng, n: int) -> np.ndarray:
    people = walla(rng, n, 6, 5, 0.45, 0.35)
    canvas = Canvas(n, circular=True)
    cries = [cry(rng) for _ in range(7)]
    for at in spaced(rng, canvas.duration_s, 1.9, 0.4):  # vendors' cries
        canvas.add(cries[int(rng.integers(7))], float(at), rng.uniform(1.5, 4.0), rng.uniform(-0.85, 0.85))
    steps = [floor_step(rng, 1.0) for _ in range(8)]
    scatter(rng, canvas, steps, 3.5, 4, 0.9, 0.6)
    for at in spaced(rng, canvas.duration_s, 4.0, 0.4):  # crates and baskets
        canvas.add(
            body(rng, rng.uniform(120, 240), 9, 0.1, 2.5, 0.25),
            float(at),
            rng.uniform(0.9, 2.4),
            rng.uniform(-0.8, 0.8),
        )
    return roomy(rng, people + canvas.samples, 0.5, 0.3)


def cry(rng: Rng, length_s: float | None = None) -> np.ndarray:
    """A called, wordless syllable or two, held: 'ey-oooh'. RMS ~0.5, 48 kHz."""
    length_s = length_s or rng.uniform(0.6, 1.3)
    n = samples(length_s)
    u = np.linspace(0, 1, n)
    top = rng.uniform(230, 360)
    f0 = top * np.interp(u, [0, 0.2, 0.7, 1], [0.8, 1.0, rng.uniform(0.9, 1.12), 0.75])
    source = glottis(f0 * (1 + 0.01 * drift(rng, n, 9.0)), SAMPLE_RATE_HZ, 0.5)
    amp = np.interp(u, [0, 0.06, 0.25, 0.33, 0.42, 0.85, 1], [0, 0.8, 0.8, 0.3, 1.0, 0.8, 0])
    vowels = np.array(
        [[500, 560, 650, 600, 480], [1900, 1750, 1150, 1000, 900], [2600, 2500, 2500, 2400, 2300.0]]
    )
    out = formants(
        (source * amp).astype(np.float32),
        vowels * rng.uniform(0.95, 1.2),
        (90, 120, 180),
        (1, 0.7, 0.3),
        SAMPLE_RATE_HZ,
    )
    return unit(out)


@effect("applause")
def applause(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    for k in range(46):
        hz = rng.uniform(650, 1900)
        clap = mix((burst(rng, 0.04, hz * 0.7, hz * 1.5, 0.035), 1.0), (click(rng, 1500, 7000, 0.8), 0.5))
        at = 0.0 if k < 4 else abs(rng.normal(0, 0.25))
        stop = duration_s * rng.uniform(0.72, 1.05)
        period, side, level = 1 / rng.uniform(3.2, 5.0), rng.uniform(-0.8, 0.8), rng.uniform(0.25, 1.0)
        while at < stop:
            canvas.add(clap, at, level * rng.uniform(0.7, 1.0), side)
            at += period * rng.uniform(0.92, 1.08)
    out = reverberate(canvas.samples, space(rng, 0.8, 4500, 0.01), 0.5)[:, : canvas.n]
    return out * line(canvas.n, (0, 0.8), (0.4, 1), (duration_s * 0.7, 1), (duration_s, 0.12))


@effect("cough")
def cough(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    at, scale = 0.0, rng.uniform(0.9, 1.15)
    while at < max(0.05, duration_s - 0.4):
        n = samples(0.36)
        t = np.arange(n) / SAMPLE_RATE_HZ
        blast = noise(rng, n, [(150, -16), (500, 0), (1500, -3), (4000, -8), (9000, -24)])
        blast *= np.interp(t, [0, 0.006, 0.07, 0.15, 0.3], [0, 1, 0.35, 0.12, 0]).astype(np.float32)
        f0 = scale * np.interp(t, [0, 0.06, 0.2, 0.36], [150, 185, 130, 95])
        fold = glottis(f0 * (1 + 0.05 * drift(rng, n, 60.0)), SAMPLE_RATE_HZ, 0.5)
        fold *= np.interp(t, [0.02, 0.06, 0.14, 0.3], [0, 1.0, 0.6, 0]).astype(np.float32)
        mouth = (
            np.array([[620, 560, 500], [1250, 1200, 1300], [2500, 2450, 2400], [3600, 3500, 3500.0]]) * scale
        )
        out = formants(
            blast + fold * np.float32(1.1),
            mouth,
            (140, 180, 260, 400),
            (1, 0.7, 0.4, 0.25),
            SAMPLE_RATE_HZ,
            0.05,
        )
        canvas.add(unit(out), at, rng.uniform(0.7, 1.0))
        at += rng.uniform(0.42, 0.55)
    return canvas.samples


@effect("whistle")
def whistle(rng: Rng, duration_s: float) -> np.ndarray:
    """Two calls between the fingers: a rising one, held, then up and down."""
    canvas = Canvas.of(duration_s)
    k, f = duration_s / 1.6, rng.uniform(0.92, 1.08)
    calls = (
        (0.0, 0.55, [1450, 2350, 2500, 2480]),
        (0.68, 0.72, [1500, 2600, 2250, 1350]),
    )
    for at, length, pitch in calls:
        n = samples(length * k)
        u = np.linspace(0, 1, n)
        f0 = f * np.interp(u, [0, 0.3, 0.7, 1.0], pitch) * (1 + 0.004 * drift(rng, n, 18.0))
        tone = harmonics(f0, SAMPLE_RATE_HZ, (1.0, 0.07, 0.02))
        breath = noise(rng, n, band(1800, 5000, 9)) * np.float32(0.02)
        canvas.add(
            (tone + breath) * line(n, (0, 0), (0.02, 1), (length * k - 0.06, 0.9), (length * k, 0)), at * k
        )
    return reverberate(canvas.samples, space(rng, 0.7, 5000, 0.04), 0.16)[:, : canvas.n]


@effect("heartbeat")
def heartbeat(rng: Rng, duration_s: float) -> np.ndarray:
    canvas = Canvas.of(duration_s)
    period = 60.0 / rng.uniform(66, 78)
    for k in range(int(np.ceil(duration_s / period))):
        for offset, hz, level, length in ((0.0, 48, 1.0, 0.13), (0.31, 62, 0.72, 0.10)):
            n = samples(length * 1.6)
            u = np.linspace(0, 1, n)
            thump = harmonics(hz * (1.25 - 0.4 * u), SAMPLE_RATE_HZ, (1.0, 0.7, 0.35, 0.16)) * hump(
                n, 0.18, 1.3
            )
            valve = noise(rng, n, band(60, 190, 24)) * hump(n, 0.1, 2.5) * np.float32(0.25)
            canvas.add(thump + valve, k * period + offset, level * rng.uniform(0.94, 1.0))
    return canvas.samples


@effect("hand_clap")
def hand_clap(rng: Rng, duration_s: float) -> np.ndarray:
    table = body(rng, rng.uniform(105, 135), 12, 0.22, 1.8, 0.5)
    palm = burst(rng, 0.06, 350, 2800, 0.05)
    rattle = np.concatenate([np.zeros(samples(0.05), np.float32), body(rng, 620, 6, 0.05, 0.8, 0.1)])
    mono = mix((palm, 0.8), (table, 0.75), (click(rng, 1500, 8000, 0.7), 0.35), (rattle, 0.1))
    return wide_dry(mono[: samples(duration_s)])


def wide_dry(mono: np.ndarray) -> np.ndarray:
    """A near mono source as two equal channels."""
    return np.stack([mono, mono])
