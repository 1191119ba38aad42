"""Latents that were kept are taken by whoever would compute the same bits, and by nobody else."""

from dataclasses import replace

import pytest
import torch

from components.assembly.dataset import SampleIndex
from components.context import StageContext
from components.recipes.recipe import Recipe
from components.recipes.training import SideRange
from components.records.sample import Image
from components.storage.workspace import Workspace
from components.training.job import StageJob, latents_name
from components.training.latents import LatentImage, LatentStore, machine_of
from components.training.layout import image_transforms
from components.training.pixels import PixelStore
from components.training.stage import run_key, stage_job
from model.weights import load_autoencoder
from tests.components.training.conftest import context

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def job(workspace: Workspace, recipe: Recipe) -> StageJob:
    ctx: StageContext = context(workspace.root, recipe, "foundation")
    return stage_job(ctx, run_key(ctx))


def encoded(job: StageJob, index: SampleIndex, device: torch.device = CPU) -> int:
    """How many of two images the autoencoder is asked for, with what was kept; and all of it is kept."""
    autoencoder, stage, asked = load_autoencoder(job.parent, CPU), job.settings, []
    _, vae = image_transforms(job.recipe.model, vit_side=stage.vit_side, vae_side=stage.vae_side)
    store = LatentStore(autoencoder, vae, PixelStore(), name=latents_name(job, machine_of(device)))
    encode = autoencoder.encode
    autoencoder.encode = lambda pixels: asked.append(pixels) or encode(pixels)  # type: ignore[method-assign]
    pieces = [piece for number in range(len(index)) for piece in index.read(number).pieces if isinstance(piece, Image)]
    store.recall(job.latents)
    store.moments([LatentImage(piece) for piece in {piece.sha256: piece for piece in pieces}.values()][:2])
    store.keep(job.latents)
    return len(asked)


def test_unchanged_latents_are_made_once(job: StageJob, index: SampleIndex) -> None:
    assert [encoded(job, index) for _ in range(3)] == [2, 0, 0]


@pytest.mark.parametrize("changed", ["code", "torch", "level", "device", "gpu", "threads", "sides"])
def test_latents_are_made_anew_by_other_code_torch_device_level_threads_or_sides(
    job: StageJob, index: SampleIndex, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no GPU here: its name is put in its place, and the CPU encodes."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA A")
    device, other, now = GPU if changed == "gpu" else CPU, job, GPU if changed in ("gpu", "device") else CPU
    assert encoded(job, index, device) == 2
    stage = job.settings
    if changed == "code":
        other = replace(job, code="other")
    elif changed == "torch":
        monkeypatch.setattr(torch, "__version__", "2.13.1")
    elif changed == "level":
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "OTHER")
    elif changed == "gpu":
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA B")
    elif changed == "threads":
        other = replace(job, recipe=replace(job.recipe, compute=replace(job.recipe.compute, threads=2)))
    elif changed == "sides":
        smaller = replace(stage, vae_side=SideRange(min=16, max=32, max_pixels=600))
        other = replace(job, recipe=replace(job.recipe, curriculum={**job.recipe.curriculum, job.stage: smaller}))
    assert [encoded(other, index, now) for _ in range(2)] == [2, 0]
