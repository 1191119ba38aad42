"""Mirrored and turned edits."""

import numpy as np
import pytest

from components.training.layout import Visit, sample_key
from components.training.mirrored_edits import TRANSPOSED, TURNS, turn_of, turned

SQUARE = np.arange(4 * 4 * 3).reshape(4, 4, 3)


def test_the_eight_turns_of_a_square_differ_and_the_first_is_none():
    seen = {turned(SQUARE, turn).tobytes() for turn in range(8)}
    assert len(seen) == 8 and np.array_equal(turned(SQUARE, 0), SQUARE)
    assert all(sorted(turned(SQUARE, turn).flatten()) == list(range(48)) for turn in range(8))


def test_no_image_of_a_sample_is_transposed_unless_all_are_square():
    """Of 100 x 104 pixels the autoencoder may be shown a square and the ViT none: they would be turned apart."""
    visits = [Visit(number, sample_key(f"a{number}"), 0) for number in range(200)]
    pairs = [[turn_of("staining", visit, "seed", square=square) for visit in visits] for square in (True, False)]
    assert set(pairs[0]) == set(range(8))
    assert pairs[1] == [turn & ~TRANSPOSED for turn in pairs[0]]


@pytest.mark.parametrize("task", ["super_resolution", "translation", "organ_map", "t2i"])
def test_a_task_takes_its_turns_and_no_other(task):
    found = [
        turn_of(task, Visit(number, sample_key(f"a{number}"), number % 3), "seed", square=True) for number in range(400)
    ]
    assert set(found) == set(range(TURNS.get(task, 1)))
    assert found[7] == turn_of(task, Visit(7, sample_key("a7"), 1), "seed", square=True)
