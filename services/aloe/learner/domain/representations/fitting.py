"""Fitting a map on a pool: in one thread, without BLAS, so that a seed fixes every bit of it."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Float64Array, IntArray
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.eigen import eigenvectors
from aloe.learner.domain.kernels.mapping import similarities_of_rows, views_of_rows
from aloe.learner.domain.kernels.moments import (
    centre,
    moments,
    product,
    products_of_columns,
    squared_distances,
)
from aloe.learner.domain.representations.landmarks import DIRECTION_COUNT, Landmarks
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.values.representations import Representation

SAMPLE_COUNT = 20_000
"""Vectors that a map is fitted on, at most."""
LANDMARK_COUNT = 512
_LANDMARK_BYTES = 48 * 1024**2
"""Of all of them: an exported head brings its map in one message of 64 MB."""
_WIDTH_COUNT = 300
"""Landmarks whose distances say how wide the kernel is."""
_FLOOR = 0.1
"""Of the median deviation, added to each."""
_LEAST_EIGENVALUE = 1e-6
"""Of the largest; directions with less are dropped."""
_LEAST_DISTANCE = 1e-3
"""Squared. Landmarks that are nearer are at one place; float32 tells squares of 1e-7 apart."""


def fit(
    kind: Representation,
    vectors: Float32Array,
    seed: int,
    *,
    rows: IntArray | None = None,
    version: int = 1,
) -> PoolMap:
    """Fit a map. The same arguments give the same bits on one machine, with any number of threads.

    Args:
        kind: LINEAR or KERNEL.
        vectors: (n_clips, embedding_dim) float32, finite, within MAX_MAGNITUDE.
        seed: of the pool, at least 0.
        rows: (n,) int64, of vectors, n at least 1; all of them by default.
        version: of the map.

    Returns:
        The map. One of a few clips, or of equal ones, maps whatever it cannot tell apart to 0.

    Raises:
        ValueError: there are no vectors, or NONE, which needs no map.
    """
    if kind is Representation.NONE:
        raise ValueError("embeddings as they are need no map")
    clip_count = len(vectors) if rows is None else len(rows)
    if not clip_count or not vectors.shape[1]:
        raise ValueError(f"a map is fitted on vectors, not on {vectors.shape}")
    sample_places, landmark_places = draws(seed, clip_count)
    sample = vectors
    if rows is not None or len(sample_places) < clip_count:
        sample = vectors[sample_places if rows is None else rows[sample_places]]
    sample = frozen(sample)
    dim = vectors.shape[1]
    mean, deviation, unit_mean = np.empty(dim), np.empty(dim), np.empty(dim)
    moments(sample, mean, deviation, unit_mean)
    parts = [part.astype(np.float32) for part in (mean, scale_of(deviation), unit_mean)]
    landmarks = None
    if kind is Representation.KERNEL:
        few = landmark_places[: most_landmarks(dim)]
        landmarks = _fit_landmarks(sample, few, *map(frozen, parts))
    return PoolMap(version, clip_count, parts[0], parts[1], landmarks)


def draws(seed: int, clip_count: int) -> tuple[IntArray, IntArray]:
    """Draw what a map is fitted on.

    Returns:
        Places of the sample among the clips, ascending; places of the landmarks in the sample.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 2])))
    sample = np.arange(clip_count)
    if clip_count > SAMPLE_COUNT:
        sample = np.sort(generator.choice(clip_count, SAMPLE_COUNT, replace=False))
    count = min(LANDMARK_COUNT, len(sample))
    return sample, generator.choice(len(sample), count, replace=False)


