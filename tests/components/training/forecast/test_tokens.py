"""Tokens of usual samples, counted by hand."""

from dataclasses import replace

import pytest

from components.recipes.recipe import Recipe
from components.recipes.training import SideRange
from components.training.forecast.tokens import TEXT_TOKENS, Tokens, largest_sample, typical_forward, typical_samples


@pytest.fixture
def wide(recipe: Recipe) -> Recipe:
    """Patches of 8 pixels; latent tokens of 16 = pixel_patch 4, no halving, latent_patch 2: 8. Sides of 32 to 64."""
    stage = replace(
        recipe.curriculum["foundation"],
        vit_side=SideRange(min=32, max=64),
        vae_side=SideRange(min=16, max=32),
        mixture={"text": 1, "t2i": 1, "i2t": 2, "interleaved": 0},
    )
    training = replace(recipe.training, noised_copies=2, tokens_per_sequence=1000, sequences_per_forward=3)
    return replace(recipe, curriculum={"foundation": stage}, training=training)


def test_a_usual_sample_has_images_halfway_between_the_sides(wide: Recipe) -> None:
    found = typical_samples(wide, wide.curriculum["foundation"])
    vit, latent = 6 * 6, 3 * 3
    assert found["i2t"] == Tokens(2 * TEXT_TOKENS, TEXT_TOKENS, vit, 0, 0)
    assert found["t2i"] == Tokens(TEXT_TOKENS, 0, 0, 2 * latent, 2 * latent)
    assert found["interleaved"] == Tokens(2 * TEXT_TOKENS, TEXT_TOKENS, vit, 3 * latent, 2 * latent)
    assert largest_sample(wide, wide.curriculum["foundation"]) == 2 * TEXT_TOKENS + 8 * 8 + 3 * 4 * 4


def test_a_forward_fills_the_room_in_the_shares_of_the_mixture(wide: Recipe) -> None:
    samples = {
        "text": Tokens(100, 50, 0, 0, 0),
        "t2i": Tokens(100, 0, 0, 300, 300),
        "i2t": Tokens(50, 25, 200, 0, 0),
        "interleaved": Tokens(1, 1, 1, 1, 1),
    }
    # One of the first, one of the second, two of the third: 1000 tokens, three times that in three sequences.
    assert typical_forward(wide, wide.curriculum["foundation"], samples) == Tokens(900, 300, 1200, 900, 900)
