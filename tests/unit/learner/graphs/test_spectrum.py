"""Eigenpairs are those of the normalised Laplacian, the smallest eigenvalues first."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.graphs.scenes import clusters, laplacian, path

from aloe.learner.domain.graphs.spectrum import fit_spectrum, leading_eigenpairs
from aloe.learner.domain.graphs.weights import neighbor_graph

ODD_POOLS = {
    "none": clusters(0),
    "one": clusters(1),
    "two": clusters(2),
    "as many as neighbors": clusters(15),
    "one more": clusters(16),
    "fewer than eigenpairs": clusters(150),
    "all the same": np.ones((40, 3), np.float32),
    "thirty of each": np.repeat(clusters(20), 30, axis=0),
    "far apart": clusters(40, 20, 30),
    "a dot and a cloud": np.r_[np.zeros((100, 8)), clusters(30)].astype(np.float32),
}


def check(graph, found, tolerance):
    """Check that they are eigenpairs, orthonormal and in order."""
    values, vectors = found.eigenvalues, found.eigenvectors
    assert_allclose(laplacian(graph) @ vectors, vectors * values, atol=tolerance)
    assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=tolerance)
    assert (np.diff(values) >= 0).all()
    assert len(values) == 0 or (values[0] == 0 and values[-1] <= 2)


def test_a_path_of_three_clips_by_hand():
    found = leading_eigenpairs(path(3), 3, seed=0)
    assert_allclose(found.eigenvalues, [0, 1, 2], atol=1e-14)
    half, root = 0.5, np.sqrt(0.5)
    expected = np.array([[half, root, half], [root, 0, -root], [half, -root, half]]).T
    assert_allclose(np.abs(found.eigenvectors), np.abs(expected), atol=1e-14)
    check(path(3), found, 1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    "vectors", [clusters(1_100), clusters(700, 30, 400), np.ones((1_100, 2), np.float32)]
)
def test_rounds_find_what_all_at_once_finds(vectors):
    graph = neighbor_graph(vectors)
    found = leading_eigenpairs(graph, 40, seed=3)
    assert_allclose(found.eigenvalues, np.linalg.eigvalsh(laplacian(graph))[:40], atol=1e-4)
    assert_allclose(
        laplacian(graph) @ found.eigenvectors, found.eigenvectors * found.eigenvalues, atol=2e-3
    )
    assert_allclose(found.eigenvectors.T @ found.eigenvectors, np.eye(40), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("vectors", ODD_POOLS.values(), ids=ODD_POOLS)
def test_odd_pools_have_a_spectrum(vectors):
    graph = neighbor_graph(vectors)
    found = fit_spectrum(vectors, seed=0)
    assert found.clip_count == len(vectors)
    assert len(found.eigenvalues) == min(len(vectors), 200)
    check(graph, found, 1e-6)


def test_as_many_eigenvalues_are_0_as_the_graph_has_parts():
    found = fit_spectrum(clusters(40, 20, 30), seed=0)
    assert found.eigenvalues[2] == 0
    assert found.eigenvalues[3] > 0.01
    # The largest part first; each is of its own clips alone.
    assert_array_equal(np.flatnonzero(found.eigenvectors[:, 0]), np.arange(40))
    assert_array_equal(np.flatnonzero(found.eigenvectors[:, 1]), np.arange(60, 90))


def test_of_more_parts_than_eigenpairs_the_largest_are_kept():
    graph = neighbor_graph(
        np.repeat(np.arange(6.0, dtype=np.float32), [20, 17, 30, 17, 40, 16])[:, None]
    )
    found = leading_eigenpairs(graph, 4, seed=0)
    assert not found.eigenvalues.any()
    sizes = np.count_nonzero(found.eigenvectors, axis=0)
    assert_array_equal(sizes, [40, 30, 20, 17])
    check(graph, found, 1e-12)


def test_a_seed_fixes_the_bits_and_hardly_moves_the_values():
    graph = neighbor_graph(clusters(1_050))
    first, again, other = (leading_eigenpairs(graph, 20, seed) for seed in (1, 1, 2))
    assert_array_equal(first.eigenvectors, again.eigenvectors)
    assert_allclose(other.eigenvalues, first.eigenvalues, atol=1e-4)


@pytest.mark.slow
def test_processes_agree_on_the_bits():
    """As learners do, in one BLAS thread, whatever the environment says of threads."""
    code = """
import hashlib, numpy as np
from threadpoolctl import threadpool_limits
from aloe.learner.domain.graphs.spectrum import fit_spectrum
vectors = np.random.default_rng(0).standard_normal((1_300, 16), np.float32)
with threadpool_limits(limits=1, user_api="blas"):
    print(hashlib.sha256(fit_spectrum(vectors, 0).eigenvectors.tobytes()).hexdigest())
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(found) == 1
