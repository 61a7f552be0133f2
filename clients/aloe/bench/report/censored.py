"""Waiting times of which some are only known to be longer than a run, and their median.

A run that never reaches what it is asked for within its labels is censored at its end: it counts
as later than that, and is never left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import stats

from aloe.bench.arrays import Float64Array
from aloe.bench.report.intervals import LEVEL, Estimate


@dataclass(frozen=True, slots=True)
class Wait:
    """How many labels or clips a run took for something."""

    count: float
    """Infinity where it never got there."""
    end: float
    """Of the run: what a count of infinity exceeds."""


def survival(waits: Sequence[Wait]) -> tuple[Float64Array, Float64Array]:
    """Return the Kaplan-Meier estimate of the part that still waits.

    E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", Journal of
    the American Statistical Association 53, 1958: the product over the counts t at which some
    arrive of 1 - arrivals / waits that lasted at least t.

    Returns:
        Counts at which some arrive, (n,) float64 ascending, and the part that waits longer, (n,).
    """
    counts = np.array([each.count for each in waits])
    lasted = np.minimum(counts, [each.end for each in waits])
    times = np.unique(counts[np.isfinite(counts)])
    at_risk = (lasted >= times[:, np.newaxis]).sum(axis=1)
    arrivals = (counts == times[:, np.newaxis]).sum(axis=1)
    return times, np.cumprod(1 - arrivals / at_risk)


def median_wait(waits: Sequence[Wait]) -> Estimate:
    """Estimate a median by Kaplan and Meier, infinity where more than half still wait at the end.

    Where the curve is level at one half the median is the middle of that stretch. The interval is
    that of order statistics, read off the same curve: from the k-th smallest to the k-th largest
    count it covers the median with a probability that the binomial distribution gives, whatever
    the distribution of the counts (Conover, "Practical Nonparametric Statistics", 1999, section
    3.2); exact where no run ends before a later arrival of another. There is none of 95 % for
    fewer than six runs.

    Args:
        waits: of one or more runs.
    """
    run_count = len(waits)
    times, waiting = survival(waits)
    k = int(stats.binom.ppf((1 - LEVEL) / 2, run_count, 0.5))
    first, past = _first_below(times, waiting, 0.5), _first_below(times, waiting, 0.5, strict=True)
    median = (first + past) / 2
    if k == 0:
        return Estimate(median, None, None, run_count)
    low = _first_below(times, waiting, 1 - k / run_count)
    high = _first_below(times, waiting, (k - 1) / run_count)
    return Estimate(median, low, high, run_count)


def _first_below(
    times: Float64Array, waiting: Float64Array, part: float, *, strict: bool = False
) -> float:
    """Return the first count at which at most, or strictly less than, a part waits longer."""
    # Products of fractions miss the part by a rounding error.
    reached = waiting < part - 1e-9 if strict else waiting <= part + 1e-9
    return float(times[reached.argmax()]) if reached.any() else inf


@dataclass(frozen=True, slots=True)
class Waited:
    """How long some runs waited."""

    median: Estimate
    """Infinity for never."""
    arrived_count: int
    """Runs that got there."""
    last_count: int
    """What the median exceeds where it is infinite: the end of the first run to end that never got
    there. Where all did, the end of the last run."""


def waited(waits: Sequence[Wait]) -> Waited:
    """Sum up the waits of one or more runs."""
    censored = [wait.end for wait in waits if wait.count == inf]
    return Waited(
        median=median_wait(waits),
        arrived_count=len(waits) - len(censored),
        last_count=int(min(censored) if censored else max(wait.end for wait in waits)),
    )
