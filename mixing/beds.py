"""Environment beds: one take of half a minute becomes a bed of any length, without a seam or an audible repeat.

A bed is a chain of pieces of its take, cut at seeded random places and laid over each other with cross-fades that
keep the power constant for the material at hand: the fades are normalised by the correlation measured at the seam
(a plain linear fade loses 3 dB on noise, an equal-power one gains 3 dB on tones).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, oaconvolve

from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import CELL_FRAMES, energies, integrated_lufs, speech_lufs
from mixing.profiles import BedLaw
from mixing.reading import amplitude, decibels, high_pass, read_take, to_stereo
from mixing.scratch import Clip, Scratch
from story.timeline import EnvironmentSegment

_CANDIDATES = 12  # places tried for each piece; the one that joins best wins
_MOST_S = 90.0  # of a take: more would add memory and nothing one hears
_AT_ONCE = 360_000  # cells, an hour: a bed may last ten
_ALIGN_FRAMES = 480  # ±10 ms: how far a piece may be shifted so that tones meet in phase


@dataclass(frozen=True)
class BedTake:
    """A prepared take: stereo, 48 kHz, edges trimmed. Its energies stand for it when levels are planned."""

    clip: Clip
    energies: np.ndarray  # K-weighted, 10 ms
    loudness_lufs: float
    peak: float


@dataclass(frozen=True)
class Piece:
    start: int  # frame in the bed
    source: int  # frame in the take
    frames: int
    fade_in: Seam | None  # with the piece before
    fade_out: Seam | None  # with the piece after


@dataclass(frozen=True)
class Seam:
    frames: int
    correlation: float  # of the two sides, -0.5..1

    def gains(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 fade-in and fade-out, `(frames,)` each."""
        return _seam_gains(self.frames, self.correlation)