def most_landmarks(embedding_dim: int) -> int:
    """Return how many landmarks a map has at most: fewer than LANDMARK_COUNT beyond 12,288."""
    view_bytes = 2 * embedding_dim * np.dtype(np.float32).itemsize
    return min(LANDMARK_COUNT, _LANDMARK_BYTES // view_bytes)


def scale_of(deviation: Float64Array) -> Float64Array:
    """Return 1 / sqrt(deviation + a tenth of the median deviation) of each dimension.

    Where that is no number, in pools where most dimensions never vary, it is 0: these say nothing.
    """
    regularised = deviation + _FLOOR * np.median(deviation)
    varies = regularised > 0
    scale: Float64Array = np.zeros_like(regularised)
    scale[varies] = 1 / np.sqrt(regularised[varies])
    return scale


def width_of(squared: Float64Array) -> float:
    """Return twice the median of the squared distances between landmarks.

    Args:
        squared: (n_landmarks, n_landmarks) float64.

    Returns:
        That of those apart where most are at one place; 1 where all are.
    """
    few = squared[:_WIDTH_COUNT, :_WIDTH_COUNT]
    pairs = few[np.triu_indices(len(few), 1)]
    apart = pairs[pairs > _LEAST_DISTANCE]
    if not len(apart):
        return 1.0
    median = float(np.median(pairs))
    return 2 * (median if median > _LEAST_DISTANCE else float(np.median(apart)))


def _fit_landmarks(
    sample: Float32Array,
    places: IntArray,
    mean: Float32Array,
    scale: Float32Array,
    unit_mean: Float32Array,
) -> Landmarks:
    count, dim = len(places), sample.shape[1]
    views, squares = np.empty((count, 2 * dim), np.float32), np.empty(count, np.float32)
    chosen = frozen(sample[places])
    views_of_rows(chosen, 0, count, mean, scale, unit_mean, views, squares)
    squared = np.empty((count, count))
    squared_distances(views, squared)
    squared /= 2
    steepness = 1 / width_of(squared)
    whitening = _whitening(np.exp(-squared * steepness))
    # Landmarks without a mean and directions yet, to find these.
    bare = np.zeros(count, np.float32), np.zeros((count, DIRECTION_COUNT), np.float32)
    landmarks = Landmarks.of(unit_mean, views, steepness, *bare)
    similarities = np.empty((len(sample), len(landmarks.squares)), np.float32)
    similarities_of_rows(
        sample,
        mean,
        scale,
        unit_mean,
        landmarks.packed_views,
        landmarks.squares,
        steepness,
        landmarks.packed_mean,
        similarities,
    )
    similarity_mean = np.empty(similarities.shape[1])
    centre(similarities, similarity_mean)
    directions = _directions(similarities, whitening)
    return Landmarks.of(
        unit_mean, views, steepness, similarity_mean[:count].astype(np.float32), directions
    )


def _whitening(similarities: Float64Array) -> Float64Array:
    """Return U lambda^-1/2, (n_landmarks, n_kept) float64, of the landmarks' similarities.

    Williams & Seeger, "Using the Nystroem Method to Speed Up Kernel Machines" (2000).
    """
    values, vectors = _eigen(similarities)
    kept = values > _LEAST_EIGENVALUE * values[0]
    whitening: Float64Array = (vectors[kept] / np.sqrt(values[kept])[:, np.newaxis]).T
    return np.ascontiguousarray(whitening)


def _directions(similarities: Float32Array, whitening: Float64Array) -> Float32Array:
    """Return the leading directions of the whitened similarities.

    Args:
        similarities: (n, n_padded_landmarks) float32, centred.
        whitening: (n_landmarks, n_kept) float64.

    Returns:
        (n_landmarks, DIRECTION_COUNT) float32, which similarities are multiplied by.
    """
    count = len(whitening)
    products = np.empty((similarities.shape[1],) * 2)
    products_of_columns(similarities, products)
    covariance = np.ascontiguousarray(products[:count, :count]) / len(similarities)
    whitened = _product(np.ascontiguousarray(whitening.T), _product(covariance, whitening))
    _, vectors = _eigen((whitened + whitened.T) / 2)
    leading = np.ascontiguousarray(vectors[:DIRECTION_COUNT].T)
    directions = np.zeros((count, DIRECTION_COUNT), np.float32)
    directions[:, : leading.shape[1]] = _product(whitening, leading)
    return directions


def _eigen(matrix: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the eigenvalues, highest first, and as rows the eigenvectors of a symmetric matrix."""
    values, vectors = np.empty(len(matrix)), np.empty(matrix.shape)
    eigenvectors(matrix.copy(), values, vectors)
    order = np.argsort(-values, kind="stable")
    return values[order], vectors[order]


def _product(left: Float64Array, right: Float64Array) -> Float64Array:
    out = np.empty((len(left), right.shape[1]))
    product(left, right, out)
    return out
