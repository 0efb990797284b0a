import io
import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from tone import RATE_HZ, tone


def classify_language(text):
    raise AssertionError("the worker has to tell the language")


class Meter:
    """Like pyloudnorm's: nothing shorter than its block."""

    rate, block_size = RATE_HZ, 0.4

    def integrated_loudness(self, samples):
        if len(samples) < self.block_size * self.rate:
            raise ValueError("Audio must have length greater than the block size.")
        return float(np.sqrt(np.mean(samples**2)))


class MegaTTS3DiTInfer:
    def __init__(
        self,
        device=None,
        ckpt_root="./checkpoints",
        dit_exp_name="diffusion_transformer",
        frontend_exp_name="aligner_lm",
        wavvae_exp_name="wavvae",
        dur_ckpt_path="duration_lm",
        g2p_exp_name="g2p",
        precision=torch.float16,
        **kwargs,
    ):
        assert Path(ckpt_root).is_dir()
        self.loudness_prompt = None
        self.loudness_meter = Meter()

    def preprocess(self, audio_bytes, latent_file=None, topk_dur=1, **kwargs):
        samples, _ = soundfile.read(io.BytesIO(audio_bytes), dtype="float32")
        assert latent_file is not None, "Please provide latent_file in WaveVAE decoder-only mode"
        self.loudness_prompt = self.loudness_meter.integrated_loudness(samples)
        torch.rand(1)  # making a prompt may draw random numbers: they must not change the line after it
        return {"latent": np.load(latent_file), "who": str(round(float(np.abs(samples).sum()), 2))}

    def forward(
        self, resource_context, input_text, time_step, p_w, t_w, dur_disturb=0.1, dur_alpha=1.0, **kwargs
    ):
        language = classify_language(input_text)
        assert language in ("en", "zh-cn")
        print(json.dumps({"p_w": p_w, "t_w": t_w, "language": language, "steps": time_step}))
        wave = tone(input_text, resource_context["who"], 1 / dur_alpha, torch.rand(997).numpy())
        wave *= self.loudness_prompt / self.loudness_meter.integrated_loudness(wave)
        out = io.BytesIO()
        soundfile.write(out, np.clip(wave, -1, 1), RATE_HZ, format="WAV")
        return out.getvalue()
