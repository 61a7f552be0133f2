"""Greedy covers: the candidate that adds most to what is covered, again and again."""

import numpy as np

from aloe.learner.domain.arrays import BoolArray, Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel

_ZERO = np.float32(0)


@kernel
def _comes_first(bounds: Float32Array, place: int, other: int) -> bool:
    return bounds[place] > bounds[other] or (bounds[place] == bounds[other] and place < other)


@kernel
def sift_down(bounds: Float32Array, heap: IntArray, size: int) -> None:
    """Restore a heap of places, the highest bound on top, whose top may be out of place.

    Args:
        bounds: (m,) float32, by place; of equals the lower place is on top.
        heap: (at least size,) int64, places.
        size: how many are in the heap.
    """
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _comes_first(bounds, heap[child + 1], heap[child]):
            child += 1
        if not _comes_first(bounds, heap[child], heap[at]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@kernel
def cover_greedily(
    similarities: Float32Array,
    weights: Float32Array,
    cover: Float32Array,
    is_open: BoolArray,
    places: IntArray,
    gains: Float32Array,
) -> None:
    """Pick the candidates that raise the cover most, each after the ones before it.

    The gain of a candidate, sum_r weights_r max(similarities_cr - cover_r, 0), never grows while
    the cover does, also as it is rounded: all terms are added in one order. So an old gain bounds
    the new one, and only the candidates on top of a heap are computed again (Minoux, "Accelerated
    greedy algorithms for maximizing submodular set functions", 1978).

    Args:
        similarities: (m, r) float32.
        weights: (r,) float32, not negative.
        cover: (r,) float32, raised to what the picks cover.
        is_open: (m,) bool, the candidates to pick from.
        places: (count,) int64, filled; there must be as many open candidates.
        gains: (count,) float32, filled with the gain of each.
    """
    bounds = np.full(len(is_open), np.inf, np.float32)
    computed_for = np.full(len(is_open), -1, np.int64)
    heap = np.flatnonzero(is_open)
    size = len(heap)
    for k in range(len(places)):
        top = heap[0]
        while computed_for[top] != k:
            gain = _ZERO
            for r in range(len(cover)):
                gain += weights[r] * max(similarities[top, r] - cover[r], _ZERO)
            bounds[top] = gain
            computed_for[top] = k
            sift_down(bounds, heap, size)
            top = heap[0]
        places[k], gains[k] = top, bounds[top]
        for r in range(len(cover)):
            cover[r] = max(cover[r], similarities[top, r])
        size -= 1
        heap[0] = heap[size]
        sift_down(bounds, heap, size)
