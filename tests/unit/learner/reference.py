"""The definitions in plain numpy, word for word, that the kernels are held to."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.head import Head
from aloe.values import AcquisitionFunction, SelectionRule

Float64Array = NDArray[np.float64]


def softmax(logits: NDArray[np.floating]) -> Float64Array:
    """Turn (n_clips, n_classes) logits into probabilities."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: Float64Array = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def logits_of(head: Head, embeddings: NDArray[np.float32]) -> Float64Array:
    logits: Float64Array = embeddings.astype(np.float64) @ head.weights + head.biases
    return logits


def smallest_margin(p: Float64Array) -> Float64Array:
    in_order = np.sort(p, axis=1)
    scores: Float64Array = in_order[:, -2] - in_order[:, -1]
    return scores


def largest_margin(p: Float64Array) -> Float64Array:
    scores: Float64Array = 1 - (p.max(axis=1) - p.min(axis=1))
    return scores


def least_confidence(p: Float64Array) -> Float64Array:
    scores: Float64Array = 1 - p.max(axis=1)
    return scores


def entropy(p: Float64Array) -> Float64Array:
    scores: Float64Array = -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1)
    return scores


def norm(p: Float64Array) -> Float64Array:
    nearest = np.eye(p.shape[1])[p.argmax(axis=1)]
    scores: Float64Array = np.sqrt(np.square(p - nearest).sum(axis=1))
    return scores


OF_PROBABILITIES: dict[AcquisitionFunction, Callable[[Float64Array], Float64Array]] = {
    AcquisitionFunction.SMALLEST_MARGIN: smallest_margin,
    AcquisitionFunction.LARGEST_MARGIN: largest_margin,
    AcquisitionFunction.LEAST_CONFIDENCE: least_confidence,
    AcquisitionFunction.ENTROPY: entropy,
    AcquisitionFunction.NORM: norm,
}


def scores_of(function: AcquisitionFunction, logits: Float64Array) -> Float64Array:
    """Score clips by any function but RANDOM."""
    if function is AcquisitionFunction.MARGIN_LOGITS:
        return smallest_margin(logits)
    return OF_PROBABILITIES[function](softmax(logits))


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
