"""Bytes of a rank beside sums made by hand."""

from dataclasses import replace
from math import ceil

from components.recipes.recipe import Recipe
from components.training.forecast.found import Memory
from components.training.forecast.memory import memory_of, num_forwards, num_shards
from components.training.forecast.tokens import Tokens
from components.training.forecast.weights import stage_weights


def of(recipe: Recipe, tokens: Tokens, **compute: object) -> Memory:
    return memory_of(
        replace(recipe, compute=replace(recipe.compute, **compute)), recipe.curriculum["foundation"], tokens
    )  # type: ignore[arg-type]


def test_one_rank_holds_everything_and_gathers_nothing(recipe: Recipe, forward: Tokens) -> None:
    weights = stage_weights(recipe.model, recipe.curriculum["foundation"])
    found = of(recipe, forward, workers=0)
    assert found.weights == 4 * weights.num_all
    assert (found.average, found.moments) == (4 * weights.num_trained, 8 * weights.num_trained)
    assert found.state_copy == 16 * weights.num_trained
    assert found.autoencoder == 4 * weights.autoencoder
    assert found.gathered == 0
    assert found == of(recipe, forward, workers=1)


def test_two_ranks_hold_half_each_and_gather_what_is_at_work(recipe: Recipe, forward: Tokens) -> None:
    alone, half = of(recipe, forward, workers=1), of(recipe, forward, workers=2)
    for part in ("weights", "average", "moments", "state_copy"):
        # Rows of one, as the gate's, cannot be dealt out.
        assert abs(getattr(half, part) - ceil(getattr(alone, part) / 2)) < 0.01 * getattr(alone, part), part
    assert half.gathered > 0
    assert of(recipe, forward, workers=2, copies=2).weights == alone.weights


def test_what_is_offloaded_lies_in_ram_and_one_rank_gathers_layers_too(recipe: Recipe, forward: Tokens) -> None:
    for workers in (1, 2):
        plain, moved = (of(recipe, forward, workers=workers, offload=value) for value in (False, True))
        trained = plain.average
        assert moved.offloaded == plain.weights + plain.moments + plain.average + trained
        assert moved.gathered > 0
        assert moved.total == moved.activations + moved.gathered + moved.autoencoder + moved.process
        assert moved.host == moved.offloaded + plain.state_copy and plain.host == plain.state_copy
    several = replace(recipe, training=replace(recipe.training, sequences_per_step=4, sequences_per_forward=1))
    found = of(several, forward, workers=2, offload=True)
    # What earlier forwards of a step have added up is whole, and stays on the card until it is shared out.
    whole = 4 * stage_weights(recipe.model, recipe.curriculum["foundation"]).num_trained
    assert found.total >= whole + found.gathered


def test_several_forwards_hold_the_whole_gradient_until_the_last(recipe: Recipe, forward: Tokens) -> None:
    two = replace(recipe, training=replace(recipe.training, sequences_per_step=4, sequences_per_forward=1))
    weights = stage_weights(recipe.model, recipe.curriculum["foundation"])
    assert num_forwards(replace(two, compute=replace(two.compute, workers=2))) == 2
    assert of(two, forward, workers=2).gradients == 4 * weights.num_trained
    assert of(recipe, forward, workers=2).gradients <= 2 * weights.num_trained + 100


def test_computing_layers_again_takes_less(recipe: Recipe, forward: Tokens) -> None:
    deep = replace(recipe, model=replace(recipe.model, llm=replace(recipe.model.llm, num_layers=8)))
    plain, again = (of(deep, forward, gradient_checkpointing=value) for value in (False, True))
    assert again.activations < plain.activations / 2
    assert replace(again, activations=0) == replace(plain, activations=0, gradients=again.gradients)


def test_layers_of_the_vit_are_computed_again_too(recipe: Recipe) -> None:
    deep = replace(recipe, model=replace(recipe.model, vit=replace(recipe.model.require_vit(), num_layers=8)))
    stage = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=1.0)
    again = replace(deep, compute=replace(deep.compute, gradient_checkpointing=True))
    images = Tokens(text=20, labels=10, vit=600, latents=16, targets=8)
    assert memory_of(again, stage, images).activations < memory_of(deep, stage, images).activations / 2


def test_a_frozen_vit_keeps_nothing_for_the_way_back(recipe: Recipe, forward: Tokens) -> None:
    frozen = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=0.0)
    trained = replace(frozen, vit_learning_rate_scale=1.0)
    assert memory_of(recipe, frozen, forward).activations < memory_of(recipe, trained, forward).activations


def test_ranks_share_a_copy_and_a_step(recipe: Recipe) -> None:
    training = replace(recipe.training, sequences_per_step=8, sequences_per_forward=2)
    six = replace(recipe, training=training, compute=replace(recipe.compute, workers=6, copies=2))
    assert (num_shards(six), num_forwards(six)) == (3, 1)
    assert num_forwards(replace(six, compute=replace(six.compute, workers=1, copies=1))) == 4
