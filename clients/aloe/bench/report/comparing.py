"""Paired comparisons over seeds, corrected for their number."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2
from typing import TypeVar

import numpy as np
from scipy import stats

from aloe.bench.arrays import Float64Array
from aloe.bench.report.intervals import Estimate, mean_estimate

Key = TypeVar("Key", bound=Hashable)

SIGNIFICANCE = 0.05
MIN_SEED_COUNT = 6
"""With fewer pairs no two-sided p can fall below 0.05, so nothing is claimed."""
RESAMPLE_COUNT = 99_999


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two acquisition functions, or two selection rules, over the seeds that both ran."""

    first: str
    second: str
    difference: Estimate
    """Mean of first minus second."""
    p_value: float | None
    """None for fewer than MIN_SEED_COUNT seeds."""
    corrected_p: float | None
    """By Holm, over the comparisons of the same family."""

    @property
    def is_shown(self) -> bool:
        """Whether it may be claimed that the two differ."""
        return self.corrected_p is not None and self.corrected_p <= SIGNIFICANCE


def compare(
    figures: Mapping[str, Mapping[int, float]], pairs: Sequence[tuple[str, str]] | None = None
) -> tuple[Comparison, ...]:
    """Compare competitors in pairs, one family under Holm's correction.

    Args:
        figures: competitor to seed to what is compared, larger is better.
        pairs: of competitors; by default all.

    Returns:
        A comparison per pair; pairs that share no seed are left out.
    """
    found: list[tuple[str, str, Estimate, float | None]] = []
    for first, second in combinations(figures, 2) if pairs is None else pairs:
        one, other = figures.get(first, {}), figures.get(second, {})
        seeds = sorted(one.keys() & other.keys())
        differences = np.array([one[seed] - other[seed] for seed in seeds])
        mean = mean_estimate(differences)
        if mean is not None:
            enough = len(seeds) >= MIN_SEED_COUNT
            found.append((first, second, mean, paired_p(differences) if enough else None))
    tested = {row: p for row, (*_, p) in enumerate(found) if p is not None}
    corrected = holm(tested)
    return tuple(Comparison(*each, corrected.get(row)) for row, each in enumerate(found))


def paired_p(differences: Float64Array) -> float:
    """Return the two-sided p of the sign-flipping permutation test on the mean difference.

    Without an effect each difference may as well have the other sign (Fisher, "The Design of
    Experiments", 1935, section 21). Exact up to 16 seeds, else from 99,999 seeded random flips.

    Args:
        differences: (n_seeds,) float64, at least two.
    """
    result = stats.permutation_test(
        (differences,),
        lambda values, axis: values.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLE_COUNT,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest p that some comparisons over some seeds can reach at all."""

    seed_count: int
    """The largest of the comparisons."""
    comparison_count: int
    """Those with a p value."""
    needed_seed_count: int
    """Seeds that it takes to show any difference."""

    @property
    def smallest_p(self) -> float:
        """The smallest two-sided p of the paired test: that of its patterns, or of its draws."""
        return max(2.0 ** (1 - self.seed_count), 2 / (RESAMPLE_COUNT + 1))

    @property
    def smallest_corrected_p(self) -> float:
        """The smallest p after Holm's correction."""
        return min(1.0, self.smallest_p * self.comparison_count)

    @property
    def is_enough(self) -> bool:
        """Whether any difference could be shown."""
        return self.smallest_corrected_p <= SIGNIFICANCE


def power_of(family: Sequence[Comparison]) -> Power | None:
    """Return what a family of comparisons can show; None where none has a p value."""
    return power_of_seeds(
        [each.difference.run_count for each in family if each.p_value is not None]
    )


def power_of_seeds(seed_counts: Sequence[int]) -> Power | None:
    """Return what a family can show; None for an empty one.

    Args:
        seed_counts: of each comparison that has a p value.
    """
    if not seed_counts:
        return None
    needed = max(MIN_SEED_COUNT, ceil(log2(2 * len(seed_counts) / SIGNIFICANCE)))
    return Power(max(seed_counts), len(seed_counts), needed)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Correct p values for their number by Holm's step-down procedure.

    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6, 1979.
    """
    corrected: dict[Key, float] = {}
    largest = 0.0
    ranked = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (key, p_value) in enumerate(ranked):
        largest = max(largest, min(1.0, (len(ranked) - rank) * p_value))
        corrected[key] = largest
    return corrected
