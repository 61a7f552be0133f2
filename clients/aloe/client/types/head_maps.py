"""The map of embeddings that a head reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloe.wire.arrays import Float32Array

_NOTHING = 1e-6
"""A unit vector that is nearer than this to the mean of them is at it, as far as float32 tells."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelPart:
    """What turns two views of an embedding into Gaussian kernel features."""

    unit_mean: Float32Array
    """(embedding_dim,)"""
    landmarks: Float32Array
    """(n_landmarks, 2 embedding_dim)"""
    steepness: float
    similarity_mean: Float32Array
    """(n_landmarks,)"""
    directions: Float32Array
    """(n_landmarks, 256)"""


@dataclass(frozen=True, slots=True, eq=False)
class HeadMap:
    """A map of embeddings, fitted on a pool; HeadMap in head.proto has the formula."""

    clip_count: int
    """Clips that it was fitted on."""
    mean: Float32Array
    """(embedding_dim,)"""
    scale: Float32Array
    """(embedding_dim,)"""
    kernel: KernelPart | None
    """None: linear."""

    def map(self, embeddings: Float32Array) -> Float32Array:
        """Map embeddings, (n, embedding_dim), to what the head reads, (n, dim) float32."""
        x = np.asarray(embeddings, np.float32)
        # In float32, as the means are: what is at one must not be moved off it by its rounding.
        roots: Float32Array = np.copysign(np.sqrt(np.abs(x)), x)
        linear = _unit((roots - self.mean) * self.scale)
        if self.kernel is None:
            return linear.astype(np.float32)
        off = _unit(x).astype(np.float32) - self.kernel.unit_mean
        angles = _unit(off, least=_NOTHING)
        views = np.hstack([linear, angles])
        landmarks = self.kernel.landmarks.astype(np.float64)
        squares = np.square(views).sum(axis=1)[:, np.newaxis] + np.square(landmarks).sum(axis=1)
        distances = np.maximum(squares - 2 * views @ landmarks.T, 0) / 2
        similarities = np.exp(-self.kernel.steepness * distances)
        mapped = (similarities - self.kernel.similarity_mean) @ self.kernel.directions
        return np.asarray(mapped, np.float32)


def _unit(vectors: NDArray[Any], least: float = 0.0) -> NDArray[np.float64]:
    """Bring each row to length 1, or to 0 where it is not longer than `least`."""
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1, keepdims=True))
    inverses = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > least)
    units: NDArray[np.float64] = vectors * inverses
    return units
