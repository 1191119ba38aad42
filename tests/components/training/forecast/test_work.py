"""Operations and time, worked out by hand."""

from dataclasses import replace

import pytest

from components.recipes.recipe import Recipe
from components.training.forecast.disk import output_bytes, state_bytes, states_bytes
from components.training.forecast.found import Measured
from components.training.forecast.tokens import Tokens
from components.training.forecast.weights import stage_weights
from components.training.forecast.work import CPU_FLOPS, STAGE_SECONDS, stage_time, step_flops
from tests.components.training.forecast.conftest import LAPTOP
from tests.components.training.forecast.test_weights import EXPERT


def test_a_token_costs_two_operations_a_weight_there_and_four_back(recipe: Recipe) -> None:
    stage, tokens = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=0.0), Tokens(70, 10, 30, 0, 0)
    vit = stage_weights(recipe.model, stage).vit_layer.num_all
    assert step_flops(recipe, stage, tokens) == 6 * EXPERT * 100 + 2 * vit * 30 + 6 * 400 * 32 * 10
    again = replace(recipe, compute=replace(recipe.compute, gradient_checkpointing=True))
    assert step_flops(again, stage, tokens) - step_flops(recipe, stage, tokens) == 2 * EXPERT * 100


def test_one_expert_for_all_costs_all_its_weights(recipe: Recipe) -> None:
    tokens = Tokens(100, 0, 0, 0, 0)
    for experts, weights in (("dense", EXPERT), ("moe", EXPERT)):
        model = replace(recipe.model, llm=replace(recipe.model.llm, experts=experts))
        assert step_flops(replace(recipe, model=model), recipe.curriculum["foundation"], tokens) == 600 * weights


def test_measured_steps_are_scaled_by_their_tokens(recipe: Recipe, forward: Tokens) -> None:
    """Two steps of 100 tokens a second are 200 tokens; a step of 320 then takes 1.6 seconds."""
    measured = Measured(steps_per_second=2.0, tokens_per_step=100.0, around_seconds=7.0)
    stage = replace(recipe.curriculum["foundation"], steps=50)
    found = stage_time(recipe, stage, forward, LAPTOP, measured)
    assert (found.seconds, found.is_measured) == (pytest.approx(7 + 50 * 1.6), True)


def test_without_a_run_it_is_an_order_of_size_that_says_so(recipe: Recipe, forward: Tokens) -> None:
    stage = replace(recipe.curriculum["foundation"], steps=50)
    flops = step_flops(recipe, stage, forward.scaled(320))
    found = stage_time(recipe, stage, forward, LAPTOP, None)
    assert (found.seconds, found.is_measured) == (pytest.approx(STAGE_SECONDS + 50 * flops / CPU_FLOPS), False)


def test_three_states_and_two_kinds_of_weights_are_written(recipe: Recipe) -> None:
    weights = stage_weights(recipe.model, recipe.curriculum["foundation"])
    assert state_bytes(weights) == 16 * weights.num_trained
    assert states_bytes(weights) == 3 * state_bytes(weights)
    assert output_bytes(weights) == 8 * weights.num_all + 4 * weights.autoencoder
