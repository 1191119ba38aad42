"""Intervals and paired tests. Everything is resampled by cluster (patient, else image), never by question alone."""
# Letters: n items, k clusters, B resamples.

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
_Z_ALPHA, _Z_POWER = 1.959963984540054, 0.8416212335729143
"""Normal quantiles of a two-sided 5 % test and of 80 % power."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and how it was made."""

    low: float
    high: float
    method: str
    """cluster bootstrap, wilson, clopper-pearson."""


def wilson(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion of independent items."""
    return _proportion(right, n, "wilson")


def clopper_pearson(right: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a proportion; the one to use when none or all are right."""
    return _proportion(right, n, "exact")


def _proportion(right: int, n: int, method: Literal["wilson", "exact"]) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(right, n).proportion_ci(CONFIDENCE, method)
    return float(found.low), float(found.high)


def cluster_bootstrap(
    values: ArrayLike, clusters: Sequence[Hashable], *, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile 95 % interval of the mean when whole clusters are drawn again.

    Clusters are sorted by name first, so the order of the rows does not matter.
    """
    sums, counts = cluster_sums(values, clusters)
    picks = np.random.Generator(np.random.PCG64(seed)).integers(0, len(sums), (resamples, len(sums)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def mean_interval(
    values: ArrayLike, clusters: Sequence[Hashable], *, resamples: int, seed: int, proportion: bool
) -> Interval:
    """The interval that fits the values: exact when none or all are right, Wilson without clusters, else bootstrap.

    Raises ValueError for no values at all: a mean of nothing has no interval.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("an interval needs at least one value")
    if proportion:
        right, n = round(float(array.sum())), array.size
        if right in (0, n):
            return Interval(*clopper_pearson(right, n), "clopper-pearson")
        if len(set(clusters)) in (1, n):
            return Interval(*wilson(right, n), "wilson")
    return Interval(*cluster_bootstrap(array, clusters, resamples=resamples, seed=seed), "cluster bootstrap")


def cluster_sums(values: ArrayLike, clusters: Sequence[Hashable]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values of each cluster, clusters sorted by name. Shapes: (n,), n names -> (k,), (k,)."""
    array = np.asarray(values, dtype=np.float64)
    names, index = np.unique(
        np.asarray([str(c) if not isinstance(c, int) else c for c in clusters]), return_inverse=True
    )
    sums = np.bincount(index, weights=array, minlength=len(names)).astype(np.float64)
    return sums, np.bincount(index, minlength=len(names)).astype(np.float64)


def cluster_standard_error(values: ArrayLike, clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean, clustered (CR0): sqrt of the sum of squared cluster sums of residuals, over n."""
    array = np.asarray(values, dtype=np.float64)
    sums, _ = cluster_sums(array - array.mean(), clusters)
    return float(np.sqrt((sums**2).sum()) / array.size)


def sign_flip_p(values: ArrayLike, clusters: Sequence[Hashable], *, resamples: int, seed: int) -> float:
    """Two-sided p that paired differences are centred on 0: the sign of each cluster's sum is flipped at random."""
    from scipy.stats import permutation_test

    sums, _ = cluster_sums(values, clusters)
    found = permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=resamples, rng=np.random.default_rng(seed)
    )
    return float(found.pvalue)


def mcnemar(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """(exact p, mid-p) that two raters of the same 0/1 items err equally often."""
    from scipy.stats import binom, binomtest

    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    n, less = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0, 1.0
    p_value = float(binomtest(less, n).pvalue)
    return p_value, min(1.0, 2 * float(binom.cdf(less, n, 0.5))) - float(binom.pmf(less, n, 0.5))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def smallest_detectable(n: int, discordant: float) -> float:
    """Smallest difference of two accuracies that n paired items show with 80 % power at a two-sided 5 %.

    `discordant` is the share of items where exactly one of the two is right.
    """
    return (_Z_ALPHA + _Z_POWER) * sqrt(discordant / n)
