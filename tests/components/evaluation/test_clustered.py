"""The interval that decisions rest on, against its slow obvious definition and what it must cover."""

import numpy as np
import pytest
from scipy import stats

from components.evaluation.clustered import clustered_mean, clustered_share
from components.evaluation.decision_table import LEAST

SIZES = np.array([7.0, 3, 9, 1, 4, 4, 2, 8, 5, 6, 3])


def test_the_error_is_the_jackknife_over_clusters_and_the_quantile_students():
    sums = np.random.default_rng(5).normal(size=len(SIZES)) * SIZES
    found = clustered_mean(sums, SIZES, bounded=None)
    without = [np.delete(sums, at).sum() / np.delete(SIZES, at).sum() for at in range(len(SIZES))]
    error = np.sqrt(sum((one - found.value) ** 2 for one in without) * (len(SIZES) - 1) / len(SIZES))
    assert found.error == pytest.approx(error, rel=1e-12)
    half = stats.t.ppf(0.975, len(SIZES) - 1) * error
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


def test_with_one_value_a_cluster_it_is_students_interval():
    values = np.random.default_rng(6).normal(size=12)
    found = clustered_mean(values, np.ones(12), bounded=None)
    expected = stats.ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_agreement_on_every_item_of_ten_patients_does_not_show_that_there_is_no_difference():
    found = clustered_mean(np.zeros(10), np.full(10, 30.0), bounded=1.0)
    assert found.value == 0 and found.low < -0.2 and found.high > 0.2 and found.p_value == 1.0
    many = clustered_mean(np.zeros(400), np.full(400, 3.0), bounded=1.0)
    assert -0.008 < many.low < 0


def test_p_is_below_one_in_twenty_just_where_the_interval_leaves_zero():
    for seed in range(50):
        found = clustered_mean(np.random.default_rng(seed).normal(0.5, 1, 11) * SIZES, SIZES, bounded=1.0)
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_one_cluster_has_no_interval_and_none_is_an_error():
    one = clustered_mean(np.array([3.0]), np.array([5.0]), bounded=1.0)
    assert one.value == 0.6 and one.low == -np.inf and one.p_value == 1.0
    with pytest.raises(ValueError, match="at least one value"):
        clustered_mean(np.zeros(0), np.zeros(0), bounded=1.0)


def test_a_share_of_none_reaches_at_least_as_far_as_the_exact_interval_of_so_many_patients():
    none, every = (clustered_share(np.full(12, sums), np.full(12, 4.0)) for sums in (0.0, 4.0))
    exact = stats.binomtest(0, 12).proportion_ci(0.95).high
    assert none.low == 0 and none.high >= exact and every.high == 1 and every.low <= 1 - exact


@pytest.mark.parametrize("patients", [LEAST, 12, 30])
def test_it_covers_what_it_promises_where_items_of_a_patient_go_together(patients):
    rng = np.random.default_rng(patients)
    sizes = rng.integers(2, 9, patients).astype(float)
    covered = 0
    for _ in range(1000):
        worse = rng.beta(0.6, 3.4, patients)  # of .15 on average: a patient is wrong on most items, or on none
        sums = -rng.binomial(sizes.astype(int), worse).astype(float)
        found = clustered_mean(sums, sizes, bounded=1.0)
        covered += found.low <= -0.15 <= found.high
    assert covered >= 930
