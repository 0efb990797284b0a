"""Tiny random-weight checkpoints in the published layouts of the neural engines: real code runs on them in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderOobleck
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import Unigram
from transformers import T5Config, T5TokenizerFast

from models.sound.tangoflux import TangoFlux

SENTENCES = (
    "heavy rain falls on a roof while thunder rumbles in the background",
    "a door creaks open slowly followed by footsteps on gravel",
    "waves break on a rocky shore as the wind blows",
)
VAE = {"encoder_hidden_size": 2, "channel_multiples": [1, 1, 2, 2, 4], "decoder_channels": 2}


def t5_folder(folder: Path, size: int = 32) -> T5Config:
    """A FLAN-T5 tokenizer and configuration (gated GELU, untied head) with a vocabulary of a few sentences."""
    tokenizer = Tokenizer(Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    fast = T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, model_max_length=512)
    fast.save_pretrained(folder)
    config = T5Config(
        vocab_size=len(fast),
        d_model=size,
        d_kv=8,
        d_ff=2 * size,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    config.save_pretrained(folder)
    return config


def tangoflux_folder(folder: Path, seed: int = 0, latents: int = 129, longest_s: int = 6) -> Path:
    """TangoFlux as published, each part as small as its code allows (the rotary axes fix 128 to a head); of 6 s
    instead of 30 (645 latents)."""
    folder.mkdir(parents=True, exist_ok=True)
    text = t5_folder(folder / "flan-t5-tiny")
    config = {
        "num_layers": 1,
        "num_single_layers": 1,
        "in_channels": 64,
        "attention_head_dim": 128,
        "joint_attention_dim": text.d_model,
        "num_attention_heads": 1,
        "audio_seq_len": latents,
        "max_duration": longest_s,
        "uncondition": False,
        "text_encoder_name": "flan-t5-tiny",
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = TangoFlux(config, text, VAE)
    for parameter in model.duration_emebdder.time_positional_embedding[0].parameters():
        torch.nn.init.normal_(parameter)
    vae = AutoencoderOobleck(**VAE)
    weights = {k: v.contiguous().clone() for k, v in model.state_dict().items() if not k.startswith("vae.")}
    weights.pop("text_encoder.encoder.embed_tokens.weight")  # the published file holds the shared table only
    save_file(weights, folder / "tangoflux.safetensors")
    save_file({k: v.contiguous() for k, v in vae.state_dict().items()}, folder / "vae.safetensors")
    return folder


def stable_audio_folder(folder: Path, seed: int = 0) -> Path:
    """A Stable Audio 3 pipeline folder as diffusers saves it."""
    from diffusers import AutoencoderSAME, FlowMatchEulerDiscreteScheduler, StableAudio3Pipeline
    from diffusers.models.transformers.transformer_stable_audio3 import StableAudio3DiTModel
    from diffusers.pipelines.stable_audio_3.modeling_stable_audio_3 import StableAudio3DurationEmbedder
    from transformers import GemmaTokenizerFast, T5GemmaConfig, T5GemmaEncoderModel, T5GemmaModuleConfig

    torch.manual_seed(seed)
    size = 32
    tokenizer = Tokenizer(Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    tokenizer.train_from_iterator(
        SENTENCES * 3, trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    )
    fast = GemmaTokenizerFast(tokenizer_object=tokenizer, model_max_length=128)
    module = T5GemmaModuleConfig(
        vocab_size=len(fast),
        hidden_size=size,
        intermediate_size=2 * size,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
    )
    text = T5GemmaEncoderModel(T5GemmaConfig(encoder=module, decoder=module, is_encoder_decoder=False))
    pipeline = StableAudio3Pipeline(
        vae=AutoencoderSAME(
            encoder_channels=16,
            encoder_c_mults=[2],
            encoder_transformer_depths=[1],
            latent_dim=16,
            dim_heads=16,
        ),
        text_encoder=text.eval(),
        tokenizer=fast,
        duration_embedder=StableAudio3DurationEmbedder(output_dim=size),
        transformer=StableAudio3DiTModel(
            io_channels=16,
            embed_dim=32,
            depth=1,
            num_heads=2,
            cond_token_dim=size,
            global_cond_dim=size,
            local_add_cond_dim=17,
            num_memory_tokens=4,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(stochastic_sampling=True),
    )
    for module in (pipeline.transformer, pipeline.vae):
        for parameter in module.parameters():
            if not parameter.any():  # layers that begin as zero would hide everything before them
                torch.nn.init.normal_(parameter, std=0.2)
    pipeline.save_pretrained(folder)
    return folder
