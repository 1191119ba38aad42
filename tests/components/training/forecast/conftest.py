"""A recipe of hidden size 32, tokens of a forward, and machines."""

import pytest

from components.recipes.recipe import Recipe
from components.training.forecast.found import Machine
from components.training.forecast.tokens import Tokens
from tests.components.training.conftest import small_recipe

GB = 10**9
LAPTOP = Machine(kind="cpu", ram_bytes=8 * GB)
CARDS = Machine(kind="gpu", ram_bytes=2000 * GB, gpus=8, gpu_bytes=80 * GB)
CLUSTER = Machine(kind="cluster", ram_bytes=0)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return small_recipe()


@pytest.fixture(scope="session")
def forward() -> Tokens:
    return Tokens(100, 40, 60, 160, 80)
