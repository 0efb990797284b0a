"""One line's processing: from a take to a dry voice and its room's answer, ready to be levelled and placed.

Everything here depends on the take's bytes and the line's manner and nothing else, so that a finished line can be
kept (linecache.py) and used again after an edit elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pedalboard import Compressor

from mixing.acoustics import Acoustic
from mixing.contracts import SAMPLE_RATE_HZ
from mixing.loudness import CELL_FRAMES, energies, speech_lufs
from mixing.profiles import CompressorLaw, DialogueLaw
from mixing.reading import Section, amplitude, edges, filtered, read_take, section, to_mono
from mixing.rooms import room_sound

RECIPE = 1  # of this file: raised whenever the same take would come out otherwise


@dataclass(frozen=True)
class Manner:
    """How a line is treated: its intent (whisper, shout …) and its acoustics."""

    intent: str
    acoustic: Acoustic


@dataclass(frozen=True)
class ProcessedLine:
    dry: np.ndarray  # float32 (1, frames) at 48 kHz
    wet: np.ndarray | None  # float32 (2, frames + tail), at the level it has against `dry`
    take_lufs: float  # speech-gated, as the take came
    lufs: float  # of `dry`, the same after the chain
    peak: float


def line_key(path: Path, manner: Manner, law: DialogueLaw) -> str:
    """Hash of all that can change the processed line. Raises OSError if the take can't be read."""
    digest = hashlib.blake2b(path.read_bytes(), digest_size=20)
    chain = law.model_dump_json(include={"high_pass_hz", "edge_s", "compressor"})
    intent = (
        law.intents[manner.intent].model_dump_json(exclude={"words", "level_db"}) if manner.intent else ""
    )
    digest.update(f"\0{RECIPE}\0{chain}\0{intent}\0{manner.acoustic!r}".encode())
    return digest.hexdigest()


def process_line(path: Path, manner: Manner, law: DialogueLaw) -> ProcessedLine | None:
    """Read a take and run the chain: filters, compressor at a standard level, edges, room. None if empty or silent.

    Raises MixError for a take that can't be used.
    """
    samples = to_mono(read_take(path))
    if not len(samples) or not np.abs(samples).max() > 1e-5:
        return None
    low_cut_hz = law.intents[manner.intent].high_pass_hz if manner.intent else law.high_pass_hz
    samples = filtered(samples, [section("highpass", low_cut_hz, 2)])
    power = energies(samples[None])
    take_lufs = heard_lufs = speech_lufs(power)
    if filters := _filters(manner.acoustic):
        samples = filtered(samples, filters)
        power = energies(samples[None])
        heard_lufs = speech_lufs(power)  # what a telephone takes away is not the acting
    if not np.isfinite(take_lufs) or not np.isfinite(heard_lufs):
        return None
    samples = samples * amplitude(law.compressor.at_lufs - heard_lufs)
    before = _cell_power(samples)
    drive_db = manner.acoustic.treatment.drive_db
    if drive_db:
        samples = np.tanh(samples * amplitude(drive_db)) * amplitude(-drive_db)
    samples = edges(_compress(samples, law.compressor), law.edge_s, law.edge_s)
    # the chain's gain changes slowly against a cell: what it does to a cell's power it does to the weighted power too
    change = np.divide(_cell_power(samples), before, out=np.zeros_like(before), where=before > 0)
    level = speech_lufs(power * amplitude(law.compressor.at_lufs - heard_lufs) ** 2 * change)
    if not np.isfinite(level):
        return None
    wet = room_sound(samples, manner.acoustic, float(np.vdot(samples, samples)))
    return ProcessedLine(samples[None], wet, take_lufs, level, float(np.abs(samples).max()))


def _cell_power(samples: np.ndarray) -> np.ndarray:
    """Mean squares of float32 `(frames,)` in 10 ms cells, the last filled up with silence; float32 `(cells,)`."""
    cells = np.pad(samples, (0, -len(samples) % CELL_FRAMES)).reshape(-1, CELL_FRAMES)
    return np.einsum("ki,ki->k", cells, cells) / CELL_FRAMES


def _filters(acoustic: Acoustic) -> list[Section]:
    treatment, found = acoustic.treatment, []
    if treatment.high_pass_hz:
        found.append(section("highpass", treatment.high_pass_hz, treatment.order))
    if treatment.low_pass_hz:
        found.append(section("lowpass", treatment.low_pass_hz, treatment.order))
    if acoustic.low_pass_hz:
        found.append(section("lowpass", acoustic.low_pass_hz, 1))
    return found


def _compress(samples: np.ndarray, law: CompressorLaw) -> np.ndarray:
    """One clip, whole, with a fresh compressor: no state is carried from line to line."""
    compressor = Compressor(
        threshold_db=law.threshold_db, ratio=law.ratio, attack_ms=law.attack_ms, release_ms=law.release_ms
    )
    return compressor(samples.astype(np.float32, copy=False), SAMPLE_RATE_HZ)
