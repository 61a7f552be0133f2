"""Paired comparisons over seeds, corrected for their number."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2
from typing import TypeVar

import numpy as np
from scipy import stats

from aloe.bench.report.intervals import Estimate, FloatArray, mean_estimate

Key = TypeVar("Key", bound=Hashable)

SIGNIFICANCE = 0.05
MIN_SEED_COUNT = 6
"""With fewer pairs no two-sided p can fall below 0.05, so nothing is claimed."""
_RESAMPLE_COUNT = 99_999


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two competitors over the seeds that both ran."""

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
        """Whether the statistics carry the claim that the two differ."""
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
        seeds = sorted(figures[first].keys() & figures[second].keys())
        differences = np.array([figures[first][seed] - figures[second][seed] for seed in seeds])
        mean = mean_estimate(differences)
        if mean is not None:
            enough = len(seeds) >= MIN_SEED_COUNT
            found.append((first, second, mean, paired_p(differences) if enough else None))
    tested = {row: p for row, (*_, p) in enumerate(found) if p is not None}
    corrected = holm(tested)
    return tuple(Comparison(*each, corrected.get(row)) for row, each in enumerate(found))


def paired_p(differences: FloatArray) -> float:
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
        n_resamples=_RESAMPLE_COUNT,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def smallest_p(seed_count: int) -> float:
    """Return the smallest two-sided p that the paired test can give."""
    return float(2.0 ** (1 - seed_count))


def needed_seed_count(comparison_count: int) -> int:
    """Return how many seeds it takes to show anything after Holm's correction."""
    return max(MIN_SEED_COUNT, ceil(log2(2 * comparison_count / SIGNIFICANCE)))


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
