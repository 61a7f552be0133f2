"""Eigenvectors without BLAS, against LAPACK's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from aloe.learner.domain.kernels.eigen import eigenvectors


def found(matrix):
    values, vectors = np.empty(len(matrix)), np.empty(matrix.shape)
    eigenvectors(np.array(matrix, np.float64), values, vectors)
    return values, vectors


def check(matrix):
    values, vectors = found(matrix)
    size = max(np.abs(matrix).max(), 1e-300) * len(matrix)
    assert_allclose(np.sort(values), np.linalg.eigvalsh(matrix), atol=1e-14 * size)
    assert_allclose(vectors @ vectors.T, np.eye(len(matrix)), atol=1e-13 * len(matrix))
    assert_allclose(vectors.T * values @ vectors, matrix, atol=1e-14 * size)


def test_two_by_two_by_hand():
    values, vectors = found(np.array([[2.0, 1.0], [1.0, 2.0]]))
    order = np.argsort(values)
    assert_allclose(values[order], [1, 3])
    assert_allclose(np.abs(vectors[order]), np.sqrt(0.5))
    assert vectors[order[0], 0] * vectors[order[0], 1] < 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 63, 130])
def test_random_symmetric_matrices(count):
    matrix = np.random.default_rng(count).normal(size=(count, count))
    check(matrix + matrix.T)


@pytest.mark.parametrize("rank", [0, 1, 2, 30, 59])
def test_matrices_of_low_rank(rank):
    factor = np.random.default_rng(rank).normal(size=(60, rank))
    check(factor @ factor.T)


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((7, 7)),
        np.eye(7),
        np.ones((7, 7)),
        np.diag([1.0, 1e-8, 1e-16, 0.0, -1.0, 1e-300]),
        np.diag(np.ones(6), 1) + np.diag(np.ones(6), -1),
        np.kron(np.eye(3), np.ones((4, 4))),
        1e-120 * (np.ones((5, 5)) + np.eye(5)),
        1e120 * (np.ones((5, 5)) + np.eye(5)),
    ],
)
def test_matrices_that_are_special(matrix):
    check(matrix)


def test_similarities_with_eigenvalues_of_all_sizes():
    points = np.linspace(0, 1, 120)
    check(np.exp(-np.square(points[:, np.newaxis] - points)))
