"""Distances between two deliveries: words by total variation, numbers by the largest gap of their distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from components.validation.drift import distances, not_compared
from components.validation.profile import SINCE, VERSION, _quantiles


def delivery(numbers: list[float], **words: int) -> dict:
    return {
        "version": VERSION,
        "records": len(numbers),
        "modality": {"CT": 1},
        "anatomy": words or {"chest": 1},
        "facts": {},
        "images": {"mean": _quantiles(numbers)},
    }


def test_nothing_accepted_is_no_distance():
    assert distances(delivery([1.0]), {}) == {}


@pytest.mark.parametrize(("now", "far"), [({"a": 2, "b": 2}, 0.0), ({"a": 4}, 0.5), ({"c": 1}, 1.0)])
def test_words_are_compared_by_the_share_that_moved(now, far):
    assert distances(delivery([1.0], **now), delivery([1.0], a=1, b=1))["anatomy"] == far


def test_a_column_that_appears_or_goes_is_as_far_as_can_be():
    before, now = delivery([1.0]), delivery([1.0])
    now["facts"] = {"plane": {"axial": 1}}
    assert distances(now, before)["facts.plane"] == distances(before, now)["facts.plane"] == 1.0


numbers = st.lists(st.floats(0, 255), min_size=200, max_size=400)


@given(numbers, numbers)
@settings(max_examples=30, deadline=None)
def test_numbers_are_compared_as_the_kolmogorov_smirnov_statistic_does(now, before):
    now, before = sorted(now), sorted(before)
    spread = np.random.default_rng(0).uniform(0, 1e-3, max(len(now), len(before)))
    now, before = list(now + spread[: len(now)]), list(before + spread[: len(before)])
    found = distances(delivery(now), delivery(before))["images.mean"]
    assert found == pytest.approx(ks_2samp(now, before).statistic, abs=0.11), "21 quantiles: a twentieth on either side"


@given(numbers)
@settings(max_examples=10, deadline=None)
def test_a_delivery_is_no_distance_from_itself(values):
    assert set(distances(delivery(values), delivery(values)).values()) == {0.0}


def test_what_our_own_release_fills_otherwise_is_no_drift_from_an_older_profile():
    before, now = delivery([1.0] * 90, a=1), delivery([200.0], b=1)
    del before["version"]
    before["facts"] = {"contrast": {"T1": 1, "grey matter": 2}, "plane": {"axial": 4}}
    now["facts"] = {"contrast": {"T1": 1}, "plane": {"coronal": 4}, "window": {"lung": 1}, "projection": {"PA": 1}}
    found = distances(now, before)
    assert set(found) == {"modality", "anatomy", "facts.plane"} and found["anatomy"] == found["facts.plane"] == 1.0
    assert set(not_compared(now, before)) == {*SINCE, "facts.window", "facts.projection"}


def test_a_profile_of_this_release_is_compared_in_every_column():
    before, now = delivery([1.0] * 90), delivery([200.0])
    now["facts"] = {"window": {"lung": 1}}
    assert {"records", "images.mean", "facts.window"} <= set(distances(now, before))
    assert not_compared(now, before) == [] == not_compared(now, {})
