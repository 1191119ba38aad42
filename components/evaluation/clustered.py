"""The mean of clustered values with the interval that a decision rests on: few patients, unequal numbers of items each.

The standard error is the cluster jackknife's (CR3: MacKinnon, Nielsen and Webb, "Leverage, influence, and the jackknife in
clustered regression models", 2023), the quantile Student's with one fewer degrees of freedom than clusters. Where values
are bounded, two clusters that differ wholly, one each way, are added to the variance, in the manner in which Agresti and
Min add items to a table of matched pairs ("Simple improved confidence intervals for comparing matched proportions", 2005):
ten patients without a difference do not show that there is none. Chosen by simulation (tests/benchmarks/gates.py): the
percentile bootstrap covers 91 % of its 95 at twelve patients, and nothing at all where both sides agree on every item; half
of such clusters, as Agresti and Min have it, leave 92.8 at a hundred patients where every disagreement is a loss.
"""
# Letters: k clusters.

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from components.evaluation.statistics import CONFIDENCE, clopper_pearson

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A mean over clusters with its 95 % interval."""

    value: float
    low: float
    high: float
    error: float
    """Standard error; infinite for one cluster."""
    clusters: int

    @property
    def p_value(self) -> float:
        """Two-sided p that the mean is 0: below .05 exactly where the interval excludes 0."""
        if not np.isfinite(self.error):
            return 1.0
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        from scipy.special import stdtr

        return float(2 * stdtr(self.clusters - 1, -abs(self.value) / self.error))


def clustered_mean(sums: Numbers, counts: Numbers, *, bounded: float | None) -> Estimate:
    """The mean of all values, from sum and number of each cluster. Shapes: (k,), (k,).

    `bounded` is the most by which one value can differ from another in size (1 for paired right and wrong), None where
    nothing bounds them. One cluster has no finite interval. Raises ValueError for none.
    """
    k, total = len(sums), counts.sum()
    if k == 0:
        raise ValueError("an interval needs at least one value")
    value = float(sums.sum() / total)
    if k == 1:
        return Estimate(value=value, low=-np.inf, high=np.inf, error=np.inf, clusters=1)
    without = (sums.sum() - sums) / (total - counts)
    variance = float(((without - value) ** 2).sum() * (k - 1) / k)
    if bounded is not None:
        variance += 2 * (bounded / k) ** 2
    error = variance**0.5
    half = student(CONFIDENCE, k - 1) * error
    return Estimate(value=value, low=value - half, high=value + half, error=error, clusters=k)


def clustered_share(sums: Numbers, counts: Numbers) -> Estimate:
    """The mean of values within 0 and 1. Where all are 0, or all 1, the exact interval of so many clusters."""
    found = clustered_mean(sums, counts, bounded=0.5)
    low, high = max(0.0, found.low), min(1.0, found.high)
    if found.value in (0.0, 1.0):
        exact = clopper_pearson(found.clusters if found.value else 0, found.clusters)
        low, high = min(low, exact[0]), max(high, exact[1])
    return Estimate(value=found.value, low=low, high=high, error=found.error, clusters=found.clusters)


@lru_cache(maxsize=4096)
def student(confidence: float, freedom: int) -> float:
    """The quantile that a two-sided interval of this confidence reaches to, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
