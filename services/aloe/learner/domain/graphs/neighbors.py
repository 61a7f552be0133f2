"""The exact nearest neighbors of every clip, block by block."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Float64Array, IntArray
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.neighbors import places_of_smallest, squared_differences

_BLOCK_VALUES = 1 << 22
"""Numbers in a block of distances: 16 MB of float32."""
_SPARE_COUNT = 16
"""Nearest clips by float32 that are compared by float64 beyond those asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """For every clip the clips nearest to it, the nearest in front, of equals the earlier."""

    rows: IntArray
    """(n_clips, k) int64; none is the clip itself."""
    squared_distances: Float64Array
    """(n_clips, k) float64, ascending; 0 between clips of the same vector."""


def nearest_neighbors(vectors: Float32Array, count: int) -> Neighbors:
    """Find the nearest neighbors by Euclidean distance, among all clips.

    Products in float32 find a few more than are asked for, differences in float64 order those: the
    distance of equal vectors is 0, and two neighbors change places only where their distances
    differ by less than float64 tells. Of more than `count + 16` clips at one distance, as float32
    tells it, which ones count as the nearest is left open; the same vectors give the same.

    Args:
        vectors: (n_clips, dim) float32, finite.
        count: neighbors of each clip.

    Returns:
        Neighbors, k = min(count, n_clips - 1).
    """
    clip_count = len(vectors)
    k = max(min(count, clip_count - 1), 0)
    kept = max(min(count + _SPARE_COUNT, clip_count - 1), 0)
    rows = np.empty((clip_count, k), np.int64)
    squared_distances = np.empty((clip_count, k), np.float64)
    centered, exact = _centered(vectors), frozen(vectors)
    half_norms = np.square(centered).sum(axis=1) / 2
    step = max(1, _BLOCK_VALUES // max(clip_count, 1))
    for begin in range(0, clip_count if k else 0, step):
        block = np.arange(begin, min(begin + step, clip_count))
        # Half the squared distances, less half the squared norm of the block's own clip.
        products = centered[block] @ centered.T
        np.subtract(half_norms, products, out=products)
        products[block - begin, block] = np.inf
        near = np.empty((len(block), kept), np.int64)
        places_of_smallest(products, near)
        found = np.empty(near.shape)
        squared_differences(exact, begin, near, found)
        order = np.lexsort((near, found), axis=1)[:, :k]
        rows[block] = np.take_along_axis(near, order, axis=1)
        squared_distances[block] = np.take_along_axis(found, order, axis=1)
    return Neighbors(rows, squared_distances)


def _centered(vectors: Float32Array) -> Float32Array:
    """Return vectors about their mean, at most 1 in size: float32 tells their distances best."""
    mean = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else 0.0
    centered = vectors - mean
    scale = np.abs(centered).max(initial=0.0)
    return (centered / (scale or 1.0)).astype(np.float32)
