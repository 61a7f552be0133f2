"""Figures of a head on unanswered clips, for stopping rules and the estimate of its accuracy."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a head, and mostly the one before it, say of some clips."""

    uncertainties: Float32Array
    """(n,) float32, 1 - p1 of the head"""
    predicted: Int16Array
    """(n,) int16, indices of its classes"""
    predicted_before: Int16Array | None
    """(n,) int16, those of the head before; None where that was not asked"""

    def at(self, places: IntArray) -> "Judged":
        """Return what is said of the clips at some places, (m,) int64."""
        before = self.predicted_before
        return Judged(
            self.uncertainties[places],
            self.predicted[places],
            None if before is None else before[places],
        )


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Figures of one head on some clips."""

    prediction_agreement: float | None
    """Cohen's kappa with the head before; None without one."""
    mean_uncertainty: float
    """Mean of 1 - p1."""


def pool_statistics(judged: Judged, class_count: int) -> PoolStatistics | None:
    """Return the figures of what was said of some clips; None without clips."""
    if not len(judged.uncertainties):
        return None
    agreement = None
    if judged.predicted_before is not None:
        agreement = cohens_kappa(judged.predicted, judged.predicted_before, class_count=class_count)
    return PoolStatistics(agreement, float(judged.uncertainties.mean(dtype=np.float64)))


def cohens_kappa(first: Int16Array, second: Int16Array, *, class_count: int) -> float:
    """Return how far two heads agree beyond the chance that their class frequencies give.

    Cohen (1960): (observed - expected) / (1 - expected).

    Args:
        first: (n_clips,) int16, predicted classes, n_clips at least 1.
        second: likewise, of the same clips.
        class_count: number of classes.

    Returns:
        -1 to 1; 1 where both predict the same one class for every clip.
    """
    observed = float(np.mean(first == second))
    shares = [np.bincount(each, minlength=class_count) / len(first) for each in (first, second)]
    expected = float(shares[0] @ shares[1])
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
