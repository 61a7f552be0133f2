"""Gradient embeddings and Fisher information of a head's weights, without writing them out.

Both are products of a vector and of what the class probabilities say: (n_classes, dim) of a clip.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.covering import sift_down

_ZERO, _TWO = np.float32(0), np.float32(2)
_RESOLUTION = np.float32(1e-6)
"""Of |g|^2 + |h|^2: less is what rounding leaves of the distance of equal gradients."""


@kernel
def nearer_gradients(
    vectors: Float32Array,
    errors: Float32Array,
    vector: Float32Array,
    error: Float32Array,
    nearest: Float32Array,
) -> None:
    """Lower nearest to the squared distance of a gradient, where that is less.

    |a x^T - b y^T|^2 = |a|^2 |x|^2 + |b|^2 |y|^2 - 2 (a b) (x y).

    Args:
        vectors: (n, dim) float32, x.
        errors: (n, n_classes) float32, a.
        vector: (dim,) float32, y.
        error: (n_classes,) float32, b.
        nearest: (n,) float32.
    """
    own_vector = own_error = _ZERO
    for d in range(len(vector)):
        own_vector += vector[d] * vector[d]
    for c in range(len(error)):
        own_error += error[c] * error[c]
    for row in range(len(nearest)):
        square = product = _ZERO
        for d in range(len(vector)):
            square += vectors[row, d] * vectors[row, d]
            product += vectors[row, d] * vector[d]
        error_square = error_product = _ZERO
        for c in range(len(error)):
            error_square += errors[row, c] * errors[row, c]
            error_product += errors[row, c] * error[c]
        total = square * error_square + own_vector * own_error
        distance = total - _TWO * product * error_product
        nearest[row] = min(nearest[row], distance if distance > _RESOLUTION * total else _ZERO)


@kernel
def add_information(variances: Float32Array, squares: Float32Array, out: Float32Array) -> None:
    """Add the information of clips, the diagonal of each, to out, (n_classes, dim) float32.

    Args:
        variances: (n, n_classes) float32, p (1 - p).
        squares: (n, dim) float32, x^2 by value.
        out: raised by sum_n variances_nk squares_nd.
    """
    for row in range(len(variances)):
        for c in range(out.shape[0]):
            variance = variances[row, c]
            for d in range(out.shape[1]):
                out[c, d] += variance * squares[row, d]


@kernel
def inform_greedily(
    variances: Float32Array,
    squares: Float32Array,
    wanted: Float32Array,
    precision: Float32Array,
    places: IntArray,
    gains: Float32Array,
) -> None:
    """Pick the clips that lower sum wanted / precision most, each after the ones before it.

    The gain of a clip of information f, sum wanted f / (precision (precision + f)), never grows
    while the precision does: see cover_greedily for how that is used.

    Args:
        variances: (m, n_classes) float32, p (1 - p).
        squares: (m, dim) float32, x^2 by value.
        wanted: (n_classes, dim) float32, not negative.
        precision: (n_classes, dim) float32, positive; raised by what the picks tell.
        places: (count,) int64, filled; at most m.
        gains: (count,) float32, filled with the gain of each.
    """
    bounds = np.full(len(squares), np.inf, np.float32)
    computed_for = np.full(len(squares), -1, np.int64)
    heap = np.arange(len(squares))
    size = len(heap)
    for k in range(len(places)):
        top = heap[0]
        while computed_for[top] != k:
            gain = _ZERO
            for c in range(wanted.shape[0]):
                variance = variances[top, c]
                for d in range(wanted.shape[1]):
                    before, told = precision[c, d], variance * squares[top, d]
                    gain += (wanted[c, d] / before) * (told / (before + told))
            bounds[top] = gain
            computed_for[top] = k
            sift_down(bounds, heap, size)
            top = heap[0]
        places[k], gains[k] = top, bounds[top]
        add_information(variances[top : top + 1], squares[top : top + 1], precision)
        size -= 1
        heap[0] = heap[size]
        sift_down(bounds, heap, size)
