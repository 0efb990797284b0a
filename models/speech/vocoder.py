"""One recorded voice becomes a cast: the vocal tract, the larynx and the breath of hibari's frames are remade.

hibari's network gives a spectrum per 12.5 ms in separate parts (harmonic envelope and phase, noise, free-phase
residual, f0). Separate parts can be reshaped separately, which a finished waveform does not allow: this module
warps the envelopes' frequency axis (formants), moves and stretches f0, tilts and equalises, adds breath and
roughness, and only then makes the waveform, once. Everything is seeded and vectorised over frames.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hibari import dsp
from scipy.ndimage import gaussian_filter1d

SAMPLE_RATE_HZ = dsp.SR
FRAME_S = dsp.HOP / dsp.SR
BIN_HZ = dsp.SR / dsp.N_FFT
BINS = dsp.N_FFT // 2 + 1
BIN_FREQUENCIES_HZ = np.arange(BINS) * BIN_HZ
VOICED_HZ = 40.0  # hibari's own threshold: f0 below it means "no voicing"
LOWEST_F0_HZ = (
    58.0  # below a bass's lowest; keeps halved (creaking) periods and dips out of the unvoiced range
)
FORMANT_ANCHORS_HZ = (
    450.0,
    1500.0,
    2900.0,
)  # middle of the F1, F2 and F3 regions of the source voice (female)
DB = np.log(10.0) / 20.0  # decibels → natural-log amplitude
# How much louder noise must be than the harmonics' envelope to replace them at one level: at -2 dB a full whisper is
# within 1 dB of the voice (-27.8 against -27.0 dBFS over 36 s).
NOISE_FOR_HARMONICS_DB = -2.0


@dataclass(frozen=True)
class Frames:
    """What the network predicts for one sentence. Spectra are `(601, frames)` float32, f0 is `(frames,)` in Hz."""

    harmonic_log: np.ndarray
    harmonic_phase: np.ndarray  # before π·tanh
    noise_log: np.ndarray
    free_log: np.ndarray
    free_phase: np.ndarray
    f0_hz: np.ndarray

    def take(self, index: np.ndarray, seed: int) -> Frames:
        """The frames `index` (never decreasing; may repeat or leave out frames: time grows and shrinks).

        A repeated frame's residual gets a phase of its own from `seed`, or noise would ring at the frame rate.
        """
        taken = {f.name: np.take(getattr(self, f.name), index, axis=-1) for f in fields(self)}
        again = np.flatnonzero(np.diff(index) == 0) + 1
        rng = np.random.default_rng([seed, 1])
        taken["free_phase"][:, again] = rng.uniform(-np.pi, np.pi, (BINS, len(again)))
        return Frames(**taken)

    def levels_db(self) -> np.ndarray:
        """Level of each frame as the network meant it, `(frames,)`: harmonics where voiced, and the residual."""
        power = np.exp(2 * np.minimum(self.free_log, 7.0)).sum(0)
        comb = (
            1.5 * BIN_HZ / np.maximum(self.f0_hz, VOICED_HZ)
        )  # share of bins under the harmonics' Hann lobes
        power += np.where(
            self.f0_hz > VOICED_HZ, comb * np.exp(2 * np.minimum(self.harmonic_log, 7.0)).sum(0), 0.0
        )
        return 10 * np.log10(power + 1e-9)


@dataclass(frozen=True)
class Shape:
    """A way of speaking. The defaults leave hibari's voice as it is."""

    pitch: float = 1.0  # × f0
    pitch_range: float = 1.0  # of the melody about its centre, in semitones
    formants: tuple[float, float, float] = (1.0, 1.0, 1.0)  # × frequency around F1, F2, F3 and above
    tilt_db_oct: float = 0.0  # slope above 400 Hz; negative = dark
    eq_db: tuple[
        tuple[float, float], ...
    ] = ()  # (Hz, dB) knots, linear over log frequency: the build of a head
    first_harmonic_db: float = 0.0  # + soft, breathy larynx; − pressed
    breath_db: float = -60.0  # noise against the harmonics at 4 kHz
    rough: float = 0.0  # 0..1: period doubling and jitter (creak, rasp)
    tremor_st: float = 0.0  # slow unsteadiness of f0, an old or frightened voice
    contrast: float = 1.0  # depth of the formants: > 1 sharper, < 1 blurred (nasal, muffled)
    whisper: float = 0.0  # 0..1: share of voicing replaced by breath

    @classmethod
    def read(cls, parameters: dict[str, Any]) -> Shape:
        """From a voice's `parameters`; names that are not the vocoder's are left alone."""
        known = {f.name: parameters[f.name] for f in fields(cls) if f.name in parameters}
        if "formants" in known:
            known["formants"] = tuple(map(float, known["formants"]))
        if "eq_db" in known:
            known["eq_db"] = tuple((float(hz), float(db)) for hz, db in known["eq_db"])
        return cls(**known)


