import json
from pathlib import Path

import numpy as np
import torch
from tone import RATE_HZ, tone


class IndexTTS2:
    def __init__(
        self,
        cfg_path="checkpoints/config.yaml",
        model_dir="checkpoints",
        use_bf16=False,
        device=None,
        use_accel=False,
    ):
        assert Path(cfg_path).is_file()

    def infer(self, spk_audio_prompt, text, output_path, lang, **kwargs):
        assert Path(spk_audio_prompt).is_file()
        assert lang in ("en", "zh", "ja", "es")
        print(json.dumps({"emo_vector": kwargs["emo_vector"], "lang": lang}))
        wave = tone(text, spk_audio_prompt, 1 / kwargs["duration_factor"], torch.rand(997).numpy())
        return RATE_HZ, (wave * 32767).astype(np.int16)[:, None]
