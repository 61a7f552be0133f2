"""Ratios of waiting times under the same seeds, where some runs never got there."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import chain
from math import exp, inf
from typing import TypeVar

import numpy as np
from scipy import stats

from aloe.bench.arrays import Float64Array
from aloe.bench.report.censored import Wait
from aloe.bench.report.comparing import MIN_SEED_COUNT, RESAMPLE_COUNT, SIGNIFICANCE, holm
from aloe.bench.report.intervals import (
    MIN_RESAMPLED_COUNT,
    Estimate,
    quantile_interval,
    resampling_weights,
)

Key = TypeVar("Key", bound=Hashable)


class Bound(Enum):
    """How a ratio stands to the one that longer runs would give."""

    EXACT = "exact"
    AT_MOST = "at most"
    """Runs of the baseline are cut off, so that it needs more than was counted."""
    AT_LEAST = "at least"
    """Runs of the other are cut off."""
    RESTRICTED = "restricted"
    """Runs of both are: it is a ratio of means up to the limit alone."""


@dataclass(frozen=True, slots=True)
class WaitRatio:
    """The mean wait of an arm over that of a baseline: below one it needs less."""

    ratio: Estimate | None
    """None where no run of either got there within the limit."""
    bound: Bound
    limit: float | None
    """What counts were cut off at; None where every run got there."""
    p_value: float | None
    """Two-sided, paired; None for fewer than MIN_SEED_COUNT seeds."""
    corrected_p: float | None = None
    """By Holm, over the ratios of the same family."""

    @property
    def is_shown(self) -> bool:
        """Whether it may be claimed that the two differ."""
        return self.corrected_p is not None and self.corrected_p <= SIGNIFICANCE


@dataclass(frozen=True, eq=False)
class PairedWaits:
    """Waits of two arms under the same seeds, counted up to a limit that all runs allow.

    The limit is the end of the shortest run that never got there. Up to it every count is known,
    so that restricted means need no model of what comes later (P. Royston and M. K. B. Parmar,
    "Restricted Mean Survival Time", BMC Medical Research Methodology 13, 2013).
    """

    first: tuple[tuple[Wait, ...], ...]
    """For each seed, one or more, the waits of its run, one or more, of which the mean counts."""
    second: tuple[tuple[Wait, ...], ...]
    """Of the baseline, of the same seeds in the same order."""

    @classmethod
    def of_one(cls, first: Iterable[Wait], second: Iterable[Wait]) -> "PairedWaits":
        """Pair runs that wait for one thing."""
        return cls(tuple((wait,) for wait in first), tuple((wait,) for wait in second))

    @cached_property
    def limit(self) -> float:
        """Infinity where every run got there."""
        every = chain.from_iterable((*self.first, *self.second))
        return min((wait.end for wait in every if wait.count == inf), default=inf)

    @property
    def bound(self) -> Bound:
        is_first_cut, is_second_cut = (
            any(wait.count > self.limit for wait in chain.from_iterable(waits))
            for waits in (self.first, self.second)
        )
        if is_first_cut and is_second_cut:
            return Bound.RESTRICTED
        if is_first_cut:
            return Bound.AT_LEAST
        return Bound.AT_MOST if is_second_cut else Bound.EXACT

    @property
    def seed_count(self) -> int:
        return len(self.first)

    @property
    def is_known(self) -> bool:
        every = chain.from_iterable((*self.first, *self.second))
        return any(wait.count <= self.limit for wait in every)

    @cached_property
    def counts(self) -> tuple[Float64Array, Float64Array]:
        """Of both, each (n_seeds,) float64, none above the limit."""
        first, second = (
            np.array([np.mean([min(each.count, self.limit) for each in of]) for of in waits])
            for waits in (self.first, self.second)
        )
        return first, second

    def log_ratios(self, weights: Float64Array) -> Float64Array:
        """Return the logarithm of the ratio of restricted means, for each weighting of the seeds.

        Args:
            weights: (n_weightings, n_seeds) float64, each row sums to one.
        """
        first, second = self.counts
        return np.asarray(np.log(weights @ first) - np.log(weights @ second))


def ratio_of(pairs: PairedWaits) -> WaitRatio:
    """Return the ratio of two arms, its p not corrected yet."""
    return WaitRatio(
        ratio=geometric_mean([pairs]) if pairs.is_known else None,
        bound=pairs.bound,
        limit=None if pairs.limit == inf else pairs.limit,
        p_value=swapped_p([pairs]) if pairs.is_known else None,
    )


def mean_ratio(settings: Sequence[PairedWaits]) -> WaitRatio:
    """Return the geometric mean of the ratios of settings, its p not corrected yet.

    Args:
        settings: one or more, each with a ratio.
    """
    return WaitRatio(
        ratio=geometric_mean(settings),
        bound=joint_bound([each.bound for each in settings]),
        limit=None,
        p_value=swapped_p(settings),
    )


def geometric_mean(settings: Sequence[PairedWaits]) -> Estimate:
    """Return the geometric mean of ratios, with a bootstrap over the seeds of these settings.

    The interval is the expanded percentile one, with six seeds or more in every setting. It is
    about these settings, for others than which it says nothing.

    Args:
        settings: one or more, each with a ratio.
    """
    seed_count = min(pairs.seed_count for pairs in settings)
    value = exp(np.mean([pairs.log_ratios(_equal(pairs))[0] for pairs in settings]))
    if seed_count < MIN_RESAMPLED_COUNT:
        return Estimate(value, None, None, seed_count)
    # Settings with the same seeds are resampled together: tasks on one pool share their splits.
    resampled = np.mean(
        [pairs.log_ratios(resampling_weights(pairs.seed_count)) for pairs in settings], axis=0
    )
    low, high = np.exp(quantile_interval(resampled, seed_count))
    return Estimate(value, float(low), float(high), seed_count)


def swapped_p(settings: Sequence[PairedWaits]) -> float | None:
    """Return the two-sided p of the paired permutation test on the mean logarithm of the ratios.

    Without an effect the two arms may as well change places under any seed (Fisher, "The Design
    of Experiments", 1935, section 21). Exact up to 16 pairs, else from 99,999 seeded random swaps.

    Returns:
        None where a setting has fewer than MIN_SEED_COUNT seeds.
    """
    if min(pairs.seed_count for pairs in settings) < MIN_SEED_COUNT:
        return None
    starts = np.cumsum([0, *(pairs.seed_count for pairs in settings)])[:-1]

    def statistic(first: Float64Array, second: Float64Array, axis: int) -> Float64Array:
        sums = (np.add.reduceat(counts, starts, axis=axis) for counts in (first, second))
        one, other = (np.log(each) for each in sums)
        return np.asarray((one - other).mean(axis=axis))

    result = stats.permutation_test(
        tuple(np.concatenate(counts) for counts in zip(*(p.counts for p in settings), strict=True)),
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLE_COUNT,
        batch=10_000,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def corrected(ratios: Mapping[Key, WaitRatio]) -> dict[Key, WaitRatio]:
    """Correct the p values of a family for their number."""
    p_values = holm({key: e.p_value for key, e in ratios.items() if e.p_value is not None})
    return {key: replace(each, corrected_p=p_values.get(key)) for key, each in ratios.items()}


def joint_bound(bounds: Sequence[Bound]) -> Bound:
    """Return how a mean of ratios stands to the one that longer runs would give."""
    found = set(bounds) - {Bound.EXACT}
    if not found:
        return Bound.EXACT
    return found.pop() if len(found) == 1 else Bound.RESTRICTED


def _equal(pairs: PairedWaits) -> Float64Array:
    return np.full((1, pairs.seed_count), 1 / pairs.seed_count)
