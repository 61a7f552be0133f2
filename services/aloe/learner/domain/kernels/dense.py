"""Embeddings times weights, by tiles, e^x and the sigmoid."""

import math

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.tile import (
    CLASS_TILE,
    CLIP_TILE,
    LANES,
    PREFETCHED_CLIPS,
    multiply_tile,
)

BLOCK = 64
"""Clips whose softmax is computed side by side, in the lanes of registers."""

_ZERO, _ONE = np.float32(0), np.float32(1)
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LEAST = np.float32(-87.3)
"""e to this is the smallest normal float32."""


@kernel
def exp(x: np.float32) -> np.float32:
    """Return e^x for x <= 0, within 2e-7 of it.

    As Cephes' expf, in a form that vectorises.
    """
    x = np.float32(max(x, _LEAST))
    power = np.float32(math.floor(x * _LOG2_E + np.float32(0.5)))
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = (p * r) * r + r + _ONE
    scale = np.int32((np.int32(power) + np.int32(127)) << np.int32(23))
    return p * scale.view(np.float32)


@kernel
def sigmoid(z: np.float32) -> np.float32:
    """Return 1 / (1 + e^-z)."""
    odds = exp(-abs(z))
    return (_ONE if z >= _ZERO else odds) / (_ONE + odds)


@kernel
def multiply(
    vectors: Float32Array,
    rows: IntArray,
    first: int,
    last: int,
    packed: Float32Array,
    c: int,
    out: Float32Array,
    column: int,
    prefetch: int,
) -> None:
    """Do as multiply_tile, also with the dimensions beyond the last multiple of LANES."""
    dim = vectors.shape[1]
    whole = dim // LANES * LANES
    multiply_tile(vectors, packed, out, rows, first, last, c, column, whole, prefetch)
    for d in range(whole, dim):
        for k in range(CLASS_TILE):
            for r in range(CLIP_TILE):
                out[c + k, column + r] += vectors[rows[min(first + r, last)], d] * packed[c + k, d]


@kernel
def logits_of_block(
    vectors: Float32Array,
    rows: IntArray,
    begin: int,
    end: int,
    packed: Float32Array,
    biases: Float32Array,
    out: Float32Array,
) -> None:
    """Set out[c, i] to class c's logit of the clip in rows[begin + i], up to rows[end - 1].

    Args:
        vectors: (n_clips, embedding_dim) float32.
        rows: (n,) int64, into vectors.
        begin: into rows.
        end: into rows, at most BLOCK more.
        packed: (n_padded_classes, embedding_dim) float32, see Head.
        biases: (n_padded_classes,) float32.
        out: (n_padded_classes, BLOCK) float32.
    """
    for i in range(begin, end, CLIP_TILE):
        soon = i + CLIP_TILE
        for c in range(0, packed.shape[0], CLASS_TILE):
            # The next tile's clips; once those are on their way, one that is in the cache.
            prefetch = rows[soon] if soon < min(i + 2 * CLIP_TILE, len(rows)) else rows[i]
            multiply(vectors, rows, i, end - 1, packed, c, out, i - begin, prefetch)
            soon += PREFETCHED_CLIPS
    for c in range(packed.shape[0]):
        for i in range(BLOCK):
            out[c, i] += biases[c]
