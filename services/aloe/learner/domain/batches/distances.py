"""Squared Euclidean distances between the vectors of clips."""

import numpy as np

from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.head import pack
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.distances import distances_by_products

_POINTS_AT_ONCE = 240
"""Their vectors stay in a processor's second-level cache; a multiple of the tile."""


class DistancesTo:
    """Vectors, made ready for distances to them."""

    def __init__(self, vectors: Float32Array) -> None:
        """Take vectors, (n, dim) float32."""
        # Distances are differences of squares, which lose digits to a common offset.
        self._centre = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else 0.0
        self._vectors = self._centred(vectors)
        self._rows = np.arange(len(vectors))
        self._squares = _squares(self._vectors)

    @property
    def mean_square(self) -> float:
        """The mean squared distance of the vectors to their mean."""
        return float(self._squares.mean(dtype=np.float64)) if len(self._squares) else 0.0

    def of(self, points: Float32Array) -> Float32Array:
        """Return the squared distances of points to all vectors, 0 where they are but rounding.

        Args:
            points: (m, dim) float32.

        Returns:
            (m, n) float32
        """
        out = np.empty((len(points), len(self._rows)), np.float32)
        for begin in range(0, len(points), _POINTS_AT_ONCE):
            end = begin + _POINTS_AT_ONCE
            centred = self._centred(points[begin:end])
            distances_by_products(
                self._vectors,
                self._rows,
                self._squares,
                frozen(pack(centred)),
                _squares(centred),
                out[begin:end],
            )
        return out

    def nearest_to(self, points: Float32Array) -> tuple[IntArray, Float32Array]:
        """Return the vector that is nearest to each point.

        Args:
            points: (m, dim) float32.

        Returns:
            Rows, (m,) int64, of equals the lower, -1 if there are no vectors, and the squared
            distances, (m,) float32, infinite then.
        """
        rows = np.full(len(points), -1, np.int64)
        nearest = np.full(len(points), np.inf, np.float32)
        if not len(self._rows):
            return rows, nearest
        for begin in range(0, len(points), _POINTS_AT_ONCE):
            distances = self.of(points[begin : begin + _POINTS_AT_ONCE])
            found = distances.argmin(axis=1)
            rows[begin : begin + len(found)] = found
            nearest[begin : begin + len(found)] = distances[np.arange(len(found)), found]
        return rows, nearest

    def _centred(self, vectors: Float32Array) -> Float32Array:
        return frozen(aligned((vectors - self._centre).astype(np.float32)))


def _squares(vectors: Float32Array) -> Float32Array:
    """Return |x|^2, (n,) float32, of vectors, (n, dim) float32."""
    squares: Float32Array = np.square(vectors, dtype=np.float64).sum(axis=1).astype(np.float32)
    return squares


def nearest_covered(points: Float32Array, covered: Float32Array) -> tuple[IntArray, Float32Array]:
    """Return the covered clip that is nearest to each point: what a pick is explained by.

    Args:
        points: (m, dim) float32.
        covered: (l, dim) float32.

    Returns:
        Rows of `covered`, (m,) int64, of equals the lower, -1 if there are none, and the squared
        distances, (m,) float32, infinite then.
    """
    return DistancesTo(covered).nearest_to(points)
