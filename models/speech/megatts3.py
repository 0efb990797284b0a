"""MegaTTS3 (ByteDance, Jiang et al. 2025, arXiv:2502.18924) as a model process: the user's "TTS3".

Runs in a venv of its own (`soundbound models install megatts3`), on the package `megatts3`. The package takes neither
an emotion nor a seed nor a language: an emotion is a prompt pair of its own (`<emotion>.wav` and `.npy`), its
intensity moves the two guidance weights, the seed is set around each line, and the language, which the package
guesses from the text, is told. The package cuts long texts (130 characters of English, 60 of Chinese) and joins them.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SpeechRequest
from models.speech.cloning import clip_for, language_of, seed_everything, seed_of, weights_version

CODE = "2"  # raise when the code below changes what is heard
LANGUAGES = {"en": "en", "zh": "zh-cn"}
# Guidance: intelligibility p_w and likeness to the prompt t_w. The authors' defaults are 1.6 and 2.5, and a high t_w
# keeps more of the prompt's own manner (their README); so a strong feeling leans on the prompt.
P_W = (1.6, 1.4)  # at intensity 0 and 1 of an emotion that has its own prompt
T_W = (2.5, 3.5)


def fingerprint(settings: dict[str, Any]) -> str:
    return weights_version("megatts3", CODE, Path(settings["weights"]), settings)


def guidance(intensity: float, own_prompt: bool) -> tuple[float, float]:
    """(p_w, t_w) of a line; the defaults where the voice has no prompt for its emotion."""
    share = min(max(intensity, 0.0), 1.0) if own_prompt else 0.0
    return tuple(round(low + share * (high - low), 3) for low, high in (P_W, T_W))  # pyright: ignore[reportReturnType]


class MegaTTS3:
    """Settings: `weights` (the published checkpoints folder), `voices` (models/speech/reference_voices.py), `steps`
    of the diffusion transformer."""

    lanes = 1

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        import torch

        package: Any = importlib.import_module("megatts3.infer_cli")

        self.version = fingerprint(settings)
        self._voices = settings["voices"]
        self._steps = int(settings.get("steps", 32))
        self._package = package
        precision = (
            torch.float16 if device.startswith("cuda") else torch.bfloat16
        )  # no half convolutions on a CPU
        self._model = package.MegaTTS3DiTInfer(
            device=device, ckpt_root=settings["weights"], precision=precision
        )
        self._model.loudness_meter = _Meter(self._model.loudness_meter)
        self._prompts: dict[Path, tuple[dict[str, Any], float]] = {}

    def render(self, request: SpeechRequest) -> Rendered:
        if not request.text.strip():
            raise CannotMake("there is nothing to say")
        language = language_of(request, LANGUAGES)
        clip, own = clip_for(request, self._voices)
        prompt, self._model.loudness_prompt = self._prompt(clip)
        seed_everything(seed_of(request))  # after the prompt, which is made only once
        p_w, t_w = guidance(request.intensity, own)
        self._package.classify_language = lambda text: language  # it would guess, and short lines wrongly
        wav = self._model.forward(
            prompt, request.text, time_step=self._steps, p_w=p_w, t_w=t_w, dur_alpha=1 / request.speed
        )
        samples, rate = _read(wav)
        return Rendered(samples, rate)

    def _prompt(self, clip: Path) -> tuple[dict[str, Any], float]:
        """What the package makes of a prompt pair, once a process. Its loudness, to which the package levels a line,
        it keeps on the model itself, so it has to be put back with the prompt."""
        if clip not in self._prompts:
            latent = clip.with_suffix(".npy")
            seed_everything(0)
            made = self._model.preprocess(
                clip.read_bytes(), latent_file=str(latent) if latent.is_file() else None
            )
            self._prompts[clip] = (made, self._model.loudness_prompt)
        return self._prompts[clip]


class _Meter:
    """The package's loudness meter, which refuses audio under BS.1770's block of 0.4 s: "Oh!" is measured repeated."""

    def __init__(self, meter: Any) -> None:
        self._meter = meter
        self._least = int(np.ceil(meter.block_size * meter.rate)) + 1

    def integrated_loudness(self, samples: np.ndarray) -> float:
        """LUFS of float `(samples,)`."""
        return self._meter.integrated_loudness(np.resize(samples, max(len(samples), self._least)))


def _read(wav: bytes) -> tuple[np.ndarray, int]:
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    return samples.T, rate
