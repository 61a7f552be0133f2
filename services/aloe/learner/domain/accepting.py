"""Which predictions may be taken as they are, so that few of them are wrong."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, Float64Array
from aloe.learner.domain.estimating import AccuracyEstimate, chances_of


@dataclass(frozen=True, slots=True, eq=False)
class Acceptance:
    """Predictions that are taken as they are."""

    accepted: BoolArray
    """(n_clips,) bool"""
    expected_error: float | None
    """Mean probability of being wrong over those that are accepted; None without any."""


def accept(probabilities: Float32Array, estimate: AccuracyEstimate, max_error: float) -> Acceptance:
    """Accept as many predictions as may be, the surest first, while few of them are wrong.

    It is the part of all accepted ones that is expected to be wrong which is bounded: some of them
    are less sure than that by themselves. Equal ones are accepted together or not at all.

    Args:
        probabilities: (n_clips, n_classes) float32; NaN where there is no prediction.
        estimate: of the head that predicted.
        max_error: part of the accepted predictions that may be wrong, 0 to 1.
    """
    is_there = ~np.isnan(probabilities).any(axis=1)
    errors = 1 - chances_of(estimate, 1 - probabilities[is_there].max(axis=1))
    found = accept_errors(errors, max_error)
    accepted = np.zeros(len(probabilities), np.bool_)
    accepted[is_there] = found.accepted
    return Acceptance(accepted, found.expected_error)


def accept_errors(errors: Float64Array, max_error: float) -> Acceptance:
    """Accept predictions by how probably each is wrong, (n_clips,) float64; see accept."""
    levels, places, counts = np.unique(errors, return_inverse=True, return_counts=True)
    means = np.cumsum(levels * counts) / np.cumsum(counts)
    # They ascend, so that those within the bound come first.
    level_count = int(np.count_nonzero(means <= max_error))
    return Acceptance(places < level_count, float(means[level_count - 1]) if level_count else None)
