"""The head: a linear softmax classifier on embeddings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """softmax(embedding @ weights + biases)."""

    version: int
    weights: Float32Array
    """(embedding_dim, n_classes) float32"""
    biases: Float32Array
    """(n_classes,) float32"""

    def logits(self, embeddings: Float32Array) -> Float32Array:
        """Return (n_clips, n_classes) float32 for embeddings (n_clips, embedding_dim) float32."""
        logits: Float32Array = embeddings @ self.weights + self.biases
        return logits


def softmax(logits: Float32Array) -> Float32Array:
    """Turn logits into probabilities, (n_clips, n_classes) float32 each."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Float32Array = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
