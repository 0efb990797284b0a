"""A speech-like tone for the stand-ins: its pitch tells the voice, its length the text."""

import hashlib

import numpy as np

RATE_HZ = 24_000


def tone(text: str, who: str, speed: float = 1.0, noise: np.ndarray | None = None) -> np.ndarray:
    """float32 `(samples,)`; `noise` (uniform random numbers) makes a seed audible."""
    seconds = max(0.2, 0.07 * len(text)) / speed
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    f0 = 90 + int(hashlib.sha256(who.encode()).hexdigest()[:4], 16) % 180
    wave = sum(np.sin(2 * np.pi * f0 * k * t) / k for k in (1, 2, 3))
    wave = 0.15 * wave * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
    if noise is not None:
        wave = wave + 0.01 * np.resize(noise, len(t))
    return wave.astype(np.float32)
