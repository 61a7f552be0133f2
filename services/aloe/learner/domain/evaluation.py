"""How well a head does on labeled clips."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, Float64Array, IntArray
from aloe.learner.domain.label_sets import Targets
from aloe.learner.domain.several_evaluation import (
    ClassFigures,
    class_figures,
    known_accuracy,
    known_loss,
    mean_of,
)

BIN_COUNT = 15
"""Bins of confidence in the calibration error."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one head on one split."""

    clip_count: int
    accuracy: float
    macro_f1: float
    """Unweighted mean over the classes that occur in the labels or the predictions."""
    class_recalls: tuple[float, ...]
    """One per class; NaN for a class with no clip."""
    loss: float
    """Mean cross-entropy, in nats."""
    calibration_error: float | None = None
    """See calibration_error; None of several labels a clip, and of older versions."""
    figures: ClassFigures | None = None
    """Of several labels a clip, where accuracy is that of all that is known of classes."""


def evaluate(probabilities: Float32Array, labels: IntArray) -> Evaluation:
    """Compare predictions with labels.

    Args:
        probabilities: (n_clips, n_classes) float32, n_clips at least 1.
        labels: (n_clips,) int64, class indices.

    Returns:
        The figures.
    """
    clip_count, class_count = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((class_count, class_count), dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    right = np.diagonal(confusion)
    label_counts, predicted_counts = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        recalls = right / label_counts
        f1 = 2 * right / (label_counts + predicted_counts)
    floor = np.finfo(np.float32).tiny
    own = np.maximum(probabilities[np.arange(clip_count), labels], floor)
    return Evaluation(
        clip_count=clip_count,
        accuracy=float(right.sum() / clip_count),
        macro_f1=float(np.nanmean(f1)),
        class_recalls=tuple(float(recall) for recall in recalls),
        loss=float(-np.log(own.astype(np.float64)).mean()),
        calibration_error=calibration_error(probabilities.max(axis=1), predicted == labels),
    )


def evaluate_several(
    probabilities: Float32Array, targets: Targets, thresholds: Float64Array
) -> Evaluation:
    """Compare predictions of several labels a clip with what is known.

    Args:
        probabilities: (n_clips, n_classes) float32, n_clips at least 1.
        targets: (n_clips, n_classes) int8; something is known.
        thresholds: (n_classes,) float64, from which on a clip is predicted to be of a class.

    Returns:
        The figures.
    """
    figures = class_figures(probabilities, targets, thresholds)
    return Evaluation(
        clip_count=len(probabilities),
        accuracy=known_accuracy(probabilities, targets, thresholds),
        macro_f1=mean_of(figures.f1s) or 0.0,
        class_recalls=figures.recalls,
        loss=known_loss(probabilities, targets),
        figures=figures,
    )


def calibration_error(confidences: Float32Array, is_right: BoolArray) -> float:
    """Return the expected calibration error: how far confidence is from accuracy.

    Naeini et al. (2015), with the 15 equal-width bins of Guo et al. (2017): the mean, weighted by
    the clips in it, of each bin's |accuracy - mean confidence|. A bin includes its upper end.

    Args:
        confidences: (n_clips,) float32 in (0, 1], the largest probability of each clip.
        is_right: (n_clips,) bool, whether that class is the label.

    Returns:
        0 to 1.
    """
    wide = confidences.astype(np.float64)
    bins = np.clip(np.ceil(wide * BIN_COUNT).astype(int) - 1, 0, BIN_COUNT - 1)
    gaps = np.bincount(bins, weights=is_right - wide, minlength=BIN_COUNT)
    return float(np.abs(gaps).sum() / len(confidences))
