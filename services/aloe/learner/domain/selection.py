"""Selection rules: scores to the order in which clips are asked."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


class SelectionRule(Enum):
    """How a batch is picked by score."""

    CLASS_AWARE = "class-aware"
    CLASS_AGNOSTIC = "class-agnostic"


def rank(
    rule: SelectionRule, *, rows: IntArray, scores: Float32Array, predicted: IntArray
) -> IntArray:
    """Order clips by the rule, the one to ask first in front.

    Class-aware takes the best clip of each predicted class, then the second best of each, and so
    on; within such a turn, and without classes, the higher score comes first and the earlier clip
    breaks a tie.

    Args:
        rule: the selection rule.
        rows: (n,) int64, the clips to order, ascending.
        scores: (n,) float32, their scores.
        predicted: (n,) int64, their predicted classes.

    Returns:
        (n,) int64, `rows` in order.
    """
    by_score = np.lexsort((rows, -scores))
    if rule is SelectionRule.CLASS_AGNOSTIC:
        return rows[by_score]
    turns = _place_within_class(predicted[by_score])
    return rows[by_score[np.argsort(turns, kind="stable")]]


def _place_within_class(predicted: IntArray) -> IntArray:
    """Return for each entry how many entries of its class stand before it."""
    by_class = np.argsort(predicted, kind="stable")
    in_order = predicted[by_class]
    starts = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]][: len(in_order)])
    sizes = np.diff(np.r_[starts, len(in_order)])
    places = np.empty(len(predicted), dtype=np.int64)
    places[by_class] = np.arange(len(in_order)) - np.repeat(starts, sizes)
    return places
