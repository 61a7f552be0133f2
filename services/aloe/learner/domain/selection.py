"""Selection rules: scores to the order in which clips are asked."""

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, Int16Array, IntArray
from aloe.learner.domain.kernels.picking import best_of_all, best_of_groups, count_groups
from aloe.values.strategies import SelectionRule

_BLOCK = 1024
"""Rows looked at in one step; a few steps mostly find enough open clips."""


def first_clips(
    rule: SelectionRule,
    *,
    scores: Float32Array,
    predicted: Int16Array,
    is_open: BoolArray,
    class_count: int,
    count: int,
) -> IntArray:
    """Order the open clips by the rule and return the first ones.

    Class-aware takes the best clip of each predicted class, then the second best of each, and so
    on; within such a turn, and without classes, the higher score comes first and the earlier clip
    breaks a tie.

    Args:
        rule: the selection rule.
        scores: (n_clips,) float32.
        predicted: (n_clips,) int16, predicted classes.
        is_open: (n_clips,) bool, the clips to choose from.
        class_count: number of classes.
        count: how many to return, if there are so many.

    Returns:
        (at most count,) int64, rows, the one to ask first in front.
    """
    if rule is not SelectionRule.CLASS_AWARE:
        rows = np.empty(min(count, int(np.count_nonzero(is_open))), np.int64)
        best_of_all(scores, is_open, rows)
        in_order: IntArray = rows[np.lexsort((rows, -scores[rows]))]
        return in_order
    sizes = np.empty(class_count, np.int64)
    count_groups(predicted, is_open, sizes)
    # A clip in the first `turns` turns is among the best `turns` of its class.
    ends = np.r_[0, np.minimum(sizes, _turns(sizes, count)).cumsum()]
    rows = np.empty(ends[-1], np.int64)
    best_of_groups(scores, predicted, is_open, ends, rows)
    return rows[_order(scores[rows], predicted[rows], rows)][:count]


def first_open(order: IntArray, is_open: BoolArray, count: int) -> IntArray:
    """Return the first open clips of a given order.

    Args:
        order: (n_clips,) int64, every row once.
        is_open: (n_clips,) bool, the clips to choose from.
        count: how many to return, if there are so many.

    Returns:
        (at most count,) int64, rows.
    """
    found = [np.empty(0, np.int64)]
    for begin in range(0, len(order), _BLOCK):
        block = order[begin : begin + _BLOCK]
        found.append(block[is_open[block]])
        count -= len(found[-1])
        if count <= 0:
            found[-1] = found[-1][: len(found[-1]) + count]
            break
    return np.concatenate(found)


def _turns(sizes: IntArray, count: int) -> int:
    """Return how many turns it takes until `count` clips, or all, have been taken."""
    low, high = 0, int(sizes.max())
    while low < high:
        middle = (low + high) // 2
        if np.minimum(sizes, middle).sum() < count:
            low = middle + 1
        else:
            high = middle
    return low


def _order(scores: Float32Array, groups: Int16Array, rows: IntArray) -> IntArray:
    """Sort by turn, score and row; return places in `rows`."""
    in_group = np.lexsort((rows, -scores, groups))
    starts = np.searchsorted(groups[in_group], groups[in_group])
    turns = np.empty(len(rows), np.int64)
    turns[in_group] = np.arange(len(rows)) - starts
    return np.lexsort((rows, -scores, turns))
