"""Loops over neighbors: which are the nearest, how far they are, and sums over those of a graph."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import Float32Array, Float64Array, Int32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel

Values = NDArray[Any]


@kernel
def places_of_smallest(values: Float32Array, out: IntArray) -> None:
    """Set out, (n, count) int64, to the places of the smallest values of each row, ascending.

    Of equals the earlier is the smaller. There must be as many values, (n, m) float32.
    """
    count = out.shape[1]
    for row in range(values.shape[0]):
        kept = 0
        for column in range(values.shape[1]):
            value = values[row, column]
            if kept == count and value >= values[row, out[row, count - 1]]:
                continue
            at = min(kept, count - 1)
            kept = min(kept + 1, count)
            while at > 0 and values[row, out[row, at - 1]] > value:
                out[row, at] = out[row, at - 1]
                at -= 1
            out[row, at] = column


@kernel
def squared_differences(
    vectors: Float32Array, first: int, near: IntArray, out: Float64Array
) -> None:
    """Set out, (n, count) float64, to the squared distances of rows to others.

    Args:
        vectors: (n_clips, dim) float32.
        first: the first of n rows.
        near: (n, count) int64, the others of each.
        out: filled; 0 between equal vectors.
    """
    for place in range(near.shape[0]):
        for k in range(near.shape[1]):
            total = 0.0
            for d in range(vectors.shape[1]):
                own = np.float64(vectors[first + place, d])
                difference = own - np.float64(vectors[near[place, k], d])
                total += difference * difference
            out[place, k] = total


@kernel
def chebyshev_step(
    weights: Values,
    columns: Int32Array,
    ends: Int32Array,
    now: Values,
    factors: Values,
    out: Values,
) -> None:
    """Set out, (n, m), to factors[0] A now + factors[1] now + factors[2] out.

    All values are float32, or all float64.

    Args:
        weights: (n_joined,), of A, (n, n), row by row.
        columns: (n_joined,) int32, of each weight.
        ends: (n + 1,) int32, where the weights of each row begin and end.
        now: (n, m)
        factors: (3,)
        out: (n, m), replaced.
    """
    count = now.shape[1]
    sums = np.empty_like(now[0])
    for row in range(now.shape[0]):
        sums[:] = 0
        for place in range(ends[row], ends[row + 1]):
            weight, column = weights[place], columns[place]
            for k in range(count):
                sums[k] += weight * now[column, k]
        for k in range(count):
            kept = factors[1] * now[row, k] + factors[2] * out[row, k]
            out[row, k] = factors[0] * sums[k] + kept
