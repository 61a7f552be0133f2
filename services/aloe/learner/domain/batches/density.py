"""Information density: what is unsure and like much of the pool.

Settles and Craven, "An Analysis of Active Learning Strategies for Sequence Labeling Tasks" (EMNLP
2008), with the entropy as base, beta = 1, and the cosine, moved to [0, 1], as similarity: the
embeddings of a pool may be centred, and a product with a negative mean would turn the order.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.distances import cosines_with


def mean_direction(references: Float32Array) -> Float32Array:
    """Return the mean of the references, each brought to unit length.

    Args:
        references: (r, dim) float32.

    Returns:
        (dim,) float32
    """
    lengths = np.sqrt(np.square(references, dtype=np.float64).sum(axis=1, keepdims=True))
    units = references / np.where(lengths > 0, lengths, 1)
    direction: Float32Array = (units.sum(axis=0) / max(len(references), 1)).astype(np.float32)
    return direction


def densities(vectors: Float32Array, direction: Float32Array) -> Float32Array:
    """Return the mean similarity of clips to the references: it depends on no head.

    Args:
        vectors: (n, dim) float32.
        direction: (dim,) float32, see mean_direction.

    Returns:
        (n,) float32 in [0, 1]
    """
    cosines = np.empty(len(vectors), np.float32)
    cosines_with(frozen(vectors), direction, cosines)
    return np.clip((1 + cosines) / 2, 0, 1)


def information_density(entropies: Float32Array, densities: Float32Array) -> Float32Array:
    """Return the entropy, (n,) float32 in nats, times the density, (n,) float32, of each clip."""
    return entropies * densities
