"""How well a head of several labels a clip does: ranking and decisions, class by class."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from aloe.learner.domain.arrays import BoolArray, Float32Array, Float64Array
from aloe.learner.domain.label_sets import NEGATIVE, POSITIVE, Targets

DEFAULT_THRESHOLD = 0.5
LEAST_POSITIVE = 5
"""Validation clips of a class that it takes to choose its threshold."""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Of each class what its probabilities are worth, on the clips of which it is known."""

    average_precisions: tuple[float, ...]
    """NaN for a class that no clip is of."""
    roc_aucs: tuple[float, ...]
    """NaN for a class that no clip, or every one, is of."""
    f1s: tuple[float, ...]
    """At the thresholds; NaN where no clip is of the class, nor predicted to be."""
    recalls: tuple[float, ...]
    """Likewise; NaN for a class that no clip is of."""
    thresholds: tuple[float, ...]
    """A clip is predicted to be of a class from this probability on."""

    @property
    def mean_average_precision(self) -> float | None:
        """Over the classes that have one; None without any."""
        return mean_of(self.average_precisions)

    @property
    def mean_roc_auc(self) -> float | None:
        """Over the classes that have one; None without any."""
        return mean_of(self.roc_aucs)


def class_figures(
    probabilities: Float32Array, targets: Targets, thresholds: Float64Array
) -> ClassFigures:
    """Compare probabilities with what is known.

    Args:
        probabilities: (n_clips, n_classes) float32.
        targets: (n_clips, n_classes) int8.
        thresholds: (n_classes,) float64.
    """
    columns = []
    for index, threshold in enumerate(thresholds.tolist()):
        scores, own = _known(probabilities, targets, index)
        predicted = scores >= threshold
        right, positive = int((predicted & own).sum()), int(own.sum())
        both = int(predicted.sum()) + positive
        columns.append(
            (
                average_precision(scores, own),
                roc_auc(scores, own),
                2 * right / both if both else np.nan,
                right / positive if positive else np.nan,
                threshold,
            )
        )
    return ClassFigures(*zip(*columns, strict=True))


def average_precision(scores: Float32Array, own: BoolArray) -> float:
    """Return the mean precision over recall: sum of (R_k - R_k-1) P_k over thresholds k.

    As scikit-learn has it: no interpolation, and clips of one score come all at once.

    Args:
        scores: (n,) float32.
        own: (n,) bool, whether the clip is of the class.

    Returns:
        0 to 1, NaN where no clip is of the class.
    """
    right, taken, _ = _cuts(scores, own)
    if not len(right) or not right[-1]:
        return float("nan")
    gained = np.diff(right, prepend=0) / right[-1]
    return float((gained * right / taken).sum())


def roc_auc(scores: Float32Array, own: BoolArray) -> float:
    """Return how often a clip of the class comes before one of the others; ties count half.

    Mann and Whitney's U over the number of pairs.

    Args:
        scores: (n,) float32.
        own: (n,) bool, whether the clip is of the class.

    Returns:
        0 to 1, NaN where all clips are of the class or none is.
    """
    positive, negative = int(own.sum()), int((~own).sum())
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(scores)[own].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def chosen_thresholds(probabilities: Float32Array, targets: Targets) -> Float64Array:
    """Return the thresholds of the largest F1 on validation clips, DEFAULT_THRESHOLD for others.

    Lipton, Elkan and Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure",
    2014. A threshold lies in the middle of the last probability that is taken and the next; of
    equally good ones it is the highest.

    Args:
        probabilities: (n_clips, n_classes) float32.
        targets: (n_clips, n_classes) int8. A class has its own threshold where at least
            LEAST_POSITIVE clips are of it, and at least as many are not.

    Returns:
        (n_classes,) float64
    """
    thresholds = np.full(targets.shape[1], DEFAULT_THRESHOLD)
    for index in range(targets.shape[1]):
        scores, own = _known(probabilities, targets, index)
        if min(own.sum(), (~own).sum()) < LEAST_POSITIVE:
            continue
        right, taken, values = _cuts(scores, own)
        best = int(np.argmax(2 * right / (taken + right[-1])))
        below = values[best + 1] if best + 1 < len(values) else 0.0
        thresholds[index] = (values[best] + below) / 2
    return thresholds


def known_accuracy(
    probabilities: Float32Array, targets: Targets, thresholds: Float64Array
) -> float:
    """Return how many of all that is known of clips and classes is predicted right, 0 to 1.

    1 less the Hamming loss; NaN where nothing is known.
    """
    predicted = probabilities >= thresholds
    is_known = targets >= NEGATIVE
    if not is_known.any():
        return float("nan")
    return float((predicted == (targets == POSITIVE))[is_known].mean())


def known_loss(probabilities: Float32Array, targets: Targets) -> float:
    """Return the mean binary cross-entropy of all that is known, in nats; NaN where nothing is."""
    is_known, is_positive = targets >= NEGATIVE, targets == POSITIVE
    floor = np.finfo(np.float32).tiny
    wide = probabilities.astype(np.float64)
    right = np.maximum(np.where(is_positive, wide, 1 - wide), floor)[is_known]
    return float(-np.log(right).mean()) if len(right) else float("nan")


def mean_of(values: tuple[float, ...]) -> float | None:
    """Return the mean of what is no NaN; None without any."""
    there = [value for value in values if not np.isnan(value)]
    return float(np.mean(there)) if there else None


def _known(
    probabilities: Float32Array, targets: Targets, index: int
) -> tuple[Float32Array, BoolArray]:
    is_known = targets[:, index] >= NEGATIVE
    return probabilities[is_known, index], targets[is_known, index] == POSITIVE


def _cuts(scores: Float32Array, own: BoolArray) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return of each place where the clips, by descending score, can be cut, what comes before.

    That is how many are of the class, how many there are, and the last score: (m,) float64 each.
    """
    order = np.argsort(-scores, kind="stable")
    values = scores[order].astype(np.float64)
    ends = np.flatnonzero(np.diff(values, append=-np.inf))
    right, taken = np.cumsum(own[order])[ends], ends + 1
    return right.astype(np.float64), taken.astype(np.float64), values[ends]
