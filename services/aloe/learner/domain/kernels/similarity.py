"""One pass over embeddings: how alike each is to an example."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel

_ZERO = np.float32(0)


@kernel
def products_of_rows(
    vectors: Float32Array,
    rows: IntArray,
    example: Float32Array,
    start: int,
    stop: int,
    out: Float32Array,
) -> None:
    """Set out[i] to the inner product of an example and the clip in rows[i].

    Args:
        vectors: (n_clips, dim) float32.
        rows: (n,) int64, into vectors.
        example: (dim,) float32.
        start: of this call's share of `rows`.
        stop: one past its end.
        out: (n,) float32.
    """
    for i in range(start, stop):
        row = rows[i]
        product = _ZERO
        for d in range(len(example)):
            product += vectors[row, d] * example[d]
        out[i] = product


@kernel
def cosines_of_rows(
    vectors: Float32Array,
    rows: IntArray,
    example: Float32Array,
    start: int,
    stop: int,
    out: Float32Array,
) -> None:
    """Do as products_of_rows, with cosines in place of products.

    Args:
        vectors: (n_clips, dim) float32.
        rows: (n,) int64, into vectors.
        example: (dim,) float32, of length 1.
        start: of this call's share of `rows`.
        stop: one past its end.
        out: (n,) float32; 0 for a vector of length 0.
    """
    for i in range(start, stop):
        row = rows[i]
        square = product = _ZERO
        for d in range(len(example)):
            square += vectors[row, d] * vectors[row, d]
            product += vectors[row, d] * example[d]
        out[i] = product / np.sqrt(square) if square > _ZERO else _ZERO
