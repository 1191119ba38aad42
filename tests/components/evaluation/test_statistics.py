"""Intervals and tests against their vectors, and the properties that make them trustworthy."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from components.evaluation import statistics
from components.evaluation.clustered import clustered_mean
from tests.components.evaluation import plain_statistics

VECTORS = json.loads((Path(__file__).parent / "golden" / "statistics.json").read_text())
ITEMS = VECTORS["items"]
CHAMPION, CHALLENGER = np.array(ITEMS["champion"]), np.array(ITEMS["challenger"])
DIFFERENCE = CHALLENGER - CHAMPION


def test_wilson_and_exact_intervals_agree_with_the_vectors():
    right, n = int(CHAMPION.sum()), len(CHAMPION)
    assert statistics.wilson(right, n) == pytest.approx(VECTORS["wilson95"], abs=1e-9)
    assert statistics.clopper_pearson(right, n) == pytest.approx(VECTORS["clopper_pearson95"], abs=1e-9)
    assert statistics.clopper_pearson(0, 50) == pytest.approx(VECTORS["zero_of_50_clopper_pearson95"], abs=1e-9)


def test_the_cluster_bootstrap_agrees_with_the_vectors_for_the_stated_generator():
    found = statistics.cluster_bootstrap(DIFFERENCE, ITEMS["patient"], resamples=4000, seed=12345)
    assert found == pytest.approx(VECTORS["cluster_bootstrap"]["ci"], abs=1e-9)


def test_the_item_bootstrap_is_the_cluster_bootstrap_with_every_item_its_own_cluster():
    found = statistics.cluster_bootstrap(DIFFERENCE, list(range(len(DIFFERENCE))), resamples=10000, seed=12345)
    assert found == pytest.approx(VECTORS["bootstrap_percentile"]["ci"], abs=1e-9)


def test_mcnemar_agrees_with_the_vectors():
    assert plain_statistics.mcnemar(CHAMPION, CHALLENGER) == pytest.approx(
        (VECTORS["mcnemar_exact_p"], VECTORS["mcnemar_midp"]), abs=1e-9
    )


def test_the_sign_flip_test_agrees_with_the_vector_of_the_stated_generator():
    p = plain_statistics.sign_flip_p(DIFFERENCE, list(range(len(DIFFERENCE))), resamples=9999, seed=2)
    assert p == pytest.approx(VECTORS["permutation_p_9999_seed2"], abs=1e-9)


def test_clustered_standard_errors_agree_with_the_vectors():
    found = plain_statistics.cluster_standard_error(DIFFERENCE, ITEMS["patient"])
    assert found == pytest.approx(VECTORS["se_cluster_patient_CR0"], abs=1e-9)
    alone = plain_statistics.cluster_standard_error(DIFFERENCE, list(range(len(DIFFERENCE))))
    assert alone == pytest.approx(VECTORS["se_iid"], abs=1e-4)


def test_families_of_tests_are_adjusted_as_the_vectors_say():
    family = VECTORS["holm"]
    assert statistics.holm(family["p"]) == pytest.approx(family["adjusted"], abs=1e-9)
    assert false_discovery_control(family["p"]) == pytest.approx(family["bh_adjusted"], abs=1e-9)


def test_detectable_differences_agree_with_the_vectors():
    for name, expected in VECTORS["minimum_detectable_difference_two_sided_5pct_80pct_power"].items():
        n, discordant = (float(part.split("=")[1]) for part in name.split(","))
        assert plain_statistics.smallest_detectable(int(n), discordant) == pytest.approx(expected, abs=1e-5)


def test_the_gate_s_interval_is_wider_than_the_plain_error_of_the_vectors_and_its_p_above_every_plain_test_s():
    sums, counts = plain_statistics.cluster_sums(DIFFERENCE, ITEMS["patient"])
    bare, used = (clustered_mean(sums, counts, bounded=bound) for bound in (None, 1.0))
    assert VECTORS["se_cluster_patient_CR0"] < bare.error < 1.1 * VECTORS["se_cluster_patient_CR0"]
    assert bare.error < used.error
    flipped = plain_statistics.sign_flip_p(DIFFERENCE, ITEMS["patient"], resamples=9999, seed=2)
    assert bare.p_value == pytest.approx(flipped, abs=0.02) and used.p_value > bare.p_value
    each = clustered_mean(DIFFERENCE.astype(float), np.ones(len(DIFFERENCE)), bounded=1.0)
    assert each.p_value > plain_statistics.mcnemar(CHAMPION, CHALLENGER)[1]


def test_the_order_of_rows_does_not_move_an_interval():
    order = np.random.default_rng(3).permutation(len(DIFFERENCE))
    patients = np.array(ITEMS["patient"])
    one = statistics.cluster_bootstrap(DIFFERENCE, list(patients), resamples=500, seed=1)
    other = statistics.cluster_bootstrap(DIFFERENCE[order], list(patients[order]), resamples=500, seed=1)
    assert one == other


def test_a_proportion_of_none_gets_an_exact_interval_and_clusters_a_bootstrap():
    none = statistics.mean_interval([0, 0, 0], ["a", "b", "b"], resamples=50, seed=1, proportion=True)
    assert (none.method, none.low) == ("clopper-pearson", 0.0)
    some = statistics.mean_interval([0, 1, 1], ["a", "b", "b"], resamples=50, seed=1, proportion=True)
    assert some.method == "cluster bootstrap"


def test_an_interval_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one value"):
        statistics.mean_interval([], [], resamples=10, seed=1, proportion=True)
