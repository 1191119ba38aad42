import pytest

from components.recipes.shipped import SHIPPED, read_shipped, shipped_recipe
from components.storage.yaml_files import parse_yaml


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_read_and_carry_their_name(name):
    assert read_shipped(name).recipe == name


def test_a_recipe_that_names_a_base_is_that_one_with_its_own_values_and_words():
    tiny, scratch = shipped_recipe("tiny"), shipped_recipe("tiny-scratch")
    values, base = parse_yaml(scratch, "scratch"), parse_yaml(tiny, "tiny")
    assert values["start"]["source"] == "train" and "base" not in values
    assert {key for key in base if values[key] != base[key]} <= {"recipe", "start", "curriculum"}
    assert scratch.startswith("# The recipe `tiny-scratch`") and "# The recipe `tiny`" not in scratch
    kept = [line for line in tiny.splitlines() if line.lstrip().startswith("#")][2:]
    assert kept and set(kept) <= set(scratch.splitlines()), "the base's comments are lost"


def test_what_tiny_begins_with_is_made_by_a_recipe_on_the_same_data_that_promotes_nothing():
    tiny, start = read_shipped("tiny"), read_shipped("tiny-start")
    assert (start.sources, start.assembly, start.model) == (tiny.sources, tiny.assembly, tiny.model)
    assert start.gate.kind == "never" and start.start.source == "train"


def test_an_unknown_recipe_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown recipe 'tiny-strat'; did you mean 'tiny-start'\?"):
        shipped_recipe("tiny-strat")
