"""What a curriculum stage works on: its numbers, its inputs, and where its results go."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage
from components.storage.file_hashes import file_sha256
from components.storage.keys import keyed_hash
from components.storage.object_store import ObjectStore
from model.config import MAX_PIXELS
from model.weights import AUTOENCODER_FILE


@dataclass(frozen=True, kw_only=True, slots=True)
class StageJob:
    """What a curriculum stage works on; all paths absolute."""

    recipe: Recipe
    stage: str
    dataset: Path
    parent: Path
    checkpoint: Path
    """Where the finished checkpoint goes."""
    losses: Path
    """Where the loss rows go."""
    states: Path
    """Folder of this run's training states."""
    latents: Path
    """Folder of encoded latents, shared by the stages."""
    lengths: Path
    """Folder of the columns of token lengths, shared by the stages."""
    code: str
    """Hash of the code that trains."""
    bucket: ObjectStore | None = None
    """Where the ranks leave each other the training states, where they do not all see `states`."""

    @property
    def settings(self) -> CurriculumStage:
        return self.recipe.curriculum[self.stage]


def image_settings(job: StageJob) -> dict[str, Any]:
    """What a checkpoint says of its images: how they were stored and which sides the network was shown."""
    recipe, stage = job.recipe, job.settings
    sides = {"vae": stage.vae_side, "vit": stage.vit_side}
    # The published number is left out, as in every checkpoint before there was another.
    pixels = {f"{of}_max_pixels": side.max_pixels for of, side in sides.items() if side.max_pixels != MAX_PIXELS}
    return pixels | {
        "side": recipe.assembly.image_side,
        "square": recipe.assembly.square,
        "vae_side": [stage.vae_side.min, stage.vae_side.max],
        "vit_side": [stage.vit_side.min, stage.vit_side.max],
    }


def latents_name(job: StageJob, machine: str) -> str:
    """The name under which latents are kept: of all that moves their bits. `machine` says what computes them and how."""
    path = job.parent / AUTOENCODER_FILE
    weights = file_sha256(path) if path.is_file() else file_sha256(job.parent / "ema.safetensors")
    side = asdict(job.settings.vae_side)
    return keyed_hash("latents", weights, sorted(side.items()), job.recipe.compute.threads, job.code, machine)
