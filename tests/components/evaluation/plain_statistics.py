"""Plain tests and errors of paired right and wrong, held to published vectors: what the product's figures are laid beside."""
# Letters: n items, k clusters.

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, binomtest, permutation_test

Z_ALPHA, Z_POWER = 1.959963984540054, 0.8416212335729143
"""Normal quantiles of a two-sided 5 % test and of 80 % power."""


def cluster_sums(values: ArrayLike, clusters: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the values of each cluster. Shapes: (n,), n names -> (k,), (k,)."""
    _, index = np.unique(np.asarray(list(clusters)), return_inverse=True)
    return np.bincount(index, weights=np.asarray(values, dtype=np.float64)), np.bincount(index).astype(np.float64)


def cluster_standard_error(values: ArrayLike, clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean, clustered (CR0): sqrt of the sum of squared cluster sums of residuals, over n."""
    array = np.asarray(values, dtype=np.float64)
    sums, _ = cluster_sums(array - array.mean(), clusters)
    return float(np.sqrt((sums**2).sum()) / array.size)


def sign_flip_p(values: ArrayLike, clusters: Sequence[Hashable], *, resamples: int, seed: int) -> float:
    """Two-sided p that paired differences are centred on 0: the sign of each cluster's sum is flipped at random."""
    sums, _ = cluster_sums(values, clusters)
    found = permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=resamples, rng=np.random.default_rng(seed)
    )
    return float(found.pvalue)


def mcnemar(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """(exact p, mid-p) that two raters of the same 0/1 items err equally often."""
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    n, less = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0, 1.0
    p_value = float(binomtest(less, n).pvalue)
    return p_value, min(1.0, 2 * float(binom.cdf(less, n, 0.5))) - float(binom.pmf(less, n, 0.5))


def smallest_detectable(n: int, discordant: float) -> float:
    """Smallest difference of two accuracies that n paired items show with 80 % power at a two-sided 5 %.

    `discordant` is the share of items where exactly one of the two is right.
    """
    return (Z_ALPHA + Z_POWER) * sqrt(discordant / n)
