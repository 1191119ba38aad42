"""A few dozen conversations made by hand, a network of hidden size 32, and a workspace around them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.assembly.dataset import IMAGE_SCHEMA, Dataset, SampleIndex
from components.context import StageContext
from components.images.png import encode_png
from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.recipes.training import SideRange
from components.records.record import Provenance
from components.records.sample import Image, Piece, Sample, Text
from components.records.schema import SAMPLE_SCHEMA, SCHEMA_VERSION, sample_row
from components.records.shards import write_shards
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup
from components.storage.atomic import write_json
from components.storage.keys import generator, sha256_bytes
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from components.training.layout import Visit, sample_key
from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig

SIDE = 32
MODALITIES = (Modality.CT, Modality.MRI, Modality.ULTRASOUND)

NETWORK = ModelConfig(
    llm=LLMConfig(hidden_size=32, num_layers=1, num_heads=2, num_kv_heads=2, intermediate_size=48, vocab_size=400),
    vit=ViTConfig(hidden_size=32, intermediate_size=48, num_heads=2, num_layers=1, patch_size=8, image_size=64),
    vae=VAEConfig(
        block_out_channels=(16,),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        latents_mean=(0.0,) * 4,
        latents_std=(1.0,) * 4,
        pixel_patch=4,
    ),
    max_latent_size=8,
    vit_max_patches_per_side=8,
)


def picture(number: int) -> bytes:
    """PNG of a disc whose place and grey depend on the number."""
    draw = generator("picture", number)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre, radius = draw.uniform(8, 24, 2), draw.uniform(4, 10)
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    return encode_png(np.where(disc, 60 + 60 * (number % 3), 20).astype(np.uint8))


def image(role: ImageRole, number: int) -> Image:
    png = picture(number)
    return Image(role=role, data=png, sha256=sha256_bytes(png))


def sample(number: int, group: TaskGroup, source: str, *pieces: Piece, task: str = "vqa") -> Sample:
    return Sample(
        id=f"{source}/{group.value}-{number:02d}",
        source=source,
        group=group,
        task=task,
        modality=MODALITIES[number % 3],
        anatomy="brain",
        patient_key=f"p{number % 7}",
        split=Split.TRAIN,
        pieces=pieces,
        licence="CC0",
        provenance=Provenance(file="made-by-hand"),
    )


def conversations() -> list[Sample]:
    """36 samples: 16 questions, 8 drawings, 8 edits, 4 texts, of two sources."""
    made = []
    for n in range(16):
        turns = [Text(text="Which modality is this?"), Text(text=MODALITIES[n % 3].value, supervised=True)]
        second = [Text(text="Is this colour?"), Text(text="no", supervised=True)] if n % 2 else []
        source = "alpha" if n < 11 else "beta"
        made.append(sample(n, TaskGroup.I2T, source, image(ImageRole.UNDERSTAND, n), *turns, *second))
    for n in range(8):
        words = Text(text=f"A {MODALITIES[n % 3].value} image of the brain.")
        made.append(sample(n, TaskGroup.T2I, "alpha", words, image(ImageRole.TARGET, n), task="t2i"))
    for n in range(8):
        pieces = (image(ImageRole.CONDITION, n + 8), Text(text="Make it sharp."), image(ImageRole.TARGET, n))
        made.append(sample(n, TaskGroup.INTERLEAVED, "beta", *pieces, task="super_resolution"))
    for n in range(4):
        words = (Text(text=f"What is word {n}?"), Text(text=f"It is word {n}.", supervised=True))
        made.append(sample(n, TaskGroup.TEXT, "words", *words, task="text"))
    return sorted(made, key=lambda s: s.id)


def labelled_rows() -> list[dict[str, object]]:
    rows = []
    for n in range(16):
        png = picture(n)
        rows.append(
            {
                "id": f"alpha/image-{n:02d}",
                "source": "alpha" if n < 11 else "beta",
                "split": "train",
                "patient_key": f"p{n % 7}",
                "modality": MODALITIES[n % 3].value,
                "anatomy": "brain" if n % 2 else "chest",
                "facts": [("colour", "no"), ("plane", ("axial", "coronal", "sagittal")[n % 3])]
                + ([("organs", "liver;spleen" if n % 4 else "liver")] if n % 2 else []),
                "image": png,
                "sha256": sha256_bytes(png),
                "targets": [("grey_matter", picture(n + 20))] if n % 4 == 0 else [],
            }
        )
    return rows


def write_dataset(folder: Path, samples: list[Sample]) -> Dataset:
    """Seals samples and images as assembly does."""
    folder.mkdir(parents=True)
    parts = (
        ("samples", "train", SAMPLE_SCHEMA, [sample_row(s) for s in samples]),
        ("images", "all", IMAGE_SCHEMA, labelled_rows()),
    )
    shards = []
    for kind, split, schema, rows in parts:
        for shard in write_shards(rows, schema, folder, split, 2**26):
            facts = {name: getattr(shard, name) for name in ("file", "rows", "bytes", "md5", "sha256")}
            shards.append({"kind": kind, "split": split, **facts})
    write_json(folder / "manifest.json", {"schema": SCHEMA_VERSION, "dataset_id": "made-by-hand", "shards": shards})
    return Dataset(folder)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_dataset(tmp_path_factory.mktemp("data") / "unimed", conversations())


@pytest.fixture(scope="session")
def index(dataset: Dataset) -> SampleIndex:
    return dataset.samples("train")


def visit_of(index: SampleIndex, name: str, pass_number: int = 0) -> Visit:
    """A visit of the sample with this id."""
    return Visit(index.ids.index(name), sample_key(name), pass_number)


def small_recipe() -> Recipe:
    """The tiny recipe with a network of hidden size 32 and a handful of steps."""
    tiny = read_shipped("tiny-scratch")
    start = replace(
        tiny.start,
        vocabulary=300,
        image_side=SIDE,
        autoencoder=replace(tiny.start.autoencoder, steps=3, batch=2, crop=16),
        vision=replace(tiny.start.vision, steps=3, batch=4),
    )
    side = SideRange(min=SIDE, max=SIDE)
    stages = {
        name: replace(stage, steps=6, warmup_steps=2, vae_side=side, vit_side=side)
        for name, stage in tiny.curriculum.items()
    }
    return replace(
        tiny,
        compute=replace(tiny.compute, threads=1),
        model=NETWORK,
        start=start,
        training=replace(
            tiny.training, tokens_per_sequence=160, sequences_per_step=2, sequences_per_forward=2, save_every=2
        ),
        curriculum=stages,
    )


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return small_recipe()


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, dataset: Dataset) -> Workspace:
    """A workspace whose data set is assembled and whose stage `start` is done. Not to be written to."""
    return start_workspace(tmp_path_factory.mktemp("workspace"), recipe, dataset)


def start_workspace(root: Path, recipe: Recipe, dataset: Dataset) -> Workspace:
    """A workspace in the folder, with this data set and the stage `start` done."""
    from components.training.start import make_start

    (root / "data").mkdir()
    (root / "data" / "unimed").symlink_to(dataset.folder)
    make_start(context(root, recipe))
    return Workspace(root)


def context(root: Path, recipe: Recipe, item: str = "") -> StageContext:
    """What the door would hand to a stage."""
    progress = Progress.start(root / ".unimed" / "progress", item or "start")
    return StageContext(workspace=Workspace(root), recipe=recipe, item=item, progress=progress)


@pytest.fixture
def workspace(tmp_path: Path, started: Workspace) -> Workspace:
    """A fresh workspace with data set and start of the shared one."""
    for name in ("data", "checkpoints"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "unimed").symlink_to(started.dataset.resolve())
    (tmp_path / "checkpoints" / "start").symlink_to(started.checkpoints / "start")
    return Workspace(tmp_path)