@lru_cache(maxsize=8)
def _seam_gains(frames: int, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    rise = np.sin(np.pi / 2 * (np.arange(frames) + 0.5) / frames)
    fall = rise[::-1]
    norm = 1 / np.sqrt(1 + 2 * rise * fall * correlation)  # sin² + cos² + 2·ρ·sin·cos
    return (rise * norm).astype(np.float32), (fall * norm).astype(np.float32)


@lru_cache(maxsize=8)
def _sine_fade(frames: int) -> np.ndarray:
    return np.sin(np.pi / 2 * (np.arange(frames) + 0.5) / frames).astype(np.float32)


def prepare_bed(path: Path, law: BedLaw, scratch: Scratch) -> BedTake | None:
    """Read and condition a bed's take; None if it is empty or silent."""
    samples = read_take(path, _MOST_S)
    if samples.shape[1] < SAMPLE_RATE_HZ // 10 or not np.abs(samples).max() > 1e-5:
        return None
    mono = len(samples) == 1
    samples = _trim(high_pass(to_stereo(samples), law.high_pass_hz))
    if mono and law.spread > 0:
        samples = _spread(samples[0], law.spread)
    cells = energies(samples)
    loudness = integrated_lufs(cells)
    if not np.isfinite(loudness):  # shorter than the standard's block, or below its gate
        loudness = speech_lufs(cells)
    if not np.isfinite(loudness):
        return None
    return BedTake(scratch.add(samples), cells, loudness, float(np.abs(samples).max()))


def _trim(samples: np.ndarray) -> np.ndarray:
    """Cut fades and silence at the ends: what lies 6 dB below the take's median level, at most a quarter each."""
    count = samples.shape[1] // CELL_FRAMES
    level = (samples[:, : count * CELL_FRAMES].reshape(2, count, CELL_FRAMES) ** 2).mean(axis=(0, 2))
    loud = np.flatnonzero(level >= np.median(level) * 10**-0.6)
    first = min(int(loud[0]), count // 4) if len(loud) else 0
    last = max(int(loud[-1]) + 1, count - count // 4) if len(loud) else count
    return samples[:, first * CELL_FRAMES : last * CELL_FRAMES]


def _spread(mono: np.ndarray, width: float) -> np.ndarray:
    """Stereo from mono: the side signal is the take through a seeded 20 ms all-pass-like filter.

    Folds back to the very mono signal (the sides cancel), at the same power in sum.
    """
    rng = np.random.default_rng(20)
    half = np.exp(1j * rng.uniform(-np.pi, np.pi, 481))
    half[0] = half[-1] = 0.0
    taps = np.fft.irfft(half) * np.hanning(960)
    taps /= np.sqrt((taps**2).sum())
    side = oaconvolve(mono, taps, mode="same") * width
    return (np.stack([mono + side, mono - side]) / np.sqrt(1 + width * width)).astype(np.float32)


@dataclass
class Bed:
    """One environment segment, ready to be rendered anywhere in the chapter."""

    segment: EnvironmentSegment
    take: BedTake
    start: int  # frame in the chapter
    frames: int
    gain: np.float32
    pieces: list[Piece]
    fade_in: int = 0
    fade_out: int = 0
    _starts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        self._starts = np.array([p.start for p in self.pieces], np.int64)

    def add_to(self, out: np.ndarray, at: int, scratch: Scratch) -> None:
        """Add what sounds in the chapter's frames `at ...` to float32 `(2, frames)`."""
        low, high = max(at, self.start), min(at + out.shape[1], self.start + self.frames)
        if low >= high:
            return
        low, high = low - self.start, high - self.start
        bed = np.zeros((2, high - low), np.float32)
        # at most two pieces overlap, so the one before the first that starts in here may still sound
        index = max(0, int(np.searchsorted(self._starts, low, side="right")) - 2)
        while index < len(self.pieces) and self.pieces[index].start < high:
            piece = self.pieces[index]
            a, b = max(low, piece.start) - piece.start, min(high, piece.start + piece.frames) - piece.start
            if a < b:
                part = scratch.read(self.take.clip, piece.source + a, piece.source + b)
                envelope = _piece_envelope(piece, a, b)
                bed[:, piece.start + a - low : piece.start + b - low] += (
                    part if envelope is None else part * envelope
                )
            index += 1
        bed *= self.gain
        if low < self.fade_in:
            count = min(high, self.fade_in) - low
            bed[:, :count] *= _sine_fade(self.fade_in)[low : low + count]
        tail = self.frames - self.fade_out
        if high > tail:
            first = max(low, tail)
            fall = _sine_fade(self.fade_out)[::-1]
            bed[:, first - low :] *= fall[first - tail : high - tail]
        out[:, low + self.start - at : high + self.start - at] += bed

    def add_energies(self, cells: np.ndarray) -> None:
        """Add the bed's K-weighted energies, as they will sound, to the chapter's 10 ms cells."""
        own = np.zeros(-(-self.frames // CELL_FRAMES) + 1)
        for piece in self.pieces:
            first, source = piece.start // CELL_FRAMES, piece.source // CELL_FRAMES
            count = min(-(-piece.frames // CELL_FRAMES), len(own) - first, len(self.take.energies) - source)
            power = self.take.energies[source : source + count].astype(np.float64)
            at = (np.arange(count) + 0.5) * CELL_FRAMES
            for seam, into in ((piece.fade_in, at), (piece.fade_out, piece.frames - at)):
                if seam is not None:  # plain sin²: what the normalisation restores
                    power = power * np.sin(np.pi / 2 * np.clip(into / seam.frames, 0, 1)) ** 2
            own[first : first + count] += power
        for fade, at_end in ((self.fade_in, False), (self.fade_out, True)):
            count = min(len(own), fade // CELL_FRAMES + 4)  # and not the whole bed: it may last ten hours
            first = len(own) - count if at_end else 0
            at = (first + np.arange(count) + 0.5) * CELL_FRAMES
            into = self.frames - at if at_end else at
            if fade:
                own[first : first + count] *= np.sin(np.pi / 2 * np.clip(into / fade, 0, 1)) ** 2
        first = self.start // CELL_FRAMES
        count = min(-(-self.frames // CELL_FRAMES), len(cells) - first)
        for low in range(0, count, _AT_ONCE):
            part = own[low : min(low + _AT_ONCE, count)] * float(self.gain) ** 2
            cells[first + low : first + low + len(part)] += part.astype(np.float32)


def _piece_envelope(piece: Piece, a: int, b: int) -> np.ndarray | None:
    rise, fall = piece.fade_in, piece.fade_out
    rises = rise is not None and a < rise.frames
    falls = fall is not None and b > piece.frames - fall.frames
    if not rises and not falls:
        return None
    envelope = np.ones(b - a, np.float32)
    if rises and rise is not None:
        count = min(b, rise.frames) - a
        envelope[:count] *= rise.gains()[0][a : a + count]
    if falls and fall is not None:
        tail = piece.frames - fall.frames
        first = max(a, tail)
        envelope[first - a :] *= fall.gains()[1][first - tail : b - tail]
    return envelope


def chain(take: BedTake, frames: int, law: BedLaw, scratch: Scratch, seed: str) -> list[Piece]:
    """Pieces of the take that cover exactly `frames`. The same seed gives the same chain."""
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big"))
    length = take.clip.frames
    seam = min(round(law.seam_s * SAMPLE_RATE_HZ), length // 4) // CELL_FRAMES * CELL_FRAMES
    whole = length - length % CELL_FRAMES
    if frames <= whole:
        room = (whole - frames) // CELL_FRAMES
        return [Piece(0, int(rng.integers(0, room + 1)) * CELL_FRAMES, frames, None, None)]
    if seam < CELL_FRAMES:  # a take under 40 ms can't be told from a buzz
        seam = max(1, length // 4)
    margin = _ALIGN_FRAMES if whole > 8 * _ALIGN_FRAMES else 0
    pieces: list[Piece] = []
    start, rise, recent = 0, None, []
    source = int(rng.integers(margin, _latest(length, seam, margin) + 1))
    while True:
        share = rng.uniform(*law.piece_share) if whole > 4 * seam + 2 * margin else 1.0
        size = min(max(int(whole * share), 2 * seam), whole - source)
        if whole - source - size < margin or size < 2 * seam:
            size = whole - source
        if start + size >= frames:
            pieces.append(Piece(start, source, frames - start, rise, None))
            return pieces
        end = source + size - seam  # where the seam lies in this piece
        following, correlation = _next_source(take, scratch, end, seam, margin, recent, rng)
        fall = Seam(seam, correlation)
        pieces.append(Piece(start, source, size, rise, fall))
        recent = [*recent[-2:], source]
        start, source, rise = start + size - seam, following, fall


def _latest(length: int, seam: int, margin: int) -> int:
    """The last frame of a take where a piece may begin: a quarter of the take and two seams are left then."""
    return max(margin, length - length // 4 - 2 * seam)


def _next_source(
    take: BedTake,
    scratch: Scratch,
    end: int,
    seam: int,
    margin: int,
    recent: list[int],
    rng: np.random.Generator,
) -> tuple[int, float]:
    """Where the next piece begins in the take, and the correlation of the two sides of the seam.

    Of some random places, the one whose level over the seam is nearest; then shifted within ±10 ms to where the
    waveforms agree most.
    """
    length = take.clip.frames
    latest = _latest(length, seam, margin)
    cells = max(1, seam // CELL_FRAMES)
    level = 10 * np.log10(take.energies[end // CELL_FRAMES :][:cells].mean() + 1e-12)
    best, best_cost = margin, float("inf")
    for _ in range(_CANDIDATES):
        at = int(rng.integers(margin, latest + 1)) // CELL_FRAMES * CELL_FRAMES
        at = max(at, margin)
        cost = abs(10 * np.log10(take.energies[at // CELL_FRAMES :][:cells].mean() + 1e-12) - level)
        cost += 6 * sum(abs(at - r) < length // 10 for r in recent)  # heard a moment ago
        cost += 12 * (abs(at - end) < SAMPLE_RATE_HZ)  # an echo of itself
        if cost < best_cost:
            best, best_cost = at, float(cost)
    old = scratch.read(take.clip, end, end + seam).sum(axis=0, dtype=np.float32)
    if margin:
        middle = old[seam // 2 :][: min(seam // 2, SAMPLE_RATE_HZ // 4)]
        first = best - margin + seam // 2
        search = scratch.read(take.clip, first, min(first + len(middle) + 2 * margin, length)).sum(
            axis=0, dtype=np.float32
        )
        if len(search) > len(middle):
            match = fftconvolve(search, middle[::-1], mode="valid")
            best += int(np.argmax(match)) - margin
    new = scratch.read(take.clip, best, min(best + seam, length)).sum(axis=0, dtype=np.float32)
    old = old[: len(new)]
    scale = float(np.sqrt((old.astype(np.float64) ** 2).sum() * (new.astype(np.float64) ** 2).sum()))
    correlation = float((old.astype(np.float64) * new).sum()) / scale if scale > 0 else 0.0
    return best, float(np.clip(correlation, -0.5, 1.0))


def plan_beds(
    segments: list[EnvironmentSegment],
    takes: dict[str, BedTake],
    law: BedLaw,
    anchor_lufs: float,
    total: int,
    scratch: Scratch,
) -> list[Bed]:
    """Beds in the timeline's order. Layers of a scene add up, but not far above its loudest layer."""
    beds = []
    for segment in segments:
        take = takes.get(segment.id)
        start = max(0, round(segment.start_s * SAMPLE_RATE_HZ))
        stop = min(total, round((segment.start_s + segment.duration_s) * SAMPLE_RATE_HZ))
        if take is None or stop <= start:
            continue
        layers = [s for s in segments if s.id in takes and s.scene == segment.scene and _overlap(s, segment)]
        level_db = anchor_lufs - law.below_dialogue_lu + segment.level_db - take.loudness_lufs
        level_db -= max(0.0, _together_db(layers) - max(s.level_db for s in layers) - law.layers_max_db)
        level_db = min(level_db, law.peak_max_dbfs + max(0.0, segment.level_db) - decibels(take.peak))
        fade_in, fade_out = (
            round(max(0.0, f) * SAMPLE_RATE_HZ) for f in (segment.fade_in_s, segment.fade_out_s)
        )
        if fade_in + fade_out > stop - start:
            fade_in, fade_out = (f * (stop - start) // (fade_in + fade_out) for f in (fade_in, fade_out))
        pieces = chain(take, stop - start, law, scratch, f"{segment.id}/{segment.sound}")
        beds.append(Bed(segment, take, start, stop - start, amplitude(level_db), pieces, fade_in, fade_out))
    return beds


def _together_db(layers: list[EnvironmentSegment]) -> float:
    return 10 * float(np.log10(sum(10 ** (s.level_db / 10) for s in layers)))


def _overlap(a: EnvironmentSegment, b: EnvironmentSegment) -> bool:
    return a.start_s < b.start_s + b.duration_s and b.start_s < a.start_s + a.duration_s
