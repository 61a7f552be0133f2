"""The smooth functions on a graph: the leading eigenpairs of its normalised Laplacian."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, eigsh

from aloe.learner.domain.arrays import Float32Array, Float64Array
from aloe.learner.domain.graphs.weights import neighbor_graph

MAX_CLIP_COUNT = 20_000
"""For so many clips of 256 values, on one core: 7 s for the graph and 20 to 30 s for its spectrum,
once, and for each query 0.06 s for the scores and 5 ms for each pick; 32 MB are kept."""
EIGENPAIR_COUNT = 200
_DENSE_CLIP_COUNT = 1_000
"""Up to so many clips, all eigenpairs at once take less time than a few by steps."""
_TOLERANCE = 1e-8
_BEYOND = 4.0
"""Moves an eigenvalue of 1 below all others, which are -1 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Eigenpairs of a pool's graph, the smoothest in front."""

    eigenvalues: Float64Array
    """(m,) float64, 0 to 2, ascending; as many are 0 as the graph has parts."""
    eigenvectors: Float64Array
    """(n_clips, m) float64: orthonormal columns, a row for each clip."""

    @property
    def clip_count(self) -> int:
        """Clips that it was fitted on."""
        return len(self.eigenvectors)


def fit_spectrum(vectors: Float32Array, seed: int) -> Spectrum:
    """Fit the spectrum of a pool; once, since it does not depend on labels.

    Under one BLAS thread the same arguments give the same bits on one machine.

    Args:
        vectors: (n_clips, dim) float32: what heads read, finite.
        seed: of the first step; it moves the result by less than the tolerance, 1e-8.

    Raises:
        ValueError: more than MAX_CLIP_COUNT clips.
    """
    if len(vectors) > MAX_CLIP_COUNT:
        raise ValueError(f"{len(vectors):,} clips; a graph takes at most {MAX_CLIP_COUNT:,}")
    return leading_eigenpairs(neighbor_graph(vectors), EIGENPAIR_COUNT, seed)


def leading_eigenpairs(graph: Any, count: int, seed: int) -> Spectrum:
    """Find the eigenpairs of I - D^-1/2 W D^-1/2 with the smallest eigenvalues.

    Those of eigenvalue 0 are known: of each part of the graph, the roots of its degrees (von
    Luxburg, "A tutorial on spectral clustering", 2007, proposition 4). A search by steps from one
    start may miss some of them, so it looks for the others only.

    Args:
        graph: (n, n) scipy.sparse.csr_array of float64: W, symmetric, not negative.
        count: how many, at most n.
        seed: of the start.

    Returns:
        min(count, n) eigenpairs. Of more parts than that, those of the largest.
    """
    clip_count = graph.shape[0]
    degrees = graph.sum(axis=1)
    constants = _part_constants(graph, degrees, min(count, clip_count))
    roots = np.sqrt(degrees)
    scales = np.divide(1.0, roots, out=np.zeros(clip_count), where=roots > 0)
    affinity = sparse.diags_array(scales) @ graph @ sparse.diags_array(scales)
    more = min(count, clip_count) - constants.shape[1]
    if more == 0:
        found, vectors = np.empty(0), np.empty((clip_count, 0))
    elif clip_count <= _DENSE_CLIP_COUNT:
        others = affinity.toarray() - _BEYOND * (constants @ constants.T).toarray()
        found, vectors = eigh(others, subset_by_index=(clip_count - more, clip_count - 1))
    else:
        found, vectors = _largest_by_steps(affinity, constants, more, seed)
    order = np.argsort(-found, kind="stable")
    values = np.r_[np.zeros(constants.shape[1]), np.clip(1 - found[order], 0, 2)]
    return Spectrum(values, np.ascontiguousarray(np.c_[constants.toarray(), vectors[:, order]]))


def _part_constants(graph: Any, degrees: Float64Array, most: int) -> Any:
    """Return the eigenvectors of eigenvalue 0, of the largest parts first; (n, at most most)."""
    part_count, parts = connected_components(graph, directed=False)
    sizes = np.bincount(parts, minlength=part_count)
    places = np.empty(part_count, np.int64)
    places[np.argsort(-sizes, kind="stable")] = np.arange(part_count)
    # A clip by itself has no degree, and is its own eigenvector.
    weights = np.where(degrees > 0, degrees, 1.0)
    volumes = np.bincount(parts, weights, minlength=part_count)
    entries = np.sqrt(weights / volumes[parts])
    rows = np.arange(len(parts))
    shape = (len(parts), part_count)
    return sparse.csr_array((entries, (rows, places[parts])), shape=shape)[:, :most]


def _largest_by_steps(
    affinity: Any, constants: Any, count: int, seed: int
) -> tuple[Float64Array, Float64Array]:
    """Return the largest eigenvalues, (count,), and eigenvectors, (n, count), but the constants."""
    transposed = constants.T.tocsr()

    def product(vector: Float64Array) -> Float64Array:
        return np.asarray(affinity @ vector - _BEYOND * (constants @ (transposed @ vector)))

    others = LinearOperator(affinity.shape, matvec=product, dtype=np.float64)
    start = np.random.Generator(np.random.PCG64(seed)).standard_normal(affinity.shape[0])
    values, vectors = eigsh(others, count, which="LA", v0=start, tol=_TOLERANCE)
    return np.asarray(values), np.asarray(vectors)
