"""Clusters of vectors by k-means."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.drawing import draw, generator
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.distances import nearer_of

_ITERATION_COUNT = 10


def k_means_clusters(vectors: Float32Array, count: int, seed: int) -> IntArray:
    """Return the cluster of each vector: Lloyd's algorithm, begun as k-means++ begins.

    Args:
        vectors: (n, dim) float32.
        count: how many clusters, if so many vectors differ.
        seed: not negative.

    Returns:
        (n,) int64 in [0, count)
    """
    vectors = frozen(vectors)
    centres = vectors[_first_centres(vectors, count, seed)]
    clusters = np.zeros(len(vectors), np.int64)
    for _ in range(_ITERATION_COUNT if len(centres) > 1 else 0):
        before, clusters = clusters, DistancesTo(centres).nearest_to(vectors)[0]
        if np.array_equal(before, clusters):
            break
        order = np.argsort(clusters, kind="stable")
        found, starts, sizes = np.unique(clusters[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(vectors[order], starts, axis=0, dtype=np.float64)
        # One that has lost all its vectors stays where it is.
        centres[found] = sums / sizes[:, None]
    return clusters


def _first_centres(vectors: Float32Array, count: int, seed: int) -> IntArray:
    """Draw vectors, each by its squared distance to those before; rows, all different."""
    rng = generator(seed)
    nearest = np.full(len(vectors), np.inf, np.float32)
    rows: list[int] = []
    while len(rows) < min(count, len(vectors)) and nearest.any():
        rows.append(draw(rng, nearest) if rows else int(rng.integers(len(vectors))))
        nearer_of(vectors, vectors[rows[-1]], nearest)
    return np.array(rows, np.int64)
