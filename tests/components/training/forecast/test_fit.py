"""What cannot fit is refused with a setting under which it does, counted again."""

from dataclasses import replace

import pytest

from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.training.forecast.fit import fits
from components.training.forecast.forecast import forecast
from components.training.forecast.found import Machine, Memory
from tests.components.training.forecast.conftest import CARDS, CLUSTER, GB, LAPTOP

ZERO = Memory(
    weights=0, gradients=0, moments=0, average=0, gathered=0, activations=0, autoencoder=0, process=GB, state_copy=GB
)


def workers(recipe: Recipe, number: int) -> Recipe:
    return replace(recipe, compute=replace(recipe.compute, workers=number))


def test_ranks_on_one_machine_share_its_memory(recipe: Recipe) -> None:
    """Three gigabytes of network, one of process, one of state: five each."""
    memory = replace(ZERO, weights=3 * GB)
    assert fits(recipe, memory, LAPTOP)
    assert not fits(workers(recipe, 2), memory, LAPTOP)
    assert fits(workers(recipe, 2), memory, replace(LAPTOP, ram_bytes=10 * GB))


def test_a_rank_has_a_card_and_its_copy_of_a_state_lies_in_ram(recipe: Recipe) -> None:
    memory = replace(ZERO, weights=79 * GB)
    assert fits(workers(recipe, 8), memory, CARDS)
    assert not fits(workers(recipe, 9), memory, CARDS)
    assert not fits(workers(recipe, 8), replace(memory, weights=80 * GB), CARDS)
    assert not fits(workers(recipe, 8), memory, replace(CARDS, ram_bytes=15 * GB))
    assert fits(workers(recipe, 800), replace(memory, weights=10**15), CLUSTER)


def test_a_recipe_that_fits_says_nothing(recipe: Recipe) -> None:
    found = forecast(recipe, "foundation", LAPTOP)
    assert (found.fits, found.refusal, found.would_fit) == (True, "", ())


@pytest.mark.parametrize(
    ("machine", "change", "words"),
    [
        (Machine(kind="gpu", ram_bytes=9 * GB, gpus=2, gpu_bytes=GB), {"workers": 4}, "compute.workers: 2"),
        (Machine(kind="cpu", ram_bytes=1800 * 10**6), {"workers": 4}, "compute.workers: 3"),
    ],
)
def test_a_setting_that_is_named_makes_it_fit(recipe: Recipe, machine: Machine, change: dict, words: str) -> None:
    many = replace(recipe, training=replace(recipe.training, sequences_per_step=4))
    found = forecast(workers(many, change["workers"]), "foundation", machine)
    assert found.would_fit == (words,)
    assert words in found.refusal
    assert forecast(workers(many, int(words.split(": ")[1])), "foundation", machine).fits


def test_fourteen_billion_on_a_laptop_are_refused_with_what_they_take() -> None:
    found = forecast(read_shipped("unimedvl-14b"), "unified", LAPTOP)
    assert not found.would_fit
    assert "train@unified does not fit: 8 ranks of" in found.refusal
    assert "no setting of this recipe makes it fit" in found.refusal


def test_fourteen_billion_on_too_few_cards_name_what_makes_them_fit() -> None:
    recipe = read_shipped("unimedvl-14b")
    small = replace(CARDS, gpu_bytes=46 * GB)
    found = forecast(recipe, "instruction", small)
    assert found.would_fit == ("compute.offload: true",)
    offloaded = replace(recipe, compute=replace(recipe.compute, offload=True))
    assert forecast(offloaded, "instruction", small).fits
    # Host memory is no room without an end: eight ranks have 59 GB each there.
    assert not forecast(offloaded, "instruction", replace(small, ram_bytes=450 * GB)).fits


def test_a_stage_with_a_room_of_its_own_is_told_of_that_room() -> None:
    recipe = read_shipped("unimedvl-14b")
    recipe = replace(recipe, compute=replace(recipe.compute, offload=True))
    small = replace(CARDS, gpu_bytes=14 * GB)
    found = forecast(recipe, "instruction", small)
    assert found.would_fit == ("curriculum.instruction.tokens_per_sequence: 10000",)
    stage = replace(recipe.curriculum["instruction"], tokens_per_sequence=10000)
    changed = replace(recipe, curriculum={**recipe.curriculum, "instruction": stage})
    assert forecast(changed, "instruction", small).fits
