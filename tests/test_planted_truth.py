"""Curation's benchmark, small: what is planted into a few real images and texts is found, and nothing else is.

Three rows miss their goal of .95, here and in `python -m tests.benchmarks.curation`, which says so and exits 1.
"""

import pytest

from tests.benchmarks.curation import PARTS, measured
from tests.benchmarks.goals import PRECISE, Copies

QUICK = {"images": (1, 18), "questions": (1, 6), "texts": (1, 12), "identifiers": (1, 1)}
"""Part -> (images of a patient, patients)."""
BELOW_GOAL = {
    "image: crop, up to 5 % of the picture": 0.55,
    "image: crop, up to 5 % of each side": 0.33,
    "image: window, contrast, gamma": 0.88,
}
"""Row that misses its goal -> a copy less than the recall that it has here (.61, .39, .94); nothing else is taken out."""


@pytest.mark.parametrize("part", PARTS)
def test_every_goal_is_met_in_small_or_known_to_be_missed_by_so_much(part):
    each, patients = QUICK[part]
    rows = list(measured([part], each=each, side=160, patients=patients, samples=None))
    assert len(rows) > 4
    missed = [f"{row}\n  " + "\n  ".join(row.details) for row in rows if not (row.is_met or is_as_known(row))]
    assert not missed, "\n".join(missed)


def is_as_known(row) -> bool:
    least = BELOW_GOAL.get(row.name)
    return least is not None and isinstance(row, Copies) and row.outcome.recall >= least and row.precision >= PRECISE
