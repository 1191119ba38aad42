"""Intervals and paired tests. Everything is resampled by cluster (patient, else image), never by question alone."""
# Letters: n items, k clusters, B resamples.

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95


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
    sums, counts = _cluster_sums(values, clusters)
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


def _cluster_sums(values: ArrayLike, clusters: Sequence[Hashable]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values of each cluster, clusters sorted by name. Shapes: (n,), n names -> (k,), (k,)."""
    array = np.asarray(values, dtype=np.float64)
    names, index = np.unique(
        np.asarray([str(c) if not isinstance(c, int) else c for c in clusters]), return_inverse=True
    )
    sums = np.bincount(index, weights=array, minlength=len(names)).astype(np.float64)
    return sums, np.bincount(index, minlength=len(names)).astype(np.float64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
