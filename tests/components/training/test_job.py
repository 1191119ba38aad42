"""What a checkpoint says of its images is what training read, and is read back so."""

from dataclasses import replace

import pytest

from components.inference.predictor import ImageSettings
from components.recipes.recipe import Recipe
from components.recipes.training import SideRange
from components.storage.workspace import Workspace
from components.training.job import image_settings
from components.training.stage import stage_job
from tests.components.training.conftest import context


@pytest.mark.parametrize("vit", [SideRange(min=16, max=64), SideRange(min=16, max=64, max_pixels=900)])
def test_sides_and_pixels_of_a_stage_reach_whoever_predicts(
    workspace: Workspace, recipe: Recipe, vit: SideRange
) -> None:
    stage = replace(recipe.curriculum["foundation"], vit_side=vit)
    other = replace(recipe, curriculum={**recipe.curriculum, "foundation": stage})
    stored = image_settings(stage_job(context(workspace.root, other, "foundation"), "key"))
    found = ImageSettings.of({"unimed": {"image_settings": stored}})
    assert (found.vit_side, found.vae_side) == (vit, stage.vae_side)
    assert ("vit_max_pixels" in stored) == (vit.max_pixels == 900) and "vae_max_pixels" not in stored
