"""Curation's benchmark, small: what is planted into a few real images and texts is found, and nothing else is."""

import pytest

from tests.benchmarks import planted_captions
from tests.benchmarks.curation import measured

QUICK = {"images": (1, 22), "questions": (1, 6), "texts": (1, 12)}
"""Part -> (images of a patient, patients): the goal of .95 leaves one image in twenty, here a photograph of bricks."""


@pytest.mark.parametrize("part", QUICK)
def test_every_goal_of_the_benchmark_is_met_in_small(part):
    each, patients = QUICK[part]
    figures = list(measured([part], each=each, side=160, patients=patients, samples=None))
    assert len(figures) > 8
    missed = [f"{figure}\n  " + "\n  ".join(figure.details) for figure in figures if not figure.is_met]
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize(("part", "figures"), [pytest.param("captions", 7, marks=pytest.mark.slow), ("patients", 2)])
def test_shared_wording_stays_and_two_deliveries_of_one_clinic_stand_on_one_side(part, figures, monkeypatch):
    monkeypatch.setenv("UNIMED_SECRET", "eight patients, of whom it holds some out")
    monkeypatch.setattr(planted_captions, "CAPTIONS", 80)
    found = list(measured([part], each=2, side=160, patients=8, samples=None))
    missed = [f"{figure}\n  " + "\n  ".join(figure.details) for figure in found if not figure.is_met]
    assert len(found) >= figures and not missed, "\n".join(missed)
