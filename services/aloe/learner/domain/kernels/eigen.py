"""Eigenvectors of a symmetric matrix, in one thread: the same bits with any BLAS and any cores.

Householder's tridiagonal form, then implicit QL steps: tred2 and tql2 of Wilkinson & Reinsch,
"Linear Algebra" (1971), on rows in place of columns, so that they vectorise.
"""

import math

import numpy as np

from aloe.learner.domain.arrays import Float64Array
from aloe.learner.domain.kernels.compiling import kernel

_EPSILON = 2.0**-53
_MOST_STEPS = 100
"""For one eigenvalue; two are usual."""


@kernel
def _dot(left: Float64Array, right: Float64Array) -> float:
    total = 0.0
    for j in range(len(left)):
        total += left[j] * right[j]
    return total


@kernel
def _add(target: Float64Array, factor: float, vector: Float64Array) -> None:
    for j in range(len(target)):
        target[j] += factor * vector[j]


@kernel
def _mirror_to_axis(vector: Float64Array) -> float:
    """Replace a vector by the unit normal of the mirror that turns it to the first axis.

    Returns:
        Its first value after that; the vector becomes 0 where it is on the axis already.
    """
    first: float = vector[0]
    rest = _dot(vector[1:], vector[1:])
    if rest == 0:
        vector[:] = 0.0
        return first
    turned = -math.copysign(math.sqrt(first * first + rest), first)
    vector[0] = first - turned
    length = math.sqrt(vector[0] * vector[0] + rest)
    for j in range(len(vector)):
        vector[j] /= length
    return turned


@kernel
def _make_tridiagonal(matrix: Float64Array, diagonal: Float64Array, beside: Float64Array) -> None:
    """Find the tridiagonal form; row k of matrix keeps mirror k right of the diagonal."""
    count = len(matrix)
    work = np.empty(count)
    for k in range(count - 2):
        diagonal[k] = matrix[k, k]
        mirror = matrix[k, k + 1 :]
        beside[k] = _mirror_to_axis(mirror)
        product = work[k + 1 :]
        for i in range(k + 1, count):
            product[i - k - 1] = 2 * _dot(matrix[i, k + 1 :], mirror)
        _add(product, -_dot(product, mirror), mirror)
        for i in range(k + 1, count):
            row = matrix[i, k + 1 :]
            _add(row, -mirror[i - k - 1], product)
            _add(row, -product[i - k - 1], mirror)
    for k in range(max(count - 2, 0), count):
        diagonal[k] = matrix[k, k]
    if count > 1:
        beside[count - 2] = matrix[count - 2, count - 1]
    beside[count - 1] = 0.0


@kernel
def _multiply_mirrors(matrix: Float64Array, out: Float64Array) -> None:
    """Set the rows of out to the basis in which the matrix was tridiagonal."""
    count = len(matrix)
    out[:] = 0.0
    for i in range(count):
        out[i, i] = 1.0
    for k in range(count - 3, -1, -1):
        mirror = matrix[k, k + 1 :]
        for i in range(k + 1, count):
            row = out[i, k + 1 :]
            _add(row, -2 * _dot(row, mirror), mirror)


@kernel
def _rotate(upper: Float64Array, lower: Float64Array, sine: float, cosine: float) -> None:
    for j in range(len(upper)):
        x = lower[j]
        lower[j] = sine * upper[j] + cosine * x
        upper[j] = cosine * upper[j] - sine * x


@kernel
def _step(
    diagonal: Float64Array, beside: Float64Array, vectors: Float64Array, first: int, last: int
) -> None:
    """Take one QL step on the block from first to last."""
    g = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first])
    g = (
        diagonal[last]
        - diagonal[first]
        + beside[first] / (g + math.copysign(math.hypot(g, 1.0), g))
    )
    sine, cosine, shift = 1.0, 1.0, 0.0
    for i in range(last - 1, first - 1, -1):
        f, b = sine * beside[i], cosine * beside[i]
        r = math.hypot(f, g)
        beside[i + 1] = r
        if r == 0:
            diagonal[i + 1] -= shift
            beside[last] = 0.0
            return
        sine, cosine = f / r, g / r
        g = diagonal[i + 1] - shift
        r = (diagonal[i] - g) * sine + 2 * cosine * b
        shift = sine * r
        diagonal[i + 1] = g + shift
        g = cosine * r - b
        _rotate(vectors[i], vectors[i + 1], sine, cosine)
    diagonal[first] -= shift
    beside[first] = g
    beside[last] = 0.0


@kernel
def eigenvectors(matrix: Float64Array, values: Float64Array, vectors: Float64Array) -> None:
    """Find all eigenvalues, in no order, and their eigenvectors.

    Args:
        matrix: (n, n) float64, symmetric and finite; destroyed.
        values: (n,) float64, set to the eigenvalues, within some 1e-15 of the largest.
        vectors: (n, n) float64, its rows set to their unit eigenvectors.
    """
    count = len(matrix)
    beside = np.zeros(count)
    _make_tridiagonal(matrix, values, beside)
    _multiply_mirrors(matrix, vectors)
    largest = 0.0
    for k in range(count):
        largest = max(largest, abs(values[k]) + abs(beside[k]))
    for first in range(count):
        for _ in range(_MOST_STEPS):
            last = first
            while last < count - 1 and abs(beside[last]) > _EPSILON * largest:
                last += 1
            if last == first:
                break
            _step(values, beside, vectors, first, last)
