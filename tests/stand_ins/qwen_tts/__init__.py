import json
from pathlib import Path
from types import SimpleNamespace

from tone import RATE_HZ, tone


class Qwen3TTSModel:
    def __init__(self, model, processor, generate_defaults=None):
        self.model = model

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        assert set(kwargs) == {"device_map", "dtype"}
        config = json.loads((Path(pretrained_model_name_or_path) / "config.json").read_text())
        return cls(SimpleNamespace(tts_model_type=config["tts_model_type"]), None)

    def create_voice_clone_prompt(self, ref_audio, ref_text=None, x_vector_only_mode=False):
        assert Path(ref_audio).is_file()
        assert x_vector_only_mode == (ref_text is None)
        return [SimpleNamespace(who=ref_audio, ref_text=ref_text)]

    def generate_voice_clone(
        self,
        text,
        language=None,
        ref_audio=None,
        ref_text=None,
        x_vector_only_mode=False,
        voice_clone_prompt=None,
        non_streaming_mode=False,
        **kwargs,
    ):
        assert self.model.tts_model_type == "base"
        return self._speak(text, [p.who for p in voice_clone_prompt], language)

    def generate_voice_design(self, text, instruct, language=None, non_streaming_mode=True, **kwargs):
        assert self.model.tts_model_type == "voice_design"
        return self._speak(text, instruct, language)

    def generate_custom_voice(
        self, text, speaker, language=None, instruct=None, non_streaming_mode=True, **kwargs
    ):
        assert self.model.tts_model_type == "custom_voice"
        print(json.dumps({"speaker": speaker, "instruct": instruct, "language": language}))
        return self._speak(text, speaker, language)

    def _speak(self, texts, who, languages):
        assert set(languages) <= {"English", "Chinese"}
        return [tone(t, w) for t, w in zip(texts, who, strict=True)], RATE_HZ
