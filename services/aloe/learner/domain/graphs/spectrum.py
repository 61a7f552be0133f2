"""The smooth functions on a graph: the leading eigenpairs of its normalised Laplacian."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from aloe.learner.domain.arrays import Float32Array, Float64Array
from aloe.learner.domain.graphs.subspace import largest_eigenpairs
from aloe.learner.domain.graphs.weights import neighbor_graph

EIGENPAIR_COUNT = 200
_DENSE_CLIP_COUNT = 1_000
"""Up to so many clips all eigenpairs are found, exactly, in no more time than the leading ones."""
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
        seed: of the start; it hardly moves the result.
    """
    return leading_eigenpairs(neighbor_graph(vectors), EIGENPAIR_COUNT, seed)


def leading_eigenpairs(graph: Any, count: int, seed: int) -> Spectrum:
    """Find the eigenpairs of I - D^-1/2 W D^-1/2 with the smallest eigenvalues.

    Those of eigenvalue 0 are known: of each part of the graph, the roots of its degrees (von
    Luxburg, "A tutorial on spectral clustering", 2007, proposition 4). The others are right to what
    `subspace` says.

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
    affinity = (sparse.diags_array(scales) @ graph @ sparse.diags_array(scales)).tocsr()
    more = min(count, clip_count) - constants.shape[1]
    if more == 0:
        found, vectors = np.empty(0), np.empty((clip_count, 0))
    elif clip_count <= _DENSE_CLIP_COUNT:
        # The constants, which are known, are brought below all others, which are -1 to 1.
        others = affinity.toarray() - _BEYOND * (constants @ constants.T)
        found, vectors = (each[..., : -more - 1 : -1] for each in np.linalg.eigh(others))
    else:
        found, vectors = largest_eigenpairs(affinity, constants, more, seed)
    values = np.r_[np.zeros(constants.shape[1]), np.clip(1 - found, 0, 2)]
    return Spectrum(values, np.ascontiguousarray(np.c_[constants, vectors]))


def _part_constants(graph: Any, degrees: Float64Array, most: int) -> Float64Array:
    """Return the eigenvectors of eigenvalue 0, of the largest parts first; (n, at most most)."""
    part_count, parts = connected_components(graph, directed=False)
    sizes = np.bincount(parts, minlength=part_count)
    places = np.empty(part_count, np.int64)
    places[np.argsort(-sizes, kind="stable")] = np.arange(part_count)
    # A clip by itself has no degree, and is its own eigenvector.
    weights = np.where(degrees > 0, degrees, 1.0)
    volumes = np.bincount(parts, weights, minlength=part_count)
    constants = np.zeros((len(parts), min(part_count, most)))
    rows = np.flatnonzero(places[parts] < most)
    constants[rows, places[parts[rows]]] = np.sqrt(weights / volumes[parts])[rows]
    return constants
