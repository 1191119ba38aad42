"""The tiny published model and its golden tensors, for every test of model/."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.image_transform import patchify_latent, patchify_pixels
from model.objective import interpolate
from model.packed import PackedSequence, SequenceBuilder, SpecialTokens
from model.unimedvl import UniMedVL

HERE = Path(__file__).parent / "parity"
SHARED = Path(__file__).parents[3] / "shared" / "parity"

Golden = Callable[[str], Any]


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else load_file(path)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def golden() -> Golden:
    """A stored file by name: a dict of tensors, or what the json holds."""
    return lambda name: _read(HERE / name)


@pytest.fixture(scope="session")
def shared_golden() -> Golden:
    """A file that is too large for the repository; skips where the folder beside it is absent."""

    def read(name: str) -> Any:
        if not (SHARED / name).is_file():
            pytest.skip(f"../shared/parity/{name} is not there; it is too large for the repository")
        return _read(SHARED / name)

    return read


@pytest.fixture(scope="session")
def special() -> SpecialTokens:
    return SpecialTokens(start=296, end=297, image_start=298, image_end=299)


def published_tiny_config(experts: Any = "mot") -> ModelConfig:
    return ModelConfig(
        llm=LLMConfig(
            hidden_size=64,
            num_layers=3,
            num_heads=4,
            num_kv_heads=2,
            intermediate_size=128,
            vocab_size=304,
            experts=experts,
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
    )


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., ModelConfig]:
    return published_tiny_config


@pytest.fixture(scope="session")
def stem_config() -> ModelConfig:
    """Another shape than the published one: a stem of convolutions and folded pixels."""
    return ModelConfig(
        llm=LLMConfig(hidden_size=32, num_layers=2, num_heads=4, num_kv_heads=4, intermediate_size=48, vocab_size=60),
        vit=ViTConfig(
            hidden_size=24,
            intermediate_size=40,
            num_heads=3,
            num_layers=1,
            patch_size=8,
            image_size=40,
            stem=(8, 16, 24),
        ),
        vae=VAEConfig(
            block_out_channels=(16,),
            layers_per_block=1,
            latent_channels=3,
            norm_num_groups=8,
            latents_mean=(0.1, 0.2, 0.3),
            latents_std=(1.0, 2.0, 0.5),
            pixel_patch=4,
        ),
        max_latent_size=6,
        vit_max_patches_per_side=5,
    )


def initialised(config: ModelConfig) -> UniMedVL:
    """A network whose velocity head is not zero, so that everything depends on everything."""
    model = UniMedVL(config)
    generator = torch.Generator().manual_seed(5)
    model.init_weights(generator, residual_scale=False, gen_key_equals_query=False, std=0.15)
    torch.nn.init.normal_(model.llm2vae.weight, std=0.1, generator=generator)
    return model


@pytest.fixture
def stem_model(stem_config: ModelConfig) -> UniMedVL:
    return initialised(stem_config)


@pytest.fixture
def tiny_model(golden: Golden) -> UniMedVL:
    model = UniMedVL(published_tiny_config())
    model.load_state_dict(golden("mot.safetensors"))
    return model


@pytest.fixture(scope="session")
def published_packed(golden: Golden, special: SpecialTokens) -> PackedSequence:
    """The ten published samples, packed by our builder from their descriptions."""
    pixels, latents = golden("packing.safetensors"), golden("train_mot.safetensors")["padded_latent"]
    builder, used = SequenceBuilder(special, published_tiny_config()), 0
    for sample in golden("packing.json")["samples"]:
        builder.start_sample()
        for item in sample["items"]:
            if item["type"] == "text":
                builder.add_text(item["ids"], supervised=bool(item["loss"]), dropped=item["dropped"])
            elif item["type"] == "vit_image":
                image = pixels[f"vit_pixels.{item['image']}"]
                builder.add_vit(patchify_pixels(image, 14), _grid(image, 14), dropped=item["dropped"])
            else:
                grid = _grid(pixels[f"vae_pixels.{item['image']}"], 16)
                tokens = torch.zeros(grid[0] * grid[1], 64)
                if not item["dropped"]:
                    tokens = patchify_latent(latents[used][:, : 2 * grid[0], : 2 * grid[1]], 2)
                    used += 1
                builder.add_latent(tokens, grid, target=bool(item["loss"]), dropped=item["dropped"])
        builder.end_sample()
    return builder.build()


@pytest.fixture(scope="session")
def published_noisy(golden: Golden, published_packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """(noisy latents, sigma) of the published training forward."""
    train = golden("train_mot.safetensors")
    return interpolate(published_packed.latents, train["noise"], train["timesteps"]), train["timesteps"]


def _grid(image: Tensor, stride: int) -> tuple[int, int]:
    return image.shape[1] // stride, image.shape[2] // stride


@pytest.fixture
def mixed_packed(stem_config: ModelConfig, special: SpecialTokens) -> PackedSequence:
    """Five samples of different kinds and lengths for stem_model."""
    return pack_mixed(stem_config, range(5))


def pack_mixed(config: ModelConfig, which: Any) -> PackedSequence:
    """Some of the five samples. Each has its own numbers, whatever stands beside it."""
    builder = SequenceBuilder(SpecialTokens(start=56, end=57, image_start=58, image_end=59), config)
    for number in which:
        generator = torch.Generator().manual_seed(number)

        def rows(grid: tuple[int, int], width: int, generator: torch.Generator = generator) -> Tensor:
            return torch.randn(grid[0] * grid[1], width, generator=generator)

        builder.start_sample()
        if number in (1, 3):
            builder.add_latent(rows((2, 3), config.latent_dim), (2, 3), target=False)
        if number != 2:
            grid = (3, 2) if number % 2 else (2, 4)
            builder.add_vit(rows(grid, config.vit_patch_dim), grid)
        builder.add_text(list(range(number, number + 3 + 4 * number)), supervised=False)
        if number in (0, 4):
            builder.add_text([7, 8, 9 + number], supervised=True)
        if number in (1, 2, 3):
            builder.add_latent(rows((3, 2), config.latent_dim), (3, 2), target=True)
        builder.end_sample()
    return builder.build()


@pytest.fixture(scope="session")
def pack_some() -> Callable[..., PackedSequence]:
    return pack_mixed
