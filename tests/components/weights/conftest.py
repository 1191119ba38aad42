"""Tiny folders of the three public networks, made with the real classes, and of a published checkpoint."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from components.weights.tokenizer import TextTokenizer, save_tokenizer, train_tokenizer
from model.autoencoder import Autoencoder
from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.unimedvl import UniMedVL
from model.weights import save_checkpoint

PUBLISHED_FORM = ModelConfig(
    llm=LLMConfig(hidden_size=32, num_layers=2, num_heads=4, num_kv_heads=2, intermediate_size=48, vocab_size=320),
    vit=ViTConfig(hidden_size=24, intermediate_size=40, num_heads=3, num_layers=2, patch_size=14, image_size=70),
    vae=VAEConfig(
        block_out_channels=(8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        latents_mean=(0.1,) * 4,
        latents_std=(2.0,) * 4,
    ),
    max_latent_size=6,
    vit_max_patches_per_side=5,
)
PADDED_VOCABULARY = 330


@pytest.fixture(scope="session")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(["A CT image of the brain.", "Which imaging modality is this?"], vocabulary=300)


@pytest.fixture
def published(tmp_path: Path, tokenizer: TextTokenizer) -> Path:
    """A checkpoint as public code would leave it: no config of ours, the tokenizer in Qwen2's slow files."""
    model = UniMedVL(PUBLISHED_FORM)
    generator = torch.Generator().manual_seed(1)
    model.init_weights(generator, residual_scale=False, gen_key_equals_query=False)
    autoencoder = Autoencoder(PUBLISHED_FORM.vae)
    autoencoder.init_weights(generator)
    folder = tmp_path / "published"
    folder.mkdir()
    save_checkpoint(folder, model.to(torch.bfloat16), autoencoder, {})
    save_tokenizer(tokenizer, folder)
    (folder / "config.json").unlink()
    (folder / "tokenizer.json").unlink()
    return folder


@pytest.fixture(scope="session")
def qwen2(tmp_path_factory: pytest.TempPathFactory, tokenizer: TextTokenizer) -> Path:
    return make_qwen2(tmp_path_factory.mktemp("qwen2"), tokenizer)


def make_qwen2(folder: Path, tokenizer: TextTokenizer, **changes: Any) -> Path:
    """Random weights of a small Qwen2ForCausalLM, and a tokenizer whose vocabulary is padded as Qwen2.5's is."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(3)
    config = Qwen2Config(
        vocab_size=PADDED_VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        rope_parameters={"rope_theta": 5000.0, "rope_type": "default"},
        **changes,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder, max_shard_size="30KB")
    save_tokenizer(tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    folder = tmp_path_factory.mktemp("siglip")
    torch.manual_seed(4)
    model = SiglipVisionModel(
        SiglipVisionConfig(
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=3,
            num_attention_heads=3,
            image_size=70,
            patch_size=14,
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def flux_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    folder = tmp_path_factory.mktemp("vae")
    torch.manual_seed(5)
    blocks: dict[str, Any] = {
        "block_out_channels": (8, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
    }
    AutoencoderKL(
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
        **blocks,
    ).save_pretrained(folder)
    return folder


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
