"""A pool's clips as a graph: who is near to whom, and how near."""

from typing import Any

import numpy as np
from scipy import sparse

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.graphs.neighbors import nearest_neighbors

NEIGHBOR_COUNT = 15


def neighbor_graph(vectors: Float32Array) -> Any:
    """Join every clip to its nearest neighbors.

    The weight from a clip to a neighbor at distance d is exp(-4 d^2 / r^2) with r the distance of
    its farthest neighbor, so that each clip sets its own width; the graph has the mean of both
    directions. That is the Gaussian kernel of graphlearning.weightmatrix.knn (Calder). No clip with
    a neighbor is without a weight, of whatever scale the vectors are; where all neighbors of a clip
    are of the same vector, each has the weight 1.

    Args:
        vectors: (n_clips, dim) float32, finite.

    Returns:
        (n_clips, n_clips) scipy.sparse.csr_array of float64, symmetric, without a diagonal.
    """
    near = nearest_neighbors(vectors, NEIGHBOR_COUNT)
    clip_count, k = near.rows.shape
    widths = near.squared_distances[:, -1:]
    exponents = np.zeros_like(near.squared_distances)
    np.divide(near.squared_distances, widths, out=exponents, where=widths > 0)
    directed = sparse.csr_array(
        (np.exp(-4 * exponents).ravel(), near.rows.ravel(), np.arange(clip_count + 1) * k),
        shape=(clip_count, clip_count),
    )
    return ((directed + directed.T) / 2).tocsr()
