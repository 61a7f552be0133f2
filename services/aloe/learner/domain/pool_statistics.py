"""Figures of a head on unanswered clips, for stopping rules and the estimate of its accuracy."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement
from aloe.values.strategies import AcquisitionFunction


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """Figures of one head on some clips."""

    prediction_agreement: float | None
    """Cohen's kappa with the head before; None without one."""
    mean_uncertainty: float
    """Mean of 1 - p1."""
    uncertainties: Float32Array
    """(n_clips,) float32, 1 - p1"""


def pool_statistics(
    head: Head, previous: Head | None, embeddings: Float32Array, rows: IntArray
) -> PoolStatistics | None:
    """Judge some clips in one thread. The same arguments give the same bits on one machine.

    Args:
        head: the newest.
        previous: the one before it, of the same task; None without one.
        embeddings: (n_clips, embedding_dim) float32.
        rows: (n,) int64, of embeddings.

    Returns:
        The figures; None without clips.
    """
    if not len(rows):
        return None
    heads = [head] if previous is None else [head, previous]
    judges = [Judge(each, AcquisitionFunction.LEAST_CONFIDENCE) for each in heads]
    judgement = Judgement(judges, embeddings, rows)
    judgement.share(0, len(rows))
    agreement = None
    if previous is not None:
        agreement = cohens_kappa(*judgement.predicted, class_count=len(head.biases))
    uncertainties = judgement.scores[0]
    return PoolStatistics(agreement, float(uncertainties.mean(dtype=np.float64)), uncertainties)


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
