"""Squared distances between many vectors, by tiles of products or by differences."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.dense import BLOCK, exp, logits_of_block

_ZERO, _TWO = np.float32(0), np.float32(2)
_RESOLUTION = np.float32(1e-6)
"""Of |x|^2 + |y|^2: less is what rounding leaves of the distance of equal vectors."""


@kernel
def distances_by_products(
    vectors: Float32Array,
    rows: IntArray,
    squares: Float32Array,
    packed: Float32Array,
    packed_squares: Float32Array,
    out: Float32Array,
) -> None:
    """Set out, (n_points, n) float32, to |x|^2 + |y|^2 - 2 xy; to 0 where that is but rounding.

    Args:
        vectors: (n, dim) float32.
        rows: (n,) int64, 0 to n - 1.
        squares: (n,) float32, |x|^2 of the vectors.
        packed: (n_padded_points, dim) float32, padded as a head's classes are.
        packed_squares: (n_points,) float32, |y|^2 of the points.
        out: filled, a point a row.
    """
    products = np.empty((packed.shape[0], BLOCK), np.float32)
    biases = np.zeros(packed.shape[0], np.float32)
    for begin in range(0, len(rows), BLOCK):
        end = min(begin + BLOCK, len(rows))
        logits_of_block(vectors, rows, begin, end, packed, biases, products)
        for point in range(out.shape[0]):
            for i in range(end - begin):
                total = packed_squares[point] + squares[begin + i]
                distance = total - _TWO * products[point, i]
                out[point, begin + i] = distance if distance > _RESOLUTION * total else _ZERO


@kernel
def nearer_of(vectors: Float32Array, point: Float32Array, nearest: Float32Array) -> None:
    """Lower nearest, (n,) float32, to the squared distance of point, (dim,), where that is less.

    By differences: exactly 0 for equal vectors.
    """
    for row in range(len(nearest)):
        total = _ZERO
        for d in range(len(point)):
            difference = vectors[row, d] - point[d]
            total += difference * difference
        nearest[row] = min(nearest[row], total)


@kernel
def to_gaussian(distances: Float32Array, width: float) -> None:
    """Turn squared distances d, (n, m) float32, into e^(-d / width), in place."""
    factor = np.float32(-1 / width)
    for row in range(distances.shape[0]):
        for column in range(distances.shape[1]):
            distances[row, column] = exp(distances[row, column] * factor)


@kernel
def smallest_of_rows(values: Float32Array, out: Float32Array) -> None:
    """Set out, (n, count) float32, to the smallest values, (n, m) float32, of each row, ascending.

    There must be as many.
    """
    count = out.shape[1]
    for row in range(values.shape[0]):
        kept = 0
        for column in range(values.shape[1]):
            value = values[row, column]
            if kept == count and value >= out[row, count - 1]:
                continue
            at = min(kept, count - 1)
            kept = min(kept + 1, count)
            while at > 0 and out[row, at - 1] > value:
                out[row, at] = out[row, at - 1]
                at -= 1
            out[row, at] = value


@kernel
def cosines_with(vectors: Float32Array, direction: Float32Array, out: Float32Array) -> None:
    """Set out, (n,) float32, to the products of direction, (dim,), and the unit vectors.

    Args:
        vectors: (n, dim) float32.
        direction: (dim,) float32.
        out: filled; 0 for a vector of length 0.
    """
    for row in range(len(out)):
        square = product = _ZERO
        for d in range(len(direction)):
            square += vectors[row, d] * vectors[row, d]
            product += vectors[row, d] * direction[d]
        out[row] = product / np.sqrt(square) if square > _ZERO else _ZERO
