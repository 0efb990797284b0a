"""Our MegaTTS3 worker on the package's real classes with random weights, in the engine's own venv:

    VENV/bin/python benchmarks/engines/drive_megatts3.py

Real: `preprocess` and `forward` of MegaTTS3DiTInfer, both text normalisers and chunkers, the 339 M diffusion
transformer, the WavVAE decoder, loudness and joining. Replaced, because random weights make no phonemes: grapheme to
phoneme, prompt alignment and the duration model. Prints what came out. Not part of the tests: it takes 4 GB and
minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402
from megatts3 import infer_cli  # noqa: E402  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
from megatts3.modules.ar_dur.commons.nar_tts_modules import LengthRegulator  # noqa: E402  # pyright: ignore[reportMissingImports]
from megatts3.modules.llm_dit.dit import Diffusion  # noqa: E402  # pyright: ignore[reportMissingImports]
from megatts3.modules.wavvae.decoder.wavvae_v3 import WavVAE_V3  # noqa: E402  # pyright: ignore[reportMissingImports]

from models.base import SpeechRequest  # noqa: E402
from models.speech.megatts3 import MegaTTS3  # noqa: E402

PROMPT_PHONES, FRAMES_A_PHONE = 20, 8  # at 100 frames a second


def phones(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randint(1, 140, (1, count)), torch.full((1, count), 3)


def build_model(self: Any, device: str) -> None:
    torch.manual_seed(0)
    infer_cli.hparams["win_size"] = 1024
    self.length_regulator = LengthRegulator()
    self.dit, self.cfg_mask_token_phone, self.cfg_mask_token_tone = Diffusion().eval(), 301, 31
    self.wavvae = WavVAE_V3({"melgan_config": {"frame_shift": 240, "use_tanh": True}}).eval()
    self.has_vae_encoder, self.vae_stride, self.hop_size = False, 4, 240
    self.dur_model = type("Durations", (), {"hparams": {}})()


def regular(self: Any, count: int) -> torch.Tensor:
    return self.length_regulator(torch.full((1, count), FRAMES_A_PHONE))


def main() -> None:
    infer_cli.MegaTTS3DiTInfer.build_model = build_model
    infer_cli.align = lambda self, wav: (*phones(PROMPT_PHONES), regular(self, PROMPT_PHONES))
    infer_cli.make_dur_prompt = lambda *_: (None, torch.ones(1, PROMPT_PHONES, dtype=torch.long))
    infer_cli.g2p = lambda self, text: phones(max(2, len(text) // 2))
    infer_cli.dur_pred = lambda self, *args, **_: regular(self, args[2].shape[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ahab").mkdir()
        (folder / "weights").mkdir()
        (folder / "weights" / "x").write_text("x")
        tone = 0.1 * np.sin(np.arange(48_000) * 0.05)
        soundfile.write(folder / "ahab" / "neutral.wav", tone, 24_000)
        latent = np.random.default_rng(0).normal(size=(1, 40, 32)).astype(np.float32)
        np.save(folder / "ahab" / "neutral.npy", latent)
        settings = {"weights": str(folder / "weights"), "voices": str(folder), "steps": 1}
        engine = MegaTTS3(settings, "cpu")
        voice = {"name": "ahab", "clips": {"neutral": {"file": "neutral", "sha256": ""}}}
        for language, text in (
            ("en", "Call me Ishmael. " * 8),  # past the package's 130 characters: two chunks, joined
            ("zh", "雨下了一整夜。"),
        ):
            request = SpeechRequest("l", text, voice, language, seed=7)
            began = time.perf_counter()
            first, again = engine.render(request), engine.render(request)
            same = np.array_equal(first.samples, again.samples)
            other = engine.render(SpeechRequest("l", text, voice, language, seed=8))
            print(
                f"{language}: {len(text)} characters, {first.samples.shape} at {first.sample_rate_hz} Hz, "
                f"peak {np.abs(first.samples).max():.3f}, same seed identical {same}, "
                f"other seed differs {not np.array_equal(first.samples, other.samples)}, "
                f"{time.perf_counter() - began:.0f} s for three"
            )


if __name__ == "__main__":
    main()
