"""Representations of embeddings: a block of rows is mapped in one pass, within the cache."""

import math

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.dense import exp
from aloe.learner.domain.kernels.panels import ROW_TILE, multiply_rows

BLOCK = 8 * ROW_TILE
"""Rows that are mapped side by side: each panel is read once for all of them."""
# Rows of views end beside a multiple of a page, so that a tile's do not displace each other.
_APART = 16
# A vector that is nearer than this to the mean of unit vectors is at it, as far as float32 tells.
_NOTHING = 1e-6
_ZERO, _HALF = np.float32(0), np.float32(0.5)


@kernel
def signed_root(x: np.float32) -> np.float32:
    """Return sign(x) sqrt|x|."""
    root: np.float32 = np.sqrt(abs(x))
    return root if x > _ZERO else -root


@kernel
def inverse_length(vector: Float32Array) -> float:
    """Return 1 / |vector|, 0 for a vector of zeros."""
    total = 0.0
    for d in range(len(vector)):
        total += np.float64(vector[d]) * np.float64(vector[d])
    return 1 / math.sqrt(total) if total > 0 else 0.0


@kernel
def _scaled_view(
    vector: Float32Array, mean: Float32Array, scale: Float32Array, out: Float32Array
) -> np.float32:
    """Set out to unit((signed root - mean) * scale); return its squared length, 1 or 0."""
    for d in range(len(vector)):
        out[d] = (signed_root(vector[d]) - mean[d]) * scale[d]
    inverse = inverse_length(out)
    for d in range(len(vector)):
        out[d] = np.float32(np.float64(out[d]) * inverse)
    return np.float32(1) if inverse > 0 else _ZERO


@kernel
def _angle_view(vector: Float32Array, unit_mean: Float32Array, out: Float32Array) -> np.float32:
    """Set out to unit(unit(vector) - unit_mean); return its squared length, 1 or 0."""
    inverse = inverse_length(vector)
    for d in range(len(vector)):
        out[d] = np.float32(np.float64(vector[d]) * inverse) - unit_mean[d]
    inverse = inverse_length(out)
    if inverse > 1 / _NOTHING:
        inverse = 0.0
    for d in range(len(vector)):
        out[d] = np.float32(np.float64(out[d]) * inverse)
    return np.float32(1) if inverse > 0 else _ZERO


def _map_linearly(
    vectors: Float32Array,
    begin: int,
    end: int,
    mean: Float32Array,
    scale: Float32Array,
    out: Float32Array,
) -> None:
    """Set out[begin:end] to the scaled views of vectors[begin:end].

    Args:
        vectors: (n, embedding_dim) float32.
        begin: of this call's share.
        end: one past its end.
        mean: (embedding_dim,) float32, of signed roots.
        scale: (embedding_dim,) float32, what their deviations from it are multiplied by.
        out: (n, embedding_dim) float32.
    """
    for row in range(begin, end):
        _scaled_view(vectors[row], mean, scale, out[row])


map_linearly = kernel(_map_linearly)
map_few_linearly = kernel(_map_linearly, nogil=False)


@kernel
def views_of_rows(
    vectors: Float32Array,
    begin: int,
    end: int,
    mean: Float32Array,
    scale: Float32Array,
    unit_mean: Float32Array,
    views: Float32Array,
    squares: Float32Array,
) -> None:
    """Set views[i] to [scaled view; angle view] of vectors[begin + i].

    Args:
        vectors: (n, embedding_dim) float32.
        begin: the first row.
        end: one past the last.
        mean: (embedding_dim,) float32, of signed roots.
        scale: (embedding_dim,) float32.
        unit_mean: (embedding_dim,) float32, of unit vectors.
        views: (at least end - begin, at least 2 embedding_dim) float32.
        squares: (at least end - begin,) float32, set to half of the squared length of both views.
    """
    dim = vectors.shape[1]
    for row in range(begin, end):
        i = row - begin
        square = _scaled_view(vectors[row], mean, scale, views[i, :dim])
        square += _angle_view(vectors[row], unit_mean, views[i, dim : 2 * dim])
        squares[i] = _HALF * square


@kernel
def _similarities(
    views: Float32Array,
    squares: Float32Array,
    landmarks: Float32Array,
    landmark_squares: Float32Array,
    steepness: float,
    similarity_mean: Float32Array,
    out: Float32Array,
) -> None:
    """Set out, (n, n_padded_landmarks) float32, to the centred similarities of views[:n]."""
    multiply_rows(views, landmarks, out)
    steep = np.float32(steepness)
    for i in range(len(out)):
        for j in range(len(landmark_squares)):
            # Half of the squared distance of both views together.
            distance = max(squares[i] + landmark_squares[j] - out[i, j], _ZERO)
            out[i, j] = exp(-distance * steep) - similarity_mean[j]


@kernel
def similarities_of_rows(
    vectors: Float32Array,
    mean: Float32Array,
    scale: Float32Array,
    unit_mean: Float32Array,
    landmarks: Float32Array,
    landmark_squares: Float32Array,
    steepness: float,
    similarity_mean: Float32Array,
    out: Float32Array,
) -> None:
    """Set out, (n, n_padded_landmarks) float32, to what _map_by_kernel multiplies by directions."""
    views = np.empty((min(BLOCK, len(vectors)), 2 * vectors.shape[1] + _APART), np.float32)
    squares = np.empty(len(views), np.float32)
    for begin in range(0, len(vectors), BLOCK):
        end = min(begin + BLOCK, len(vectors))
        views_of_rows(vectors, begin, end, mean, scale, unit_mean, views, squares)
        _similarities(
            views,
            squares,
            landmarks,
            landmark_squares,
            steepness,
            similarity_mean,
            out[begin:end],
        )


def _map_by_kernel(
    vectors: Float32Array,
    begin: int,
    end: int,
    mean: Float32Array,
    scale: Float32Array,
    unit_mean: Float32Array,
    landmarks: Float32Array,
    landmark_squares: Float32Array,
    steepness: float,
    similarity_mean: Float32Array,
    directions: Float32Array,
    out: Float32Array,
) -> None:
    """Set out[begin:end] to the kernel features of vectors[begin:end].

    Args:
        vectors: (n, embedding_dim) float32.
        begin: of this call's share.
        end: one past its end.
        mean: (embedding_dim,) float32, of signed roots.
        scale: (embedding_dim,) float32, what their deviations from it are multiplied by.
        unit_mean: (embedding_dim,) float32, of unit vectors.
        landmarks: (n_panels, 2 embedding_dim, PANEL) float32, their views.
        landmark_squares: (n_panels * PANEL,) float32.
        steepness: of the similarity, by squared distance.
        similarity_mean: (n_panels * PANEL,) float32.
        directions: (n_direction_panels, n_panels * PANEL, PANEL) float32.
        out: (n, n_directions) float32.
    """
    room = min(BLOCK, end - begin)
    views = np.empty((room, 2 * vectors.shape[1] + _APART), np.float32)
    squares = np.empty(room, np.float32)
    similarities = np.empty((room, len(landmark_squares)), np.float32)
    for start in range(begin, end, BLOCK):
        stop = min(start + BLOCK, end)
        views_of_rows(vectors, start, stop, mean, scale, unit_mean, views, squares)
        block = similarities[: stop - start]
        _similarities(
            views, squares, landmarks, landmark_squares, steepness, similarity_mean, block
        )
        multiply_rows(block, directions, out[start:stop])


map_by_kernel = kernel(_map_by_kernel)
map_few_by_kernel = kernel(_map_by_kernel, nogil=False)
