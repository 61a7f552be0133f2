"""How far the learner's estimates of accuracy, without validation labels, are from the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.runs import Run

LABEL_COUNTS = (50, 100, 200, 400)
"""Where estimates are looked at."""
_NEAR = 0.9
"""Rounds end at other label counts: a head of that part of the labels, at least, stands for it."""


@dataclass(frozen=True, slots=True)
class EstimateError:
    """Estimates of the heads of one query strategy's runs at a label count.

    The truth is the accuracy on the test clips, which are not many: it is uncertain itself.
    """

    name: str
    """Of the query strategy."""
    label_count: int
    run_count: int
    absolute_error: Estimate
    """Mean distance from the truth, 0 to 1."""
    error: Estimate
    """Mean of estimate minus truth; below 0 the learner claims too little."""
    covered: float
    """Part of the runs whose interval holds the truth."""
    width: float
    """Mean width of the intervals, 0 to 1."""


def estimate_errors(name: str, runs: Sequence[Run]) -> tuple[EstimateError, ...]:
    """Compare estimates with the truth at each of LABEL_COUNTS that runs came to."""
    found = (_at(name, count, runs) for count in LABEL_COUNTS)
    return tuple(each for each in found if each is not None)


def _at(name: str, label_count: int, runs: Sequence[Run]) -> EstimateError | None:
    rows = [row for run in runs if (row := _head_at(run, label_count)) is not None]
    if not rows:
        return None
    truth, value, low, high = np.array(rows).T
    absolute, error = mean_estimate(abs(value - truth)), mean_estimate(value - truth)
    if absolute is None or error is None:
        return None
    return EstimateError(
        name=name,
        label_count=label_count,
        run_count=len(rows),
        absolute_error=absolute,
        error=error,
        covered=float(((low <= truth) & (truth <= high)).mean()),
        width=float((high - low).mean()),
    )


def _head_at(run: Run, label_count: int) -> tuple[float, ...] | None:
    """Return truth, estimate and interval of the last head up to a label count."""
    names = ("test_accuracy", "estimated_accuracy", "estimated_low", "estimated_high")
    places = np.flatnonzero(run.labels <= label_count)
    if not len(places) or run.labels[places[-1]] < _NEAR * label_count:
        return None
    figures = tuple(float(run.figures[name][places[-1]]) for name in names)
    return figures if np.isfinite(figures).all() else None
