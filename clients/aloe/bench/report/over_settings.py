"""Figures over several settings: each counts alike, and what is resampled is seeds.

Tasks on one pool share their splits and seed labels under a seed, so that settings with the same
seeds are averaged, or resampled, together. Intervals are about these settings: of others they say
nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.intervals import (
    MIN_RESAMPLED_COUNT,
    Estimate,
    mean_estimate,
    quantile_interval,
    resampling_weights,
)

BySeed = Mapping[int, float]
"""Seed to the figure of a run, finite."""


def common_seeds(by_setting: Sequence[Mapping[int, object]]) -> list[int]:
    """Return the seeds that all settings have, ascending."""
    return sorted(set.intersection(*(set(each) for each in by_setting))) if by_setting else []


def mean_over(by_setting: Sequence[BySeed]) -> Estimate | None:
    """Average over settings, and estimate the mean over the seeds that all of them have.

    None without such a seed. Settings without any figure are left out.
    """
    known = [each for each in by_setting if each]
    seeds = common_seeds(known)
    return mean_estimate([float(np.mean([each[seed] for each in known])) for seed in seeds])


Counts = tuple[float, float, float]
"""How many there were of what is asked, among how many, and how many there could be."""


def share_over(by_setting: Sequence[Mapping[int, Counts]]) -> Estimate | None:
    """Estimate a share of some things among others, over all runs of all settings.

    A setting counts by the part of what there could be in it that there was, so that large ones do
    not count more, and a few things in one setting no more than they are: with the three counts
    (k, n, c) of each setting, summed over its runs, it is sum k / c over sum n / c. The interval is
    the expanded percentile one, from six seeds on.

    Args:
        by_setting: seed to counts, of each setting.

    Returns:
        None where there are none.
    """
    known = [each for each in by_setting if each]
    seeds = common_seeds(known)
    if not seeds:
        return None
    counts = [np.array([each[seed] for seed in seeds], np.float64).T for each in known]

    def shares(weights: Float64Array) -> Float64Array:
        """Return (at most n_weightings,) float64, of those that have any."""
        some = sum((weights @ k) / (weights @ c) for k, _, c in counts)
        among = sum((weights @ n) / (weights @ c) for _, n, c in counts)
        has_any = among > 0
        return np.asarray(some[has_any] / among[has_any])

    count = len(seeds)
    value = shares(np.full((1, count), 1 / count))
    if not len(value):
        return None
    if count < MIN_RESAMPLED_COUNT:
        return Estimate(float(value[0]), None, None, count)
    low, high = quantile_interval(shares(resampling_weights(count)), count)
    return Estimate(float(value[0]), float(low), float(high), count)
