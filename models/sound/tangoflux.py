"""TangoFlux, read from its published files: text → up to 30 s of 44.1 kHz stereo (Hung et al. 2024, arXiv:2412.21037).

Our own loader on current diffusers and transformers, because the package's pins exclude everything else here.
It adds what the original lacks: masked batches in which every prompt has its own duration and seed and sounds as it
would alone, and decoding of only the latents that are heard. Steps of `sample` follow section 2 of the paper.

A folder holds `config.json`, `tangoflux.safetensors` (the FLAN-T5 encoder's weights are inside) and
`vae.safetensors`; FLAN-T5's tokenizer and configuration come from `text_encoder/` in it or from the place that
`text_encoder_name` in config.json names (a folder, or a Hub name in the local cache).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderOobleck, FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoTokenizer, T5Config, T5EncoderModel

MOST_TOKENS = 512  # FLAN-T5's own limit; some saved tokenizers forget it
# Decoded beyond the end, so that the last sample is that of a full decode: the decoder sees 3 latents in its first
# convolution, then 1 + 39 / stride of each block's input (dilations 1, 3, 9 of kernel 7): 9.9 at strides 8 8 4 4 2.
CONTEXT_LATENTS = 12


class DurationEmbedder(nn.Module):
    """Seconds → one text-sized token: learned Fourier features of seconds / longest, then a linear layer."""

    def __init__(self, size: int, longest_s: float, features: int = 256) -> None:
        super().__init__()
        self.longest_s = longest_s
        positions = nn.Module()
        positions.weights = nn.Parameter(torch.zeros(features // 2))
        self.time_positional_embedding = nn.Sequential(positions, nn.Linear(features + 1, size))

    def forward(self, seconds: Tensor) -> Tensor:
        """`(batch,)` → `(batch, 1, size)`."""
        positions, linear = self.time_positional_embedding
        share = (seconds.clamp(0, self.longest_s) / self.longest_s).to(linear.weight.dtype)[:, None]
        angles = share * positions.weights[None] * (2 * math.pi)
        return linear(torch.cat((share, angles.sin(), angles.cos()), dim=-1))[:, None]


class TangoFlux(nn.Module):
    """The whole model. Attribute names are those of the published weights, misspelling included.

    `dtype` is that of text encoder and transformer; the autoencoder stays in float32.
    """

    def __init__(self, config: dict, text: T5Config, vae: dict) -> None:
        super().__init__()
        self.latents: int = config.get("audio_seq_len", 645)
        self.channels: int = config.get("in_channels", 64)
        self.longest_s: float = config.get("max_duration", 30)
        joint = config.get("joint_attention_dim", 1024)
        self.text_encoder = T5EncoderModel(text)
        self.fc = nn.Sequential(nn.Linear(text.d_model, joint), nn.ReLU())
        self.duration_emebdder = DurationEmbedder(text.d_model, self.longest_s)
        self.transformer = FluxTransformer2DModel(
            in_channels=self.channels,
            num_layers=config.get("num_layers", 6),
            num_single_layers=config.get("num_single_layers", 18),
            attention_head_dim=config.get("attention_head_dim", 128),
            num_attention_heads=config.get("num_attention_heads", 8),
            joint_attention_dim=joint,
            pooled_projection_dim=text.d_model,
            guidance_embeds=False,
        )
        self.vae = AutoencoderOobleck(**vae)
        del self.vae.encoder  # half of its memory, and nothing is ever encoded
        self.tokenizer: Any = None

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> TangoFlux:
        """From a folder in the published layout.

        Raises:
            FileNotFoundError: a file is missing (its name is in the message).
            ValueError: the weights do not fit the configuration.
        """
        for name in ("config.json", "tangoflux.safetensors", "vae.safetensors"):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder / name} is missing")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        text_from = text_encoder_source(folder, config)
        with torch.device("meta"):  # no time and no memory for random weights that are replaced at once
            model = cls(config, T5Config.from_pretrained(text_from), vae_config(folder / "vae.safetensors"))
        weights = load_file(folder / "tangoflux.safetensors")
        shared = "text_encoder.shared.weight"
        tied = "text_encoder.encoder.embed_tokens.weight"
        weights.setdefault(tied, weights.get(shared, torch.empty(0)))  # one table, published under one name
        weights.setdefault(shared, weights[tied])
        known = model.state_dict()
        weights = {name: w.to(dtype) for name, w in weights.items() if name in known}
        weights |= {
            f"vae.{name}": w.float()
            for name, w in load_file(folder / "vae.safetensors").items()
            if name.startswith("decoder.")
        }
        absent = sorted(known.keys() - weights.keys())
        if absent:
            raise ValueError(f"{folder}: weights lack {', '.join(absent[:3])} and {len(absent)} in all")
        try:
            model.load_state_dict(weights, assign=True)
        except RuntimeError as e:
            raise ValueError(f"{folder}: weights do not fit config.json: {str(e)[:300]}") from e
        model.tokenizer = AutoTokenizer.from_pretrained(text_from)
        return model.to(device).eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        return self.fc[0].weight.device

    @property
    def sample_rate_hz(self) -> int:
        return self.vae.config.sampling_rate

    def encode(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text states for classifier-free guidance: unconditional half first.

        Returns:
            states `(2·batch, tokens, size)` and token mask `(2·batch, tokens)`, true for real tokens.
        """
        longest = min(self.tokenizer.model_max_length, MOST_TOKENS)
        asked = self.tokenizer(
            list(prompts), max_length=longest, padding=True, truncation=True, return_tensors="pt"
        )
        tokens = asked.input_ids.shape[1]
        nothing = self.tokenizer(
            [""] * len(prompts), max_length=tokens, padding="max_length", truncation=True, return_tensors="pt"
        )
        ids = torch.cat((nothing.input_ids, asked.input_ids)).to(self.device)
        mask = torch.cat((nothing.attention_mask, asked.attention_mask)).to(self.device)
        return self.text_encoder(input_ids=ids, attention_mask=mask)[0], mask.bool()

    def sample(
        self,
        prompts: Sequence[str],
        durations_s: Sequence[float],
        seeds: Sequence[int],
        steps: int,
        guidance: float,
    ) -> Tensor:
        """Latents `(batch, latents, channels)` of a batch; each item as it would be alone (within 1e-5)."""
        # 1. Text, its mean over real tokens, and the duration as one more token.
        states, real = self.encode(prompts)
        pooled = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        pooled = self.fc(pooled.to(states.dtype))
        seconds = torch.tensor(list(durations_s) * 2, dtype=torch.float32, device=self.device)
        states = torch.cat((states, self.duration_emebdder(seconds)), dim=1)

        # 2. What attention may see. Alone, a prompt sees no padding, but its unconditional twin sees its own padding
        #    up to the prompt's length: so both halves keep as many tokens as the prompt has.
        asked = real[len(prompts) :].repeat(2, 1)
        rest = torch.ones(len(asked), 1 + self.latents, dtype=torch.bool, device=self.device)
        keep = torch.cat((asked, rest), dim=1)[:, None, None, :]

        # 3. Noise on the CPU, an own generator for each item: the same on every device and in every batch.
        latents = torch.cat(
            [
                torch.randn(1, self.latents, self.channels, generator=torch.Generator().manual_seed(seed))
                for seed in seeds
            ]
        ).to(self.device)
        text_ids = torch.zeros(states.shape[1], 3, device=self.device)
        audio_ids = torch.arange(self.latents, device=self.device)[:, None].repeat(1, 3).to(text_ids.dtype)

        # 4. Rectified flow by Euler steps with classifier-free guidance.
        scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000)
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), device=self.device)
        for t in scheduler.timesteps:
            velocity = self.transformer(
                hidden_states=latents.repeat(2, 1, 1).to(states.dtype),
                encoder_hidden_states=states,
                pooled_projections=pooled,
                timestep=(t / 1000).reshape(1).to(self.device),
                txt_ids=text_ids,
                img_ids=audio_ids,
                joint_attention_kwargs={"attention_mask": keep},
                return_dict=False,
            )[0].float()
            plain, asked_for = velocity.chunk(2)
            velocity = plain + guidance * (asked_for - plain)
            latents = scheduler.step(velocity, t, latents, return_dict=False)[0]
        return latents

    def decode(self, latents: Tensor, duration_s: float) -> np.ndarray:
        """One item's latents `(latents, channels)` → float32 `(2, samples)`, decoding only what is heard."""
        samples = round(duration_s * self.sample_rate_hz)
        needed = min(len(latents), math.ceil(samples / self.vae.hop_length) + CONTEXT_LATENTS)
        wave = self.vae.decode(latents[:needed].T[None].float()).sample[0]
        return wave[:, :samples].float().cpu().numpy()

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[str],
        durations_s: Sequence[float],
        seeds: Sequence[int],
        steps: int = 50,
        guidance: float = 4.5,
    ) -> list[np.ndarray]:
        """A batch of prompts, each with a duration of its own (seconds, at most `longest_s`) and a seed of its own.

        Returns:
            float32 arrays `(2, samples)` at `sample_rate_hz`, in order.
        """
        latents = self.sample(prompts, durations_s, seeds, steps, guidance)
        return [self.decode(item, seconds) for item, seconds in zip(latents, durations_s, strict=True)]


