"""Estimates over seeds with 95 % intervals: of t for means, by resampling for ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from scipy import stats

from aloe.bench.arrays import Float64Array

LEVEL = 0.95
MIN_RESAMPLED_COUNT = 6
"""Resampling fewer runs gives intervals that are much too narrow, however they are widened."""
_RESAMPLE_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, median or ratio over runs, with its interval."""

    value: float
    low: float | None
    """None where there are too few runs for an interval."""
    high: float | None
    run_count: int


def mean_estimate(values: Sequence[float] | Float64Array) -> Estimate | None:
    """Estimate a mean, with the interval of t; None without a finite value.

    Args:
        values: (n_runs,) one value of each run; those that are not finite are left out.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    mean = float(known.mean())
    if len(known) == 1:
        return Estimate(mean, None, None, 1)
    low, high = mean_band(known[:, np.newaxis])
    return Estimate(mean, float(low[0]), float(high[0]), len(known))


def mean_band(values: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return Student's t interval of the mean at each point, by itself.

    With two seeds or more it covers the mean of normal values in 95 % of the cases, and that of
    strongly skewed ones (beta 20, 1; exponential) in 87 to 93 %. A bootstrap does no better from
    six seeds on and far worse below: 50 % with two, 74 % with three.

    Args:
        values: (n_runs, n_points) float64, at least two runs.

    Returns:
        Lower and upper bounds, each (n_points,) float64.
    """
    count = len(values)
    half = stats.t.ppf((1 + LEVEL) / 2, count - 1) * values.std(axis=0, ddof=1) / sqrt(count)
    mean = values.mean(axis=0)
    return mean - half, mean + half


@lru_cache
def resampling_weights(run_count: int) -> Float64Array:
    """Return the weights that resampling with replacement gives each run.

    The same for every call: a figure repeats, and two curves resampled by them stay paired by seed.

    Returns:
        (10,000, run_count) float64; each row sums to one.
    """
    generator = np.random.default_rng(0)
    counts = generator.multinomial(
        run_count, np.full(run_count, 1 / run_count), size=_RESAMPLE_COUNT
    )
    return np.asarray(counts / run_count)


def quantile_interval(resampled: Float64Array, run_count: int) -> tuple[Float64Array, Float64Array]:
    """Return the expanded percentile interval of resampled figures.

    The plain percentile interval is too narrow for few runs: it lacks both the factor n / (n - 1)
    of the variance and the longer tails of t. The quantiles are moved out so that, for normal
    values, the interval is as wide as that of t (Hesterberg, "What Teachers Should Know About the
    Bootstrap", The American Statistician 69, 2015).

    Args:
        resampled: (n_resamples, ...) float64, may hold infinities.
        run_count: of the runs that were resampled, at least MIN_RESAMPLED_COUNT.

    Returns:
        Lower and upper bounds, each (...) float64.
    """
    spread = stats.t.ppf((1 + LEVEL) / 2, run_count - 1) * sqrt(run_count / (run_count - 1))
    tail = float(stats.norm.cdf(-spread))
    # Without interpolation: there is nothing between a number and infinity.
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return low, high
