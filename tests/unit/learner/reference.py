"""In plain Python and numpy, word for word, what the kernels are held to."""

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.acquisition import FORMULAS, SoftmaxRow
from aloe.learner.domain.head import Head
from aloe.values.strategies import AcquisitionFunction, SelectionRule

Float64Array = NDArray[np.float64]


def softmax(logits: NDArray[np.floating]) -> Float64Array:
    """Turn (n_clips, n_classes) logits into probabilities."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: Float64Array = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def logits_of(head: Head, embeddings: NDArray[np.float32]) -> Float64Array:
    logits: Float64Array = embeddings.astype(np.float64) @ head.weights + head.biases
    return logits


def softmax_row(logits: NDArray[np.floating]) -> SoftmaxRow:
    """Reduce the logits of one clip, (n_classes,), to what the formulas are made of."""
    z = logits.astype(np.float64)
    rest = np.delete(z - z.max(), z.argmax())
    q = np.exp(rest)
    return SoftmaxRow(-rest.max(), q.max(), q.min(), q.sum(), (q * q).sum(), -(q * rest).sum())


def scores_of(function: AcquisitionFunction, logits: Float64Array) -> Float64Array:
    """Score clips, (n_clips, n_classes) logits, by the formula of any function but RANDOM."""
    return np.array([FORMULAS[function](softmax_row(row)) for row in logits])


def order_of(rule: SelectionRule, clips: list[tuple[int, float, int]]) -> list[int]:
    """Order clips, (row, score, predicted class) each, as the rule is worded."""
    waiting = sorted(clips, key=lambda clip: (-clip[1], clip[0]))
    if rule is SelectionRule.CLASS_AGNOSTIC:
        return [row for row, _, _ in waiting]
    taken = []
    while waiting:
        turn, classes = [], set()
        for clip in waiting:
            if clip[2] not in classes:
                classes.add(clip[2])
                turn.append(clip)
        waiting = [clip for clip in waiting if clip not in turn]
        taken += [row for row, _, _ in turn]
    return taken