def text_encoder_source(folder: Path, config: dict) -> str:
    """Where FLAN-T5's tokenizer and configuration are: beside the weights, in a named folder, or on the Hub."""
    if (folder / "text_encoder" / "config.json").is_file():
        return str(folder / "text_encoder")
    name = config.get("text_encoder_name", "google/flan-t5-large")
    return str(folder / name) if (folder / name / "config.json").is_file() else name


def vae_config(path: Path) -> dict:
    """AutoencoderOobleck's configuration, read off the shapes of its weights (none is published beside them)."""
    with safe_open(path, framework="np") as f:
        shape = {name: f.get_slice(name).get_shape() for name in f.keys()}  # noqa: SIM118 - no mapping
    blocks = len({name.split(".")[2] for name in shape if name.startswith("encoder.block.")})
    if not blocks:
        raise ValueError(f"{path} holds no Oobleck autoencoder")
    hidden, audio_channels, _ = shape["encoder.conv1.weight_v"]
    down = [shape[f"encoder.block.{i}.conv1.weight_v"] for i in range(blocks)]  # (out, in, 2 · stride)
    first, latent, _ = shape["decoder.conv1.weight_v"]
    multiples = [out // hidden for out, _, _ in down]
    return {
        "encoder_hidden_size": hidden,
        "downsampling_ratios": [kernel // 2 for _, _, kernel in down],
        "channel_multiples": multiples,
        "decoder_channels": first // multiples[-1],
        "decoder_input_channels": latent,
        "audio_channels": audio_channels,
        "sampling_rate": 44_100,
    }
