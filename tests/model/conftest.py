"""The tiny published model and its golden tensors, for every test of model/."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.packed import PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.parity.golden import SPECIAL, config, network, noisy, read, training_batch

Golden = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def golden() -> Golden:
    """A stored file by name: a dict of tensors, or what the json holds."""
    return read


@pytest.fixture(scope="session")
def special() -> SpecialTokens:
    return SPECIAL


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., ModelConfig]:
    return config


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
def tiny_model() -> UniMedVL:
    return network()


@pytest.fixture(scope="session")
def published_packed() -> PackedSequence:
    """The ten published samples."""
    return training_batch()


@pytest.fixture(scope="session")
def published_noisy(golden: Golden, published_packed: PackedSequence) -> tuple[Tensor, Tensor]:
    """(noisy latents, sigma) of the published training forward."""
    sigma = golden("train_mot.safetensors")["timesteps"]
    return noisy(published_packed, sigma), sigma


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
