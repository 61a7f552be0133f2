"""The largest eigenvalues of a graph, found for all of them at once.

Subspace iteration with Chebyshev filters: Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field
calculations using Chebyshev-filtered subspace iteration" (2006). Unlike Lanczos' steps it misses
none of equal eigenvalues, and whatever takes long in it lets other threads run.
"""

import math
from typing import Any

import numpy as np

from aloe.learner.domain.arrays import Float64Array
from aloe.learner.domain.kernels.neighbors import Values, chebyshev_step

_SPARE_SHARE = 4
"""One more vector is sought for so many: the more, the fewer rounds."""
_MOST_ROUNDS = 40
_TOLERANCE = 1e-3
"""Of |A v - eigenvalue v|: eigenvalues are then right to some 1e-5."""
_GROWTH = 1e6
"""Of the largest eigenvalue's part in a filter: more would drown others in float32's rounding."""
_MOST_DEGREE = 32


def largest_eigenpairs(
    affinity: Any, known: Float64Array, count: int, seed: int
) -> tuple[Float64Array, Float64Array]:
    """Find the largest eigenvalues of A but for some that are known: the largest of all.

    Args:
        affinity: (n, n) scipy.sparse.csr_array of float64: A, symmetric, of eigenvalues -1 to 1.
        known: (n, m) float64: orthonormal eigenvectors.
        count: how many, at least 1; m + count is much less than n.
        seed: of the start.

    Returns:
        Eigenvalues, (count,) float64, the largest in front, and orthonormal eigenvectors,
        (n, count) float64. After too many rounds what is found by then: orthonormal all the same.
    """
    known_count = known.shape[1]
    wanted = known_count + count
    generator = np.random.Generator(np.random.PCG64(seed))
    shape = len(known), count + wanted // _SPARE_SHARE + 1
    # In float32, which takes half the time.
    block: Values = generator.standard_normal(shape, dtype=np.float32)
    block = np.c_[known.astype(np.float32), block]
    matrix, bound = _Matrix(affinity, np.float32), 0.0
    for _ in range(_MOST_ROUNDS):
        block = np.linalg.qr(_filtered(matrix, block, bound))[0]
        values, block, residuals = _rayleigh_ritz(matrix, block)
        bound = float(values[-1])
        if residuals[:wanted].max() <= _TOLERANCE:
            break
    # Orthonormal to float64, and to the known ones.
    basis = np.linalg.qr(np.c_[known, block])[0][:, known_count:]
    values, vectors, _ = _rayleigh_ritz(_Matrix(affinity, np.float64), basis)
    return values[:count], vectors[:, :count]


class _Matrix:
    """A sparse matrix of float32 or float64."""

    def __init__(self, affinity: Any, dtype: type) -> None:
        self._weights = affinity.data.astype(dtype)
        self._columns = affinity.indices.astype(np.int32)
        self._ends = affinity.indptr.astype(np.int32)

    def step(self, now: Values, factors: tuple[float, float, float], out: Values) -> Values:
        """Set out to factors[0] A now + factors[1] now + factors[2] out, and return it."""
        own = np.array(factors, now.dtype)
        chebyshev_step(self._weights, self._columns, self._ends, now, own, out)
        return out


def _filtered(matrix: _Matrix, block: Values, bound: float) -> Values:
    """Return T(A) block of the Chebyshev polynomial T that is at most 1 from -1 to a bound."""
    middle, half = (bound - 1) / 2, (bound + 1) / 2
    degree = int(math.log(_GROWTH) / math.acosh((1 - middle) / half))
    before, now = block, matrix.step(block, (1 / half, -middle / half, 0.0), np.zeros_like(block))
    for _ in range(min(degree, _MOST_DEGREE) - 1):
        before, now = now, matrix.step(now, (2 / half, -2 * middle / half, -1.0), before)
    return now


def _rayleigh_ritz(matrix: _Matrix, basis: Values) -> tuple[Values, Values, Values]:
    """Find the eigenpairs of a matrix within a subspace.

    Args:
        matrix: A.
        basis: (n, m), orthonormal.

    Returns:
        Values, (m,), descending; vectors, (n, m); the length of A v - value v of each, (m,).
    """
    basis = np.ascontiguousarray(basis)
    image = matrix.step(basis, (1.0, 0.0, 0.0), np.zeros_like(basis))
    inner = basis.T @ image
    values, turns = np.linalg.eigh((inner + inner.T) / 2)
    values, turns = values[::-1], np.ascontiguousarray(turns[:, ::-1])
    vectors = basis @ turns
    errors = image @ turns - vectors * values
    return values, vectors, np.sqrt(np.square(errors).sum(axis=0))
