"""Numbers of the network counted by hand: hidden size 32, one layer of two experts, 400 words."""

from dataclasses import replace

import pytest

from components.recipes.recipe import Recipe
from components.training.forecast.weights import Group, stage_weights
from model.unimedvl import UniMedVL

EXPERT = 3 * (32 * 32 + 32) + 32 * 32 + 2 * 16 + 3 * 32 * 48 + 2 * 32
"""q, k and v with biases, o without, two norms of heads of 16, the MLP of 48, two norms."""
TABLES = 8 * 8 * 32 * 2
"""Positions of ViT and latent tokens, which never train."""


def test_every_number_is_in_one_group(recipe: Recipe) -> None:
    weights = stage_weights(recipe.model, replace(recipe.curriculum["foundation"], vit_learning_rate_scale=1.0))
    assert weights.layer.num_all == 2 * EXPERT
    assert weights.head.num_all == weights.embedding.num_all == 400 * 32
    assert weights.num_all == sum(p.numel() for p in UniMedVL(recipe.model).parameters())
    assert weights.num_all - weights.num_trained == TABLES


def test_what_a_stage_freezes_does_not_train(recipe: Recipe) -> None:
    stage = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=0.0)
    model = UniMedVL(recipe.model)
    vit = sum(p.numel() for p in model.vit_model.parameters())
    weights = stage_weights(recipe.model, stage)
    assert weights.num_all - weights.num_trained == TABLES + vit
    half = stage_weights(recipe.model, replace(stage, freeze_und=True))
    assert half.layer.num_trained == EXPERT


@pytest.mark.parametrize(("shards", "held"), [(1, 15), (2, 3 * 3), (4, 2 * 3), (8, 1 * 3)])
def test_rows_are_dealt_out_and_the_fullest_rank_counts(shards: int, held: int) -> None:
    assert Group("five rows of three", ((5, 3),), ()).share(shards) == held
