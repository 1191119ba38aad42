"""What a layer leaves behind, beside values worked out by hand."""

import pytest

from components.recipes.recipe import Recipe
from components.training.forecast.tokens import Tokens
from components.training.forecast.traced import Layers, traced_layers


def traced(recipe: Recipe, tokens: int, labels: int, precision: str = "fp32", *, sharded: bool = False) -> Layers:
    counted = Tokens(tokens // 2, labels, 0, tokens // 2, 0)
    return traced_layers(recipe.model.llm, recipe.model.require_vit(), counted, precision, sharded=sharded)  # type: ignore[arg-type]


def test_the_head_keeps_a_number_for_each_word_of_each_label(recipe: Recipe) -> None:
    words, labels = 400, 1000
    head = traced(recipe, 64, labels).head
    assert head.inputs == labels * 32 * 4
    # Log-probabilities, and the losses themselves.
    assert head.kept == pytest.approx(4 * labels * (words + 1), rel=0.01)
    assert head.most >= 2 * 4 * labels * words  # and their gradient


def test_a_layer_keeps_what_its_products_read(recipe: Recipe) -> None:
    tokens, hidden, mlp = 4096, 32, 48
    layer = traced(recipe, tokens, 8).decoder
    assert layer.inputs == 4 * tokens * hidden
    # Four numbers of the MLP's width (gate, its silu, up, their product), and of the hidden size: two normalised inputs and
    # what they are before their weight, q, k and v, as units, normalised, turned and in rows, what is gathered, twice.
    numbers = 4 * mlp + (4 + 9 + 2) * hidden
    assert layer.kept == pytest.approx(4 * tokens * numbers, rel=0.25)
    assert layer.kept < layer.most < 2 * layer.kept


def test_twice_the_tokens_take_twice_the_bytes(recipe: Recipe) -> None:
    one, two = traced(recipe, 2048, 500).decoder, traced(recipe, 4096, 500).decoder
    assert two.kept == pytest.approx(2 * one.kept, rel=0.01)


def test_half_precision_keeps_less(recipe: Recipe) -> None:
    whole, half = traced(recipe, 4096, 500).decoder, traced(recipe, 4096, 500, "bf16", sharded=True).decoder
    assert half.kept < 0.9 * whole.kept
