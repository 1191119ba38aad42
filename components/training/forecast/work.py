"""Arithmetic and time of a stage: floating-point operations of its tokens, and how many of them a second were measured here."""

from dataclasses import replace

from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage
from components.training.forecast.found import Machine, Measured, Time
from components.training.forecast.tokens import Tokens
from components.training.forecast.weights import stage_weights

CPU_FLOPS, GPU_FLOPS = 1.5e10, 3e14
"""Operations a second of a CPU's thread in float32 and of a GPU in bfloat16: orders of size, for where nothing was measured
(`tiny` on two cores; two fifths of what an H100 is sold as)."""
STAGE_SECONDS = 20.0
"""Before the first step and after the last one: the same."""


def step_flops(recipe: Recipe, stage: CurriculumStage, tokens: Tokens) -> float:
    """Operations of these tokens, there and back: two a weight and token there, twice that back, and once more there where a
    layer is computed again. Products of queries and keys are not counted."""
    weights, llm = stage_weights(recipe.model, stage), recipe.model.llm
    layer = weights.layer.num_all
    if llm.experts == "mot":
        layer /= 2
    elif llm.experts == "moe":
        layer -= 3 * llm.hidden_size * llm.intermediate_size
    again = 8 if recipe.compute.gradient_checkpointing else 6
    vit = (
        (again if stage.vit_learning_rate_scale else 2)
        * weights.num_vit_layers
        * weights.vit_layer.num_all
        * tokens.vit
    )
    return again * weights.num_layers * layer * tokens.all + vit + 6 * weights.head.num_all * tokens.labels


def stage_time(
    recipe: Recipe, stage: CurriculumStage, tokens: Tokens, machine: Machine, measured: Measured | None
) -> Time:
    """From what a run of this workspace took a token, else from an order of size. tokens: of a forward."""
    per_step = stage.room(recipe.training) * recipe.training.sequences_per_step
    if measured is not None:
        steps_per_second = measured.steps_per_second * measured.tokens_per_step / per_step
        return Time(seconds=measured.around_seconds + stage.steps / steps_per_second, is_measured=True)
    ranks = max(recipe.compute.workers, 1)
    rate = ranks * (CPU_FLOPS * recipe.compute.threads if machine.kind == "cpu" else GPU_FLOPS)
    flops = step_flops(recipe, stage, replace(tokens).scaled(per_step))
    return Time(seconds=STAGE_SECONDS + stage.steps * flops / rate, is_measured=False)
