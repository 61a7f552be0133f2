"""Small pools and graphs, and the dense definition of what is computed on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from aloe.learner.domain.arrays import Float32Array

Float64Array = NDArray[np.float64]


def clusters(*sizes: int, dim: int = 8, seed: int = 0) -> Float32Array:
    """Draw clusters that lie far apart; (sum of sizes, dim) float32."""
    generator = np.random.default_rng(seed)
    parts = [
        generator.standard_normal((size, dim)) + 1_000 * number for number, size in enumerate(sizes)
    ]
    return np.concatenate(parts).astype(np.float32)


def path(length: int) -> Any:
    """Return the graph in which each clip is joined to the next, by a weight of 1."""
    ones = np.ones(length - 1)
    return sparse.diags_array([ones, ones], offsets=[-1, 1], shape=(length, length)).tocsr()


def laplacian(graph: Any) -> Float64Array:
    """Return I - D^-1/2 W D^-1/2; of a clip without neighbors, 0."""
    weights = graph.toarray()
    degrees = weights.sum(axis=1)
    scales = np.where(degrees > 0, 1 / np.sqrt(np.where(degrees > 0, degrees, 1.0)), 0.0)
    found: Float64Array = np.diag((degrees > 0) * 1.0) - scales[:, None] * weights * scales
    return found
