"""The published configuration files, to and from ours."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.config import FLUX_LATENT_MEAN, FLUX_LATENT_STD, Experts, LLMConfig, ModelConfig, VAEConfig, ViTConfig

LAYER_MODULES: dict[Experts, str] = {
    "dense": "Qwen2DecoderLayer",
    "moe": "Qwen2MoEDecoderLayer",
    "mot": "Qwen2MoTDecoderLayer",
}


def llm_config_json(config: LLMConfig) -> dict[str, Any]:
    """llm_config.json, in Hugging Face's Qwen2 form plus the two keys that published scripts set."""
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocab_size,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope_theta,
        "max_position_embeddings": 32768,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "tie_word_embeddings": False,
        "qk_norm": config.qk_norm,
        "layer_module": LAYER_MODULES[config.experts],
    }


def vit_config_json(config: ViTConfig) -> dict[str, Any]:
    """vit_config.json. The file counts one layer more than run: every published loader subtracts it."""
    return {
        "model_type": "siglip_vision_model",
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_attention_heads": config.num_heads,
        "num_hidden_layers": config.num_layers + 1,
        "patch_size": config.patch_size,
        "image_size": config.image_size,
        "num_channels": 3,
        "layer_norm_eps": config.layer_norm_eps,
        "hidden_act": "gelu_pytorch_tanh",
    }


def vae_config_json(config: VAEConfig) -> dict[str, Any]:
    """vae_config.json: the autoencoder's shape, and scale and shift of its latents per channel."""
    return {
        "block_out_channels": list(config.block_out_channels),
        "layers_per_block": config.layers_per_block,
        "latent_channels": config.latent_channels,
        "norm_num_groups": config.norm_num_groups,
        "latents_mean": list(config.latents_mean),
        "latents_std": list(config.latents_std),
        "pixel_patch": config.pixel_patch,
    }


def vae_config_from_json(values: Mapping[str, Any]) -> VAEConfig:
    """Inverse of vae_config_json."""
    arguments: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    return VAEConfig(**arguments)


def flux_vae_config() -> VAEConfig:
    """The published autoencoder."""
    return VAEConfig(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=16,
        norm_num_groups=32,
        latents_mean=(FLUX_LATENT_MEAN,) * 16,
        latents_std=(FLUX_LATENT_STD,) * 16,
    )


def published_model_config(directory: Path, shapes: Mapping[str, tuple[int, ...]]) -> ModelConfig:
    """The config of public weights: their json files, and what only the names and shapes of their tensors tell.

    Weights without a ViT, or without a generation side, are a network that lacks it.
    """
    llm = _read(directory / "llm_config.json")
    vae_file = directory / "vae_config.json"
    sides: dict[str, Any] = {"vit": None, "vae": None}
    if _has(shapes, "vit_model.", "connector.", "vit_pos_embed."):
        sides["vit"] = vit_config_from_json(_read(directory / "vit_config.json"))
        sides["vit_max_patches_per_side"] = _side(shapes, "vit_pos_embed.pos_embed")
    if _has(shapes, "vae2llm.", "llm2vae.", "time_embedder.", "latent_pos_embed."):
        sides["vae"] = vae_config_from_json(_read(vae_file)) if vae_file.is_file() else flux_vae_config()
        sides["max_latent_size"] = _side(shapes, "latent_pos_embed.pos_embed")
    return ModelConfig(
        llm=replace(
            llm_config_from_json(llm, qk_norm="language_model.model.layers.0.self_attn.q_norm.weight" in shapes),
            vocab_size=shapes["language_model.model.embed_tokens.weight"][0],
            experts=_experts(shapes),
        ),
        **sides,
    )


def llm_config_from_json(values: Mapping[str, Any], *, qk_norm: bool) -> LLMConfig:
    """The decoder of a Qwen2 config. Raises ValueError for scaled rotary positions."""
    return LLMConfig(
        hidden_size=values["hidden_size"],
        num_layers=values["num_hidden_layers"],
        num_heads=values["num_attention_heads"],
        num_kv_heads=values["num_key_value_heads"],
        intermediate_size=values["intermediate_size"],
        vocab_size=values["vocab_size"],
        rms_norm_eps=values["rms_norm_eps"],
        rope_theta=_rope_theta(values),
        qk_norm=qk_norm,
    )


def vit_config_from_json(values: Mapping[str, Any]) -> ViTConfig:
    """The encoder of a SigLIP vision config, which counts one layer more than run."""
    return ViTConfig(
        hidden_size=values["hidden_size"],
        intermediate_size=values["intermediate_size"],
        num_heads=values["num_attention_heads"],
        num_layers=values["num_hidden_layers"] - 1,
        patch_size=values["patch_size"],
        image_size=values["image_size"],
        layer_norm_eps=values.get("layer_norm_eps", 1e-6),
    )


def _rope_theta(values: Mapping[str, Any]) -> float:
    """The rotary base in a Qwen2 config.json, of transformers 4 or 5. Raises ValueError for scaled positions."""
    found = values.get("rope_parameters") or {
        "rope_theta": values.get("rope_theta"),
        **(values.get("rope_scaling") or {}),
    }
    kind = found.get("rope_type") or found.get("type") or "default"
    if kind != "default" or not found.get("rope_theta"):
        raise ValueError(
            f"rotary positions of type {kind!r} with base {found.get('rope_theta')} are not known; only plain ones"
        )
    return float(found["rope_theta"])


def _experts(shapes: Mapping[str, tuple[int, ...]]) -> Experts:
    if "language_model.model.layers.0.self_attn.q_proj_moe_gen.weight" in shapes:
        return "mot"
    return "moe" if "language_model.model.norm_moe_gen.weight" in shapes else "dense"


def _has(shapes: Mapping[str, tuple[int, ...]], *parts: str) -> bool:
    return any(name.startswith(parts) for name in shapes)


def _side(shapes: Mapping[str, tuple[int, ...]], key: str) -> int:
    if key not in shapes:
        raise ValueError(f"the weights have no {key}, whose side only its shape tells; take weights that are whole")
    return round(shapes[key][0] ** 0.5)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; published weights come with it")
    return json.loads(path.read_text(encoding="utf-8"))
