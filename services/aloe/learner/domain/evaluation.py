"""How well a head does on labeled clips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


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
    labeled, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        recalls = right / labeled
        f1 = 2 * right / (labeled + answered)
    floor = np.finfo(np.float32).tiny
    own = np.maximum(probabilities[np.arange(clip_count), labels], floor)
    return Evaluation(
        clip_count=clip_count,
        accuracy=float(right.sum() / clip_count),
        macro_f1=float(np.nanmean(f1)),
        class_recalls=tuple(float(recall) for recall in recalls),
        loss=float(-np.log(own.astype(np.float64)).mean()),
    )
