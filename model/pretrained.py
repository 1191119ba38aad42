"""A start made of three public networks in Hugging Face's folders: Qwen2.5, SigLIP and FLUX's autoencoder.

Nothing is read here but configs and headers. The gen expert is a copy of the und expert, what joins the three is new.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.autoencoder import published_names
from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.initialise import GEN, initialise_joints, joints, und_twin
from model.published import flux_vae_config, llm_config_from_json, vae_config_from_json, vit_config_from_json
from model.tensor_files import LazyTensor, check_fit, lazy, open_tensors, weight_files
from model.unimedvl import UniMedVL
from model.weights import Checkpoint

HF_FILES = ("model.safetensors",)
VAE_FILES = ("ae.safetensors", "diffusion_pytorch_model.safetensors")
NEW_ROW_STD = 0.02
_LLM, _VIT = "language_model.", "vit_model.vision_model."
_UNUSED_BY_VIT = ("head.", "text_model.", "logit_scale", "logit_bias")


def open_qwen2(directory: Path, *, qk_norm: bool) -> tuple[LLMConfig, dict[str, LazyTensor]]:
    """Config of the decoder and Qwen2's tensors under our names; tied embeddings become a head of its own."""
    values = _read(directory / "config.json")
    _expect(directory, values, model_type="qwen2", hidden_act="silu", use_sliding_window=False)
    config = llm_config_from_json(values, qk_norm=qk_norm)
    tensors = {_LLM + name: tensor for name, tensor in open_tensors(weight_files(directory, HF_FILES)).items()}
    if values.get("tie_word_embeddings") and f"{_LLM}model.embed_tokens.weight" in tensors:
        tensors.setdefault(f"{_LLM}lm_head.weight", tensors[f"{_LLM}model.embed_tokens.weight"])
    return config, tensors


def open_siglip(directory: Path) -> tuple[ViTConfig, dict[str, LazyTensor]]:
    """Config of the encoder and SigLIP's tensors under our names, its convolution as a linear map of patches.

    The pooling head and the last layer are left out, as in the published network.
    """
    whole = _read(directory / "config.json")
    values = whole.get("vision_config", whole)
    _expect(directory, values, hidden_act="gelu_pytorch_tanh", num_channels=3)
    config = vit_config_from_json(values)
    unused = (*_UNUSED_BY_VIT, f"encoder.layers.{config.num_layers}.")
    stored = open_tensors(weight_files(directory, HF_FILES))
    tensors = {name.removeprefix("vision_model."): tensor for name, tensor in stored.items()}
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(unused)}
    kernel = tensors.get("embeddings.patch_embedding.weight")
    if kernel is not None and len(kernel.shape) == 4:
        rows, *rest = kernel.shape
        tensors["embeddings.patch_embedding.weight"] = kernel.changed((rows, torch.Size(rest).numel()), linear_patches)
    return config, {_VIT + name: tensor for name, tensor in tensors.items()}


def linear_patches(kernel: Tensor) -> Tensor:
    """A convolution whose stride is its size [D, 3, p, p] as a map of flat patches (row, column, channel) [D, p p 3]."""
    return kernel.permute(0, 2, 3, 1).flatten(1)


def open_flux_vae(directory: Path) -> tuple[VAEConfig, dict[str, LazyTensor]]:
    """Config and tensors, under FLUX's names, of ae.safetensors or of diffusers' folder of an AutoencoderKL."""
    files = weight_files(directory, VAE_FILES)
    tensors = open_tensors(files)
    if files[0].name == VAE_FILES[0]:
        own = directory / "vae_config.json"
        return vae_config_from_json(_read(own)) if own.is_file() else flux_vae_config(), tensors
    values = _read(directory / "config.json")
    _expect(directory, values, use_quant_conv=False, use_post_quant_conv=False, act_fn="silu", in_channels=3)
    channels = values["latent_channels"]
    config = VAEConfig(
        block_out_channels=tuple(values["block_out_channels"]),
        layers_per_block=values["layers_per_block"],
        latent_channels=channels,
        norm_num_groups=values["norm_num_groups"],
        latents_mean=(values.get("shift_factor") or 0.0,) * channels,
        latents_std=(1 / values["scaling_factor"],) * channels,
    )
    names = published_names(list(tensors), len(config.block_out_channels))
    return config, {names[key]: _as_convolution(key, tensor) for key, tensor in tensors.items()}


def compose(
    llm: tuple[LLMConfig, Mapping[str, LazyTensor]],
    vit: tuple[ViTConfig, Mapping[str, LazyTensor]],
    vae: tuple[VAEConfig, Mapping[str, LazyTensor]],
    *,
    vocab_size: int,
    max_latent_size: int,
    generator: torch.Generator,
) -> Checkpoint:
    """The whole start: the three networks, a gen expert that equals its und twin, and new joints from generator.

    Embedding and head get exactly vocab_size rows. Raises ValueError that lists every tensor that is missing, left over or
    of another shape.
    """
    config = ModelConfig(
        llm=replace(llm[0], vocab_size=vocab_size),
        vit=vit[0],
        vae=vae[0],
        max_latent_size=max_latent_size,
        vit_max_patches_per_side=vit[0].patches_per_side,
    )
    with torch.device("meta"):
        model = UniMedVL(config)
    expected = model.state_dict()
    tensors = {**llm[1], **vit[1]}
    for name in (f"{_LLM}model.embed_tokens.weight", f"{_LLM}lm_head.weight"):
        if name in tensors:
            tensors[name] = _with_rows(tensors[name], vocab_size, generator)
    for part in joints(model).values():
        part.to_empty(device="cpu")
    initialise_joints(model, generator)
    tensors |= lazy(
        {f"{name}.{key}": value for name, part in joints(model).items() for key, value in part.state_dict().items()}
    )
    tensors |= {
        name: LazyTensor.of(torch.ones(value.shape))
        for name, value in expected.items()
        if re.search(r"\.[qk]_norm\.", name)
    }
    twins = {name: und_twin(name) for name in expected if GEN in name}
    tensors |= {name: tensors[twin] for name, twin in twins.items() if twin in tensors}
    check_fit(tensors, expected, "the tensors of the three folders")
    start = Checkpoint(config=config, network={name: tensors[name] for name in expected}, autoencoder=vae[1])
    start.check()
    return start


def _with_rows(table: LazyTensor, rows: int, generator: torch.Generator) -> LazyTensor:
    """The table with exactly so many rows: cut, or grown by rows drawn as Qwen2 draws its first ones."""
    old, width = table.shape
    if rows <= old:
        return table.changed((rows, width), lambda values: values[:rows])
    new = torch.randn((rows - old, width), generator=generator) * NEW_ROW_STD
    return table.changed((rows, width), lambda values: torch.cat([values, new.to(values.dtype)]))


def _as_convolution(key: str, tensor: LazyTensor) -> LazyTensor:
    if ".attentions." in key and len(tensor.shape) == 2:
        return tensor.changed((*tensor.shape, 1, 1), lambda values: values[:, :, None, None])
    return tensor


def _expect(directory: Path, values: Mapping[str, Any], **wanted: object) -> None:
    """Raises ValueError for each value of a config that this network does not have; an absent one is fine."""
    other = [
        f"{name} is {values[name]!r}, not {value!r}"
        for name, value in wanted.items()
        if values.get(name, value) != value
    ]
    if other:
        raise ValueError(f"{directory / 'config.json'} describes another kind of network: " + "; ".join(other))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a folder of Hugging Face has it beside the weights")
    return json.loads(path.read_text(encoding="utf-8"))
