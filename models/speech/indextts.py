"""IndexTTS-2.5 (bilibili) as a model process, on the package `indextts25` in a venv of its own.

Emotion goes in as the eight numbers of models/data/emotions.json, scaled by the line's intensity already; the timbre
comes from the voice's neutral clip. The package's language defaults to Spanish, so it is always passed.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SpeechRequest
from models.speech.cloning import clip_for, language_of, seed_everything, seed_of, weights_version

CODE = "1"  # raise when the code below changes what is heard
LANGUAGES = {tag: tag for tag in ("en", "zh", "ja", "es")}
SLOWEST, FASTEST = 1.25, 0.78  # duration factors beyond which the model saturates (its own documentation)
LOUDEST = (
    0.8  # sum of the emotion vector up to which the voice stays itself (IndexTTS2's own interface caps it so)
)


def fingerprint(settings: dict[str, Any]) -> str:
    return weights_version("indextts-2.5", CODE, Path(settings["weights"]), settings)


def emotion_vector(request: SpeechRequest) -> list[float] | None:
    """Happy, angry, sad, afraid, disgusted, melancholic, surprised, calm; None for a neutral line."""
    vector = [float(v) for v in request.emo_vector]
    if request.emotion == "neutral" or not any(vector):
        return None
    total = sum(vector)
    return [round(v * min(1.0, LOUDEST / total), 4) for v in vector]


class IndexTTS:
    """Settings: `weights` (the published checkpoints folder), `voices`
    (models/speech/reference_voices.py), `bf16`."""

    lanes = 1

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        package: Any = importlib.import_module("indextts25.infer_v2_5")
        self.version = fingerprint(settings)
        self._voices = settings["voices"]
        folder = Path(settings["weights"])
        self._model = package.IndexTTS2(
            cfg_path=str(folder / "config.yaml"),
            model_dir=str(folder),
            use_bf16=bool(settings.get("bf16", True)),
            device=device,
        )

    def render(self, request: SpeechRequest) -> Rendered:
        if not any(c.isalnum() for c in request.text):
            raise CannotMake("there is nothing to say")
        language = language_of(request, LANGUAGES)
        clip, _ = clip_for(request, self._voices, with_emotion=False)
        seed_everything(seed_of(request))
        rate, samples = self._model.infer(
            spk_audio_prompt=str(clip),
            text=request.text,
            output_path=None,
            lang=language,
            emo_vector=emotion_vector(request),
            duration_factor=min(SLOWEST, max(FASTEST, 1 / request.speed)),
        )
        return Rendered(np.asarray(samples, np.float32).reshape(1, -1) / 32768.0, rate)
