"""The best few of many clips, in one pass and without sorting them all."""

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, Int16Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel

_BLOCK = 64
"""Clips that are compared with the worst of the best at once, in the lanes of registers."""


@kernel
def count_groups(groups: Int16Array, is_open: BoolArray, counts: IntArray) -> None:
    """Set counts, (n_groups,) int64, to the number of open clips in each group."""
    counts[:] = 0
    for row in range(len(is_open)):
        if is_open[row]:
            counts[groups[row]] += 1


@kernel
def _asks_later(scores: Float32Array, row: int, other: int) -> bool:
    return scores[row] < scores[other] or (scores[row] == scores[other] and row > other)


@kernel
def _sift_down(scores: Float32Array, heap: IntArray, at: int) -> None:
    """Restore a heap, the clip to ask last on top, whose entry `at` may be out of place."""
    count = len(heap)
    while True:
        child = 2 * at + 1
        if child >= count:
            return
        if child + 1 < count and _asks_later(scores, heap[child + 1], heap[child]):
            child += 1
        if not _asks_later(scores, heap[child], heap[at]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@kernel
def best_of_groups(
    scores: Float32Array, groups: Int16Array, is_open: BoolArray, ends: IntArray, out: IntArray
) -> None:
    """Find the open clips of each group with the highest scores; of equals the earlier clips.

    Args:
        scores: (n,) float32.
        groups: (n,) int16.
        is_open: (n,) bool: which clips there are to choose from.
        ends: (n_groups + 1,) int64: group g gets places ends[g] to ends[g + 1] of `out`, at most
            as many as it has open clips.
        out: (ends[-1],) int64, filled with rows in no order.
    """
    filled = ends[:-1].copy()
    for row in range(len(is_open)):
        if not is_open[row]:
            continue
        group = groups[row]
        begin, end = ends[group], ends[group + 1]
        if filled[group] < end:
            out[filled[group]] = row
            filled[group] += 1
            if filled[group] == end:
                heap = out[begin:end]
                for at in range((end - begin) // 2 - 1, -1, -1):
                    _sift_down(scores, heap, at)
        elif begin < end and scores[row] > scores[out[begin]]:
            out[begin] = row
            _sift_down(scores, out[begin:end], 0)


@kernel
def best_of_all(scores: Float32Array, is_open: BoolArray, out: IntArray) -> None:
    """Find the open clips with the highest scores; of equals the earlier clips.

    Args:
        scores: (n,) float32.
        is_open: (n,) bool: which clips there are to choose from, at least as many as in `out`.
        out: (count,) int64, filled with rows in no order.
    """
    row, filled = 0, 0
    while filled < len(out):
        if is_open[row]:
            out[filled] = row
            filled += 1
        row += 1
    if filled == 0:
        return
    for at in range(filled // 2 - 1, -1, -1):
        _sift_down(scores, out, at)
    for begin in range(row, len(is_open), _BLOCK):
        end = min(begin + _BLOCK, len(is_open))
        if not _has_better(scores[begin:end], is_open[begin:end], scores[out[0]]):
            continue
        for other in range(begin, end):
            if is_open[other] and scores[other] > scores[out[0]]:
                out[0] = other
                _sift_down(scores, out, 0)


@kernel
def _has_better(scores: Float32Array, is_open: BoolArray, worst: np.float32) -> bool:
    """Whether an open clip of some has a higher score. It looks at all, in a loop of no branch."""
    found = np.int32(0)
    for row in range(len(scores)):
        found |= np.int32(is_open[row]) & np.int32(scores[row] > worst)
    is_better: bool = found != 0
    return is_better
