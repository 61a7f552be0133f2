"""Embeddings times weights, a tile of four clips and four classes at a time.

Sixteen sums stay in registers, so each value that is loaded serves four of them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.prefetch import LINE, prefetch

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

TILE = 4
BLOCK = 64
"""Clips whose softmax is worked out side by side, in the lanes of registers."""

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
def multiply_tile(
    vectors: Float32Array,
    r0: int,
    r1: int,
    r2: int,
    r3: int,
    packed: Float32Array,
    c: int,
    out: Float32Array,
    r: int,
) -> None:
    """Set out[c:c + 4, r:r + 4] to the products of four vectors and four classes' weights."""
    a00 = a01 = a02 = a03 = a10 = a11 = a12 = a13 = _ZERO
    a20 = a21 = a22 = a23 = a30 = a31 = a32 = a33 = _ZERO
    for d in range(vectors.shape[1]):
        x0, x1, x2, x3 = vectors[r0, d], vectors[r1, d], vectors[r2, d], vectors[r3, d]
        w0, w1, w2, w3 = packed[c, d], packed[c + 1, d], packed[c + 2, d], packed[c + 3, d]
        a00 += x0 * w0
        a01 += x0 * w1
        a02 += x0 * w2
        a03 += x0 * w3
        a10 += x1 * w0
        a11 += x1 * w1
        a12 += x1 * w2
        a13 += x1 * w3
        a20 += x2 * w0
        a21 += x2 * w1
        a22 += x2 * w2
        a23 += x2 * w3
        a30 += x3 * w0
        a31 += x3 * w1
        a32 += x3 * w2
        a33 += x3 * w3
    out[c, r], out[c + 1, r], out[c + 2, r], out[c + 3, r] = a00, a01, a02, a03
    out[c, r + 1], out[c + 1, r + 1], out[c + 2, r + 1], out[c + 3, r + 1] = a10, a11, a12, a13
    out[c, r + 2], out[c + 1, r + 2], out[c + 2, r + 2], out[c + 3, r + 2] = a20, a21, a22, a23
    out[c, r + 3], out[c + 1, r + 3], out[c + 2, r + 3], out[c + 3, r + 3] = a30, a31, a32, a33


@kernel
def ask_for_tile(vectors: Float32Array, rows: IntArray, first: int, begin: int, width: int) -> None:
    """Prefetch `width` columns from `begin` on of the tile of clips in rows[first] and behind."""
    for i in range(first, min(first + TILE, len(rows))):
        for d in range(begin, min(begin + width + LINE, vectors.shape[1]), LINE):
            prefetch(vectors, rows[i], d)


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
    last = end - 1
    # The next clips are asked for in parts, one before each tile of this one's.
    part = -(-vectors.shape[1] * TILE // packed.shape[0])
    for i in range(begin, end, TILE):
        r0, r1 = rows[i], rows[min(i + 1, last)]
        r2, r3 = rows[min(i + 2, last)], rows[min(i + 3, last)]
        for c in range(0, packed.shape[0], TILE):
            ask_for_tile(vectors, rows, i + TILE, c // TILE * part, part)
            multiply_tile(vectors, r0, r1, r2, r3, packed, c, out, i - begin)
    for c in range(packed.shape[0]):
        for i in range(BLOCK):
            out[c, i] += biases[c]
