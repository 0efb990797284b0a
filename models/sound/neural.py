"""The text-to-audio engines as the model process sees them: TangoFlux and Stable Audio 3, in batches.

Nothing heavy is imported before an engine is built: the catalog reads `fingerprint` in our own interpreter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.base import CannotMake, Rendered, SoundRequest
from models.sound import segments
from models.sound.weights import revision

ENGINE = "1"  # raise when the code below changes what is heard
PUBLISHED = ("config.json", "tangoflux.safetensors", "vae.safetensors")


class Neural:
    """What both share: requests longer than the model's own limit become segments; all go through in one batch."""

    lanes = 1
    batch = 16  # the most that is ever useful; how many come is found by measured memory
    longest_s = 30.0
    sample_rate_hz = 44_100

    def make(self, prompts: list[str], durations_s: list[float], seeds: list[int]) -> list[np.ndarray]:
        """One batch of at most `longest_s` each → float32 `(2, samples)`."""
        raise NotImplementedError

    def render_batch(self, requests: Sequence[SoundRequest]) -> list[Rendered | Exception]:
        pieces = [
            (i, length)
            for i, r in enumerate(requests)
            if r.prompt.strip()
            for length in segments.lengths(r.duration_s, self.longest_s)
        ]
        numbers: dict[int, int] = {}
        seeds = []
        for i, _ in pieces:
            numbers[i] = numbers.get(i, -1) + 1
            seeds.append(segments.seed_of(requests[i].seed, numbers[i], requests[i].attempt))
        made: list[np.ndarray] = []
        for start in range(0, len(pieces), max(1, len(requests))):  # no larger batch than was asked for
            part = pieces[start : start + max(1, len(requests))]
            made += self.make(
                [requests[i].prompt for i, _ in part],
                [length for _, length in part],
                seeds[start : start + len(part)],
            )
        whole: list[Rendered | Exception] = []
        for i, request in enumerate(requests):
            parts = [audio for (owner, _), audio in zip(pieces, made, strict=True) if owner == i]
            if not parts:
                whole.append(CannotMake(f"{request.sound or 'the sound'} has no description to make it from"))
                continue
            samples = round(request.duration_s * self.sample_rate_hz)
            whole.append(Rendered(segments.join(parts, self.sample_rate_hz, samples), self.sample_rate_hz))
        return whole


class TangoFluxEngine(Neural):
    """Settings: `weights` (a folder in the published layout), `dtype` bf16 | fp32, `steps`, `guidance`."""

    batch_by: tuple[str, ...] = ()  # every prompt has its own duration

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        from models.sound.tangoflux import TangoFlux

        self.version = fingerprint(settings)
        self._steps, self._guidance = int(settings.get("steps", 50)), float(settings.get("guidance", 4.5))
        self._model = TangoFlux.load(Path(settings["weights"]), device, _dtype(settings))
        self.longest_s, self.sample_rate_hz = self._model.longest_s, self._model.sample_rate_hz

    def make(self, prompts: list[str], durations_s: list[float], seeds: list[int]) -> list[np.ndarray]:
        return self._model.generate(prompts, durations_s, seeds, self._steps, self._guidance)


class StableAudio3Engine(Neural):
    """Stable Audio 3 through diffusers' own pipeline. Settings: `weights` (a pipeline folder), `dtype`, `steps`
    (None: the scheduler's own number), `longest_s` (small-sfx makes 120 s)."""

    batch_by: tuple[str, ...] = ("duration_s",)  # the pipeline takes one duration a batch

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        from diffusers import StableAudio3Pipeline

        self.version = fingerprint(settings)
        self._steps = settings.get("steps")
        self.longest_s = float(settings.get("longest_s", 120.0))
        self._pipeline = StableAudio3Pipeline.from_pretrained(
            settings["weights"], dtype=_dtype(settings), local_files_only=True
        ).to(device)
        self._pipeline.set_progress_bar_config(disable=True)
        self.sample_rate_hz = self._pipeline.vae.config.sampling_rate

    def make(self, prompts: list[str], durations_s: list[float], seeds: list[int]) -> list[np.ndarray]:
        import torch

        # Generators on the CPU: the same noise on every device, at every place in every batch.
        audio = self._pipeline(
            prompts,
            duration=durations_s[0],
            num_inference_steps=self._steps,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        ).audios
        return list(audio.float().cpu().numpy())


def fingerprint(settings: dict[str, Any]) -> str:
    """Version of code, weights and sampling settings; "" if the weights are not there. Loads nothing."""
    folder = Path(settings["weights"])
    if (folder / "model_index.json").is_file():
        name, files = "stable-audio-3", [str(p.relative_to(folder)) for p in folder.rglob("*.safetensors")]
        files.append("model_index.json")
    else:
        name, files = "tangoflux", list(PUBLISHED)
    weights = revision(folder, files)
    heard = {k: v for k, v in sorted(settings.items()) if k != "weights"}
    return f"{name}/{ENGINE}/{weights}/{json.dumps(heard, sort_keys=True)}" if weights else ""


def _dtype(settings: dict[str, Any]) -> Any:
    import torch

    names = {"bf16": torch.bfloat16, "fp32": torch.float32}
    chosen = settings.get("dtype", "bf16")
    if chosen not in names:
        raise ValueError(f"dtype is {chosen!r}: choose bf16 or fp32")
    return names[chosen]