def synthesize(frames: Frames, shape: Shape, centre_hz: float, seed: int) -> np.ndarray:
    """Frames spoken in another way → float32 `(frames · 300,)` at 24 kHz, level as it falls.

    Args:
        centre_hz: f0 about which `pitch_range` turns: the source voice's median.
        seed: of breath, jitter and tremor; the same seed gives the same samples.
    """
    rng = np.random.default_rng(seed)
    voiced = frames.f0_hz > VOICED_HZ
    f0 = _melody(frames.f0_hz, voiced, shape, centre_hz, rng)
    harmonic, phase = _clean_envelope(frames, voiced)
    source = _source_bins(shape.formants)
    harmonic = _warp(harmonic, source)
    if shape.contrast != 1.0:
        broad = gaussian_filter1d(
            harmonic, 20.0, axis=0, mode="nearest"
        )  # ±400 Hz: the trend under the formants
        harmonic = broad + np.float32(shape.contrast) * (harmonic - broad)
    nearest = np.rint(source).astype(int)
    free, free_phase = _warp(frames.free_log, source), frames.free_phase[nearest]
    noise = _warp(frames.noise_log, source)

    colour = _colour(shape)[:, None]
    harmonic, free, noise = harmonic + colour, free + colour, noise + colour
    if shape.first_harmonic_db:
        octaves = np.log2(np.maximum(BIN_FREQUENCIES_HZ, BIN_HZ))[:, None] - np.log2(
            np.maximum(f0, VOICED_HZ)
        )
        harmonic += np.float32(shape.first_harmonic_db * DB) * np.exp(
            -((octaves / 0.5) ** 2), dtype=np.float32
        )
    harmonic, noise = _breathe(harmonic, noise, voiced, shape)
    spectrum = _excite(f0, voiced, shape, rng)
    spectrum *= dsp.ex(harmonic) * _rotation(phase[nearest])
    unit = rng.standard_normal((BINS, 2 * len(f0)), dtype=np.float32).view(np.complex64)
    spectrum += unit * dsp.ex(noise)
    spectrum += dsp.ex(free) * _rotation(free_phase)
    return dsp.ola(spectrum)


def _melody(
    f0: np.ndarray, voiced: np.ndarray, shape: Shape, centre_hz: float, rng: np.random.Generator
) -> np.ndarray:
    """f0 scaled, its range stretched about the centre on a log scale, with tremor and jitter."""
    n = len(f0)
    log = np.log(np.maximum(f0, VOICED_HZ) / centre_hz) * shape.pitch_range + np.log(shape.pitch * centre_hz)
    if shape.tremor_st:
        # 4.5–6 Hz (vocal tremor, e.g. Titze 1994), wandering in phase
        rate = 5.2 + gaussian_filter1d(rng.standard_normal(n), 20.0, mode="nearest") * 2.0
        log += np.sin(2 * np.pi * np.cumsum(rate) * FRAME_S) * shape.tremor_st * np.log(2) / 12
    if shape.rough:
        log += rng.standard_normal(n) * 0.02 * shape.rough
    return np.where(voiced, np.maximum(np.exp(log), LOWEST_F0_HZ), 0.0).astype(np.float32)


