"""Representations in plain numpy and float64, word for word, what the fitted maps are held to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from aloe.learner.domain.representations.fitting import draws

Float64Array = NDArray[np.float64]


def unit(vectors: Float64Array) -> Float64Array:
    """Bring each row to length 1; a row of zeros stays one."""
    lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return vectors / np.where(lengths > 0, lengths, 1)


def signed_root(vectors: Float64Array) -> Float64Array:
    return np.sign(vectors) * np.sqrt(np.abs(vectors))


@dataclass(frozen=True, slots=True)
class Linear:
    mean: Float64Array
    deviation: Float64Array

    @classmethod
    def fit(cls, vectors: Float64Array) -> "Linear":
        roots = signed_root(vectors)
        spread = roots.std(axis=0)
        return cls(roots.mean(axis=0), np.sqrt(spread + 0.1 * np.median(spread)))

    def map(self, vectors: Float64Array) -> Float64Array:
        scaled: Float64Array = (signed_root(vectors) - self.mean) / self.deviation
        return unit(scaled)


class Kernel:
    """phi = K U lambda^-1/2, centred and rotated to its leading directions."""

    def __init__(self, vectors: Float64Array, landmark_places: NDArray[np.int64]) -> None:
        self.linear = Linear.fit(vectors)
        self.unit_mean = unit(vectors).mean(axis=0)
        self.landmarks = self.views(vectors[landmark_places])
        self.width = float(2 * np.median(pdist(self.landmarks[:300], "sqeuclidean")))
        values, directions = np.linalg.eigh(self.similarities(self.landmarks))
        kept = values > 1e-6 * values.max()
        self.whitening = directions[:, kept] / np.sqrt(values[kept])
        features = self.similarities(self.views(vectors)) @ self.whitening
        self.centre = features.mean(axis=0)
        values, rotation = np.linalg.eigh(np.cov((features - self.centre).T, bias=True))
        self.rotation = rotation[:, ::-1][:, :256]
        self.variances = values[::-1]

    def views(self, vectors: Float64Array) -> Float64Array:
        scaled, angle = self.linear.map(vectors), unit(unit(vectors) - self.unit_mean)
        views: Float64Array = np.hstack([scaled, angle]) / np.sqrt(2)
        return views

    def similarities(self, views: Float64Array) -> Float64Array:
        products = views @ self.landmarks.T
        squares = np.square(views).sum(axis=1)[:, np.newaxis]
        distances = squares + np.square(self.landmarks).sum(axis=1) - 2 * products
        similarities: Float64Array = np.exp(-np.maximum(distances, 0) / self.width)
        return similarities

    def map(self, vectors: Float64Array) -> Float64Array:
        features = self.similarities(self.views(vectors)) @ self.whitening
        rotated: Float64Array = (features - self.centre) @ self.rotation
        return rotated


def fitted_kernel(vectors: NDArray[np.float32], seed: int) -> Kernel:
    """Fit on the same draws as the learner's map of that seed."""
    sample, landmarks = draws(seed, len(vectors))
    return Kernel(vectors[sample].astype(np.float64), landmarks)
