"""Small real things to evaluate: benchmark items on painted images, a recipe, a random checkpoint in a folder."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from components.assembly.benchmark.item import item_hash
from components.assembly.dataset import IMAGE_SCHEMA, LabelledImage
from components.evaluation.images import encode
from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.records.benchmark import BenchmarkItem
from components.records.schema import BENCHMARK_SCHEMA, SCHEMA_VERSION, benchmark_row
from components.records.shards import write_shards
from components.records.vocabulary import Modality, Split
from components.storage.atomic import write_json
from components.storage.keys import keyed_hash, sha256_bytes
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
        prompt="Which imaging modality is this? Options:\nCT\nMRI",
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
        "question_type": "sr",
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
    read = read_shipped("tiny-scratch")
    evaluation = replace(
        read.evaluation,
        answer_tokens=5,
        caption_tokens=6,
        batch=4,
        resamples=100,
        drawing=replace(read.evaluation.drawing, grid_points=3),
        judge=replace(read.evaluation.judge, steps=12, batch=8),
        min_items=4,
    )
    return replace(read, evaluation=evaluation, compute=replace(read.compute, threads=1))


def make_checkpoint(folder: Path) -> Path:
    """A small network with random weights, its autoencoder and a tokenizer, as training would leave them."""
    import torch

    from components.weights.tokenizer import save_tokenizer, train_tokenizer
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


def labelled(number: int, modality: Modality, split: Split, **changes) -> LabelledImage:
    """A stored image whose colour follows its modality, so that a judge can learn it in a few steps."""
    rng = np.random.default_rng(number)
    level = {Modality.CT: (200, 60, 60), Modality.MRI: (60, 60, 200)}[modality]
    pixels = np.clip(rng.normal(level, 12, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    stored = encode(pixels)
    base = LabelledImage(
        id=f"record-{number}",
        source="painted",
        split=split,
        patient_key=f"patient-{number}",
        modality=modality,
        anatomy="brain",
        facts={"plane": "axial"} | ({"hospital": "centre A"} if number == 1 else {}),
        image=stored,
        sha256=sha256_bytes(stored),
        targets={},
    )
    return replace(base, **changes)


def benchmark() -> list[BenchmarkItem]:
    """The validation side of two modalities, four patients each: questions, captions, drawings and super-resolution."""
    items = []
    for number in range(8):
        modality = (Modality.CT, Modality.MRI)[number % 2]
        image = labelled(number, modality, Split.VAL).image
        shared = {"modality": modality, "reference": modality.value, "image": image}
        items.append(item(number, **shared))
        asks = {"answer_type": "closed", "options": ("yes", "no"), "prompt": "Is the imaging modality CT?"}
        answer = "yes" if modality is Modality.CT else "no"
        items.append(item(number, item_id=f"closed/{number}", **{**shared, **asks, "reference": answer}))
        asks = {"answer_type": "open", "options": (), "prompt": "Which imaging modality is this?"}
        items.append(item(number, item_id=f"open/{number}", **{**shared, **asks}))
        words = f"An axial {modality.value} slice of the brain."
        items.append(caption(number, modality=modality, image=image, reference=words))
        items.append(drawing(number, modality=modality, prompt=words, reference_image=image))
        if number < 4:
            items.append(edit(number, modality=modality, reference_image=image))
    return [replace(one, split=Split.VAL) for one in items]


def make_dataset(folder: Path, items: Sequence[BenchmarkItem]) -> Path:
    """A sealed data set of the items, with painted training and validation images."""
    folder.mkdir(parents=True, exist_ok=True)
    splits = [Split.TRAIN] * 24 + [Split.VAL] * 8
    numbers = [*range(100, 124), *range(8)]
    images = [
        labelled(number, (Modality.CT, Modality.MRI)[number % 2], split)
        for number, split in zip(numbers, splits, strict=True)
    ]
    rows = [
        {**{name: getattr(image, name) for name in IMAGE_SCHEMA.names}, "facts": sorted(image.facts.items())}
        | {"split": image.split.value, "modality": image.modality.value, "targets": sorted(image.targets.items())}
        for image in images
    ]
    sealed = [
        ("images", "all", write_shards(rows, IMAGE_SCHEMA, folder, "images", 2**24)),
        (
            "benchmark",
            "benchmark",
            write_shards([benchmark_row(one) for one in items], BENCHMARK_SCHEMA, folder, "benchmark", 2**24),
        ),
    ]
    parts: dict[str, list[str]] = {}
    for one in items:
        parts.setdefault(f"{one.benchmark}/{one.split.value}", []).append(item_hash(one))
    manifest = {
        "schema": SCHEMA_VERSION,
        "dataset_id": keyed_hash(*sorted(one.item_id for one in items)),
        "shards": [{**asdict(s), "kind": kind, "split": split} for kind, split, shards in sealed for s in shards],
        "benchmark": {
            "id": keyed_hash(*sorted(map(item_hash, items))),
            "parts": {name: keyed_hash(*sorted(found)) for name, found in sorted(parts.items())},
            "not_testable": [
                {"question_type": "level", "form": "choice", "split": "val", "reason": "no held-out image with it"}
            ],
        },
    }
    write_json(folder / "manifest.json", manifest)
    return folder