def _clean_envelope(frames: Frames, voiced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Harmonic log magnitude and unit phasor as smooth functions of frequency.

    The network only learned them where its own harmonics lay; between them they are ragged. A Gaussian over
    frequency weighted by nearness to a harmonic (normalised convolution, Knutsson & Westin 1993) reads them
    where they mean something, so another f0 can sample them anywhere.
    """
    f0 = np.where(voiced, frames.f0_hz, 190.0).astype(np.float32)
    lobe = 0.52 + 0.48 * np.cos(2 * np.pi * BIN_FREQUENCIES_HZ[:, None].astype(np.float32) / f0)
    lobe *= lobe
    width_bins = 3.0  # 60 Hz: under a third of the source's harmonic spacing
    weight = gaussian_filter1d(lobe, width_bins, axis=0, mode="nearest")
    level = gaussian_filter1d(lobe * frames.harmonic_log, width_bins, axis=0, mode="nearest") / weight
    angle = np.tanh(frames.harmonic_phase) * np.float32(np.pi)
    real = gaussian_filter1d(lobe * np.cos(angle), width_bins, axis=0, mode="nearest")
    imag = gaussian_filter1d(lobe * np.sin(angle), width_bins, axis=0, mode="nearest")
    return level, np.arctan2(imag, real)


def _source_bins(formants: tuple[float, float, float]) -> np.ndarray:
    """For each output bin the (fractional) source bin: piecewise linear through the three formant regions."""
    source_hz = np.array([0.0, *FORMANT_ANCHORS_HZ, 5000.0, dsp.SR / 2])
    target_hz = source_hz * np.array([1.0, *formants, formants[2], 1.0])
    target_hz[-1] = dsp.SR / 2
    return np.interp(BIN_FREQUENCIES_HZ, target_hz, source_hz) / BIN_HZ


def _warp(spectrum: np.ndarray, source: np.ndarray) -> np.ndarray:
    low = np.minimum(source.astype(int), BINS - 2)
    share = (source - low).astype(np.float32)[:, None]
    return spectrum[low] * (1 - share) + spectrum[low + 1] * share


def _colour(shape: Shape) -> np.ndarray:
    """Tilt and head resonance as natural-log gain per bin."""
    octaves = np.clip(np.log2(np.maximum(BIN_FREQUENCIES_HZ, BIN_HZ) / 400.0), 0.0, 4.0)
    gain_db = shape.tilt_db_oct * octaves
    if shape.eq_db:
        hz, db = np.array(shape.eq_db).T
        gain_db = gain_db + np.interp(np.log(np.maximum(BIN_FREQUENCIES_HZ, BIN_HZ)), np.log(hz), db)
    return (gain_db * DB).astype(np.float32)


def _breathe(
    harmonic: np.ndarray, noise: np.ndarray, voiced: np.ndarray, shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """Aspiration: noise under the harmonics' envelope, strongest high up, where breath masks them."""
    if shape.breath_db <= -50 and shape.whisper <= 0:
        return harmonic, noise
    octaves = np.log2(np.maximum(BIN_FREQUENCIES_HZ, 250.0) / 4000.0)
    breath_db = np.minimum(shape.breath_db + 6.0 * octaves, shape.breath_db + 3.0)
    if shape.whisper > 0:
        # A whisper has no first harmonics to lean on: open glottis, weak below 500 Hz (Jovicic 1998)
        thin = np.minimum(0.0, 9.0 * np.log2(np.maximum(BIN_FREQUENCIES_HZ, 60.0) / 600.0))
        whisper_db = 20 * np.log10(shape.whisper) + thin
        breath_db = np.maximum(breath_db, whisper_db)
    breath = harmonic + ((breath_db + NOISE_FOR_HARMONICS_DB) * DB).astype(np.float32)[:, None]
    noise = np.where(voiced, np.logaddexp(noise, breath), noise)
    if shape.whisper > 0:
        harmonic = harmonic + np.float32(np.log(max(1.0 - shape.whisper, 1e-6)))
    return harmonic, noise


def _excite(f0: np.ndarray, voiced: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """STFT `(601, frames)` of the glottal pulses; every second one stronger where the voice is rough."""
    pulses = dsp.pulses(f0)
    if shape.rough:
        halved = np.where(voiced & (f0 > 2 * VOICED_HZ + 4), f0 / 2, 0.0).astype(np.float32)
        share = np.float32(0.45 * shape.rough)
        pulses = pulses * (1 - share) + dsp.pulses(halved) * share
    return dsp.stft(pulses, len(f0))


def _rotation(angle: np.ndarray) -> np.ndarray:
    unit = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=unit.real)
    np.sin(angle, out=unit.imag)
    return unit
