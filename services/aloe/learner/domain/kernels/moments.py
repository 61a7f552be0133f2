"""What a map is fitted on: means, deviations, distances and products, each summed in a fixed order.

BLAS is not used: what it rounds to depends on its number of threads.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Float64Array
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.mapping import inverse_length, signed_root

_BLOCK = 64
"""Rows that stay in the cache while all their products are added."""


@kernel
def moments(
    vectors: Float32Array, mean: Float64Array, deviation: Float64Array, unit_mean: Float64Array
) -> None:
    """Find the means of signed roots and of unit vectors, and how far the roots deviate.

    A dimension that never varies gets its very value for a mean, and a deviation of exactly 0.

    Args:
        vectors: (n, embedding_dim) float32, n at least 1.
        mean: (embedding_dim,) float64, set to the mean of signed roots.
        deviation: (embedding_dim,) float64, set to their standard deviation.
        unit_mean: (embedding_dim,) float64, set to the mean of unit vectors.
    """
    count, dim = vectors.shape
    mean[:], deviation[:], unit_mean[:] = 0.0, 0.0, 0.0
    first = inverse_length(vectors[0])
    for row in range(count):
        inverse = inverse_length(vectors[row])
        for d in range(dim):
            root = np.float64(signed_root(vectors[row, d]))
            mean[d] += root - np.float64(signed_root(vectors[0, d]))
            unit_mean[d] += np.float64(vectors[row, d]) * inverse - vectors[0, d] * first
    for d in range(dim):
        mean[d] = np.float64(signed_root(vectors[0, d])) + mean[d] / count
        unit_mean[d] = np.float64(vectors[0, d]) * first + unit_mean[d] / count
    for row in range(count):
        for d in range(dim):
            difference = np.float64(signed_root(vectors[row, d])) - mean[d]
            deviation[d] += difference * difference
    for d in range(dim):
        deviation[d] = np.sqrt(deviation[d] / count)


@kernel
def squared_distances(points: Float32Array, out: Float64Array) -> None:
    """Set out, (n, n) float64, to the squared distances of points, (n, dim) float32."""
    for i in range(len(points)):
        out[i, i] = 0.0
        for j in range(i):
            total = 0.0
            for d in range(points.shape[1]):
                difference = np.float64(points[i, d]) - np.float64(points[j, d])
                total += difference * difference
            out[i, j] = out[j, i] = total


@kernel
def centre(rows: Float32Array, mean: Float64Array) -> None:
    """Set mean, (m,) float64, to the mean of rows, (n, m) float32, and subtract it from them."""
    mean[:] = 0.0
    for i in range(len(rows)):
        for j in range(len(mean)):
            mean[j] += rows[i, j]
    for j in range(len(mean)):
        mean[j] /= len(rows)
    for i in range(len(rows)):
        for j in range(len(mean)):
            rows[i, j] = np.float32(rows[i, j] - mean[j])


@kernel
def products_of_columns(rows: Float32Array, out: Float64Array) -> None:
    """Set out, (m, m) float64, to the transpose of rows times rows, (n, m) float32.

    In float64: where they are whitened by a small eigenvalue, float32's rounding would show.
    """
    count, column_count = rows.shape
    block = np.empty((_BLOCK, column_count))
    out[:] = 0.0
    for begin in range(0, count, _BLOCK):
        end = min(begin + _BLOCK, count)
        block[: end - begin] = rows[begin:end]
        block[end - begin :] = 0.0
        for j in range(column_count):
            for i in range(0, _BLOCK, 4):
                x0, x1, x2, x3 = block[i, j], block[i + 1, j], block[i + 2, j], block[i + 3, j]
                for k in range(j, column_count):
                    near = x0 * block[i, k] + x1 * block[i + 1, k]
                    out[j, k] += near + (x2 * block[i + 2, k] + x3 * block[i + 3, k])
    for j in range(column_count):
        for k in range(j):
            out[j, k] = out[k, j]


@kernel
def product(left: Float64Array, right: Float64Array, out: Float64Array) -> None:
    """Set out, (n, m) float64, to left, (n, depth), times right, (depth, m)."""
    out[:] = 0.0
    for i in range(left.shape[0]):
        for d in range(left.shape[1]):
            x = left[i, d]
            for j in range(right.shape[1]):
                out[i, j] += x * right[d, j]
