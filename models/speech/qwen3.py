"""Qwen3-TTS (Alibaba) as a model process, on the package `qwen_tts` in a venv of its own; batches natively.

Three published models, told by their own configuration: *custom voice* (nine speakers, obeys an instruction), *base*
(clones a clip) and *voice design* (makes a voice from a description; `soundbound voices design` uses it once a
character and keeps the clip). Emotion and style go in as a sentence (models/data/emotions.json).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SpeechRequest
from models.speech.cloning import clip_for, language_of, seed_everything, seed_of, weights_version

CODE = "1"  # raise when the code below changes what is heard
LANGUAGES = {
    "en": "English", "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "de": "German", "fr": "French",
    "ru": "Russian", "pt": "Portuguese", "es": "Spanish", "it": "Italian",
}  # fmt: skip


def fingerprint(settings: dict[str, Any]) -> str:
    return weights_version("qwen3-tts", CODE, Path(settings["weights"]), settings)


class Qwen3TTS:
    """Settings: `weights` (a published model's folder), `voices` (clips, for *base*), `dtype` bf16 | fp32,
    `batch`, `sample`.

    Without sampling (the default) a line does not depend on the others of its batch nor on a seed: what the content
    addressing of takes needs. With `sample = true` lines go one by one, each under its own seed.
    """

    lanes = 1
    batch_by: tuple[str, ...] = ("language",)

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        import torch

        package: Any = importlib.import_module("qwen_tts")

        self.version = fingerprint(settings)
        self._voices = settings.get("voices", "")
        self._sample = bool(settings.get("sample", False))
        self.batch = 1 if self._sample else int(settings.get("batch", 16))
        dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[settings.get("dtype", "bf16")]
        self._model = package.Qwen3TTSModel.from_pretrained(
            settings["weights"], device_map=device, dtype=dtype
        )
        self._kind = self._model.model.tts_model_type  # custom_voice | base | voice_design
        self._prompts: dict[Path, Any] = {}

    def render_batch(self, requests: Sequence[SpeechRequest]) -> list[Rendered | Exception]:
        results: list[Rendered | Exception | None] = [None] * len(requests)
        good = []
        for i, request in enumerate(requests):
            try:
                good.append((i, self._arguments(request)))
            except CannotMake as e:
                results[i] = e
        if good:
            seed_everything(seed_of(requests[good[0][0]]))
            call = {
                "custom_voice": self._model.generate_custom_voice,
                "voice_design": self._model.generate_voice_design,
                "base": self._model.generate_voice_clone,
            }[self._kind]
            columns = {key: [arguments[key] for _, arguments in good] for key in good[0][1]}
            wavs, rate = call(**columns, do_sample=self._sample, subtalker_dosample=self._sample)
            for (i, _), wav in zip(good, wavs, strict=True):
                results[i] = Rendered(np.asarray(wav, np.float32).reshape(1, -1), rate)
        return [r if r is not None else RuntimeError("the model returned nothing") for r in results]

    def _arguments(self, request: SpeechRequest) -> dict[str, Any]:
        """One line's arguments for the model's kind."""
        if not request.text.strip():
            raise CannotMake("there is nothing to say")
        told = {"text": request.text, "language": language_of(request, LANGUAGES)}
        if self._kind == "custom_voice":
            speaker = request.voice.get("speaker")
            if not speaker:
                raise CannotMake("the voice names no speaker of this model")
            return {**told, "speaker": speaker, "instruct": request.instruct}
        if self._kind == "voice_design":
            described = " ".join(filter(None, [request.voice.get("description", ""), request.instruct]))
            return {**told, "instruct": described}
        clip, _ = clip_for(request, self._voices)
        return {**told, "voice_clone_prompt": self._prompt(clip)}

    def _prompt(self, clip: Path) -> Any:
        if clip not in self._prompts:
            words = clip.with_suffix(".txt")
            said = words.read_text(encoding="utf-8").strip() if words.is_file() else None
            self._prompts[clip] = self._model.create_voice_clone_prompt(
                ref_audio=str(clip), ref_text=said, x_vector_only_mode=said is None
            )[0]
        return self._prompts[clip]
