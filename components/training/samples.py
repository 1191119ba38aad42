"""What a stage trains on: the sealed samples, how each is laid out, and their lengths."""

from components.assembly.dataset import TRAINED_ON, Dataset, SampleIndex
from components.storage.file_hashes import file_sha256
from components.storage.keys import keyed_hash
from components.training.job import StageJob
from components.training.layout import Layout, image_transforms
from components.training.lengths import Lengths, lengths_of
from components.weights.tokenizer import FILES, TextTokenizer
from model.config import ModelConfig


def stage_layout(job: StageJob, config: ModelConfig, tokenizer: TextTokenizer) -> Layout:
    """How the stage lays samples out."""
    stage, training = job.settings, job.recipe.training
    vit, vae = image_transforms(config, vit_side=stage.vit_side, vae_side=stage.vae_side)
    return Layout(
        tokenizer=tokenizer,
        vit=vit,
        vae=vae,
        vit_patch=config.require_vit().patch_size,
        latent_stride=config.latent_stride,
        dropout=training.dropout,
        noised_copies=training.noised_copies,
        seed=f"{job.recipe.seed}:{job.stage}",
    )


def stage_samples(job: StageJob, layout: Layout) -> tuple[SampleIndex, Lengths]:
    """The training samples and their lengths, counted where nobody has; raises ValueError when one does not fit."""
    dataset = Dataset(job.dataset, only=TRAINED_ON)
    index = dataset.samples("train")
    files = [(name, file_sha256(job.parent / name)) for name in FILES if (job.parent / name).is_file()]
    lengths = lengths_of(
        index,
        layout,
        job.lengths,
        dataset_id=dataset.dataset_id,
        tokenizer=keyed_hash("tokenizer", files),
        code=job.code,
    )
    lengths.check_room(job.settings.room(job.recipe.training), index)
    return index, lengths


def check_samples(job: StageJob) -> None:
    """Counts the lengths and refuses what does not fit, while no worker has begun and no GPU is held."""
    from model.weights import open_checkpoint

    config = open_checkpoint(job.parent).config
    stage_samples(job, stage_layout(job, config, TextTokenizer.load(job.parent)))
