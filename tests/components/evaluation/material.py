"""Small real things to evaluate: benchmark items on painted images, a recipe, a random checkpoint in a folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from components.evaluation.images import encode
from components.recipes.recipe import Recipe, read_recipe, shipped_recipe
from components.records.benchmark import BenchmarkItem
from components.records.vocabulary import Modality, Split
from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig

SIDE = 32

SMALL = ModelConfig(
    llm=LLMConfig(
        hidden_size=32, num_layers=2, num_heads=2, num_kv_heads=1, intermediate_size=48, vocab_size=300, experts="mot"
    ),
    vit=ViTConfig(hidden_size=32, intermediate_size=48, num_heads=2, num_layers=1, patch_size=16, image_size=64),
    vae=VAEConfig(
        block_out_channels=(16,),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        latents_mean=(0.0,) * 4,
        latents_std=(1.0,) * 4,
        pixel_patch=4,
    ),
    latent_patch=2,
    max_latent_size=8,
    vit_max_patches_per_side=4,
)


def png(number: int, side: int = SIDE) -> bytes:
    """A painted image; another number, another image."""
    rng = np.random.default_rng(number)
    return encode(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


def item(number: int, **changes) -> BenchmarkItem:
    """A choice question about modality on the test split; `changes` are its fields."""
    base = BenchmarkItem(
        item_id=f"vqa/{number:03d}",
        benchmark="vqa",
        split=Split.TEST,
        task="vqa",
        question_type="modality",
        answer_type="choice",
        options=("CT", "MRI"),
        modality=Modality.CT,
        anatomy="brain",
        patient_key=f"patient-{number}",
        record_id=f"record-{number}",
        prompt_id="unimed.modality.choice@1",
        prompt="Which imaging modality is this? Options: CT; MRI.",
        reference="CT",
        image=png(number),
        reference_image=None,
    )
    return replace(base, **changes)


def drawing(number: int, **changes) -> BenchmarkItem:
    """A text-to-image item with a real image of the same kind."""
    fields = {
        "item_id": f"t2i/{number:03d}",
        "benchmark": "t2i",
        "task": "t2i",
        "question_type": "t2i",
        "answer_type": "image",
        "options": (),
        "prompt_id": "unimed.t2i@1",
        "prompt": "A CT image of the brain.",
        "reference": "",
        "image": None,
        "reference_image": png(number),
    }
    return item(number, **{**fields, **changes})


def edit(number: int, **changes) -> BenchmarkItem:
    """A super-resolution item."""
    fields = {
        "item_id": f"sr/{number:03d}",
        "benchmark": "sr",
        "task": "super_resolution",
        "question_type": "super-resolution",
        "prompt_id": "unimed.super-resolution@1",
        "prompt": "Enhance this image.",
        "image": png(1000 + number),
    }
    return drawing(number, **{**fields, **changes})


def caption(number: int, **changes) -> BenchmarkItem:
    """A caption item."""
    fields = {
        "item_id": f"caption/{number:03d}",
        "benchmark": "caption",
        "task": "caption",
        "question_type": "caption",
        "answer_type": "caption",
        "options": (),
        "prompt_id": "unimed.caption@1",
        "prompt": "Describe this image.",
        "reference": "An axial CT slice of the brain.",
    }
    return item(number, **{**fields, **changes})


def recipe() -> Recipe:
    """The shipped tiny recipe with few points to draw and few resamples."""
    read = read_recipe(shipped_recipe("tiny"))
    evaluation = replace(
        read.evaluation,
        answer_tokens=5,
        caption_tokens=6,
        batch=4,
        resamples=100,
        drawing=replace(read.evaluation.drawing, grid_points=3),
    )
    return replace(read, evaluation=evaluation, compute=replace(read.compute, threads=1))


def make_checkpoint(folder: Path) -> Path:
    """A small network with random weights, its autoencoder and a tokenizer, as training would leave them."""
    import torch

    from components.training.tokenizer import save_tokenizer, train_tokenizer
    from model.autoencoder import Autoencoder
    from model.unimedvl import UniMedVL
    from model.weights import save_checkpoint

    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(5)
    tokenizer = train_tokenizer(["A CT image of the brain.", "Which imaging modality is this?"], vocabulary=300)
    model = UniMedVL(SMALL)
    model.init_weights(generator, residual_scale=True, gen_key_equals_query=True)
    with torch.no_grad():
        # A zero output layer would draw the same whatever it is told.
        model.llm2vae.weight.normal_(0, 0.3, generator=generator)
    autoencoder = Autoencoder(SMALL.vae)
    autoencoder.init_weights(generator)
    sides = {"side": SIDE, "square": True, "vae_side": [SIDE, SIDE], "vit_side": [SIDE, SIDE]}
    save_checkpoint(folder, model, autoencoder, sides)
    save_tokenizer(tokenizer, folder)
    return folder
