"""The stored outputs of the published code, the tiny network they come from, and the batch it was trained on."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor

from model import image_transform, objective
from model.autoencoder import Autoencoder
from model.config import Experts, LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.packed import PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL

FOLDER = Path(__file__).parents[1] / "model" / "parity"
SPECIAL = SpecialTokens(start=296, end=297, image_start=298, image_end=299)


@cache
def read(name: str) -> Any:
    """A stored file: its tensors by name, or what the json holds."""
    path = FOLDER / name
    return json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else load_file(path)


def config(
    experts: Experts = "mot",
    *,
    qk_norm: bool = True,
    interpolate_positions: bool = False,
    without: Literal["vit", "vae"] | None = None,
) -> ModelConfig:
    """The stored config.json, in our form; without one side where it is named."""
    whole = ModelConfig(
        llm=LLMConfig(
            hidden_size=64,
            num_layers=3,
            num_heads=4,
            num_kv_heads=2,
            intermediate_size=128,
            vocab_size=304,
            experts=experts,
            qk_norm=qk_norm,
        ),
        vit=ViTConfig(hidden_size=48, intermediate_size=96, num_heads=3, num_layers=2, patch_size=14, image_size=112),
        vae=VAEConfig(
            block_out_channels=(32, 64, 128, 128),
            layers_per_block=2,
            latent_channels=16,
            norm_num_groups=32,
            latents_mean=(0.1159,) * 16,
            latents_std=(1 / 0.3611,) * 16,
        ),
        max_latent_size=8,
        vit_max_patches_per_side=8,
        interpolate_positions=interpolate_positions,
    )
    return replace(whole, **{without: None}) if without else whole


def network(
    experts: Experts = "mot", *, qk_norm: bool = True, without: Literal["vit", "vae"] | None = None
) -> UniMedVL:
    """The stored weights in our network; other layer types, and one without a side, take the keys that they have."""
    model = UniMedVL(config(experts, qk_norm=qk_norm, without=without))
    weights = read("mot.safetensors")
    model.load_state_dict({key: weights[key] for key in model.state_dict()})
    return model


def autoencoder() -> Autoencoder:
    """The stored autoencoder."""
    weights = read("ae.safetensors")
    made = Autoencoder(config().require_vae())
    made.load_published_state({key: value.float() for key, value in weights.items()})
    return made.eval().requires_grad_(False)


def training_batch(model_config: ModelConfig | None = None) -> PackedSequence:
    """The ten stored samples, packed by our builder from their descriptions."""
    pixels, latents = read("packing.safetensors"), read("train_mot.safetensors")["padded_latent"]
    builder, used = SequenceBuilder(SPECIAL, model_config or config()), 0
    for sample in read("packing.json")["samples"]:
        builder.start_sample()
        for item in sample["items"]:
            if item["type"] == "text":
                builder.add_text(item["ids"], supervised=bool(item["loss"]), dropped=item["dropped"])
            elif item["type"] == "vit_image":
                image = pixels[f"vit_pixels.{item['image']}"]
                patches = image_transform.patchify_pixels(image, 14)
                builder.add_vit(patches, _grid(image, 14), dropped=item["dropped"])
            else:
                rows, columns = _grid(pixels[f"vae_pixels.{item['image']}"], 16)
                tokens = torch.zeros(rows * columns, 64)
                if not item["dropped"]:
                    tokens = image_transform.patchify_latent(latents[used][:, : 2 * rows, : 2 * columns], 2)
                    used += 1
                builder.add_latent(tokens, (rows, columns), target=bool(item["loss"]), dropped=item["dropped"])
        builder.end_sample()
    return builder.build()


def video_batch() -> PackedSequence:
    """The two stored samples with a video, laid out from their descriptions; their latents are zeros."""
    builder, pixels = SequenceBuilder(SPECIAL, config()), read("packing.safetensors")
    for sample in read("packing.json")["video"]["samples"]:
        builder.start_sample()
        frames: list[Tensor] = []
        steps: list[int] = []
        for item in sample["items"]:
            if item["type"] == "text":
                builder.add_text(item["ids"], supervised=bool(item["loss"]))
                continue
            grid, target = _grid(pixels[f"vae_pixels.{item['image']}"], 16), bool(item["loss"])
            tokens = torch.zeros(grid[0] * grid[1], 64)
            if "split_end" not in item:
                builder.add_latent(tokens, grid, target=target)
                continue
            frames.append(tokens)
            steps += [item["frame_delta"]] if "frame_delta" in item else []
            if item["split_end"]:
                builder.add_frames(frames, grid, steps, target=target)
        builder.end_sample()
    return builder.build()


def noisy(packed: PackedSequence, sigma: Tensor) -> Tensor:
    """The batch's latents at these noise levels, with the stored noise: [L, latent_dim]."""
    return objective.interpolate(packed.latents, read("train_mot.safetensors")["noise"], sigma)


def _grid(image: Tensor, stride: int) -> tuple[int, int]:
    return image.shape[1] // stride, image.shape[2] // stride
