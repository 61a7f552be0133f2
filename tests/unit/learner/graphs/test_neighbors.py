"""Neighbors are the nearest ones, exactly, whatever the vectors are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.graphs.scenes import clusters

from aloe.learner.domain.graphs.neighbors import nearest_neighbors


def by_definition(vectors, count):
    exact = vectors.astype(np.float64)
    distances = np.square(exact[:, None] - exact[None]).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize(
    "vectors",
    # The last ones are done in two blocks.
    [clusters(150), clusters(40, 60), clusters(90, dim=1), clusters(150, dim=1_024)],
)
def test_they_are_those_of_the_definition(vectors):
    found = nearest_neighbors(vectors, 7)
    rows, squared_distances = by_definition(vectors, 7)
    assert_array_equal(found.rows, rows)
    assert_allclose(found.squared_distances, squared_distances, rtol=1e-12)


def test_vectors_far_from_zero_are_told_apart():
    # Their squares differ by less than float32 tells.
    vectors = clusters(60) + np.float32(4_096)
    assert_array_equal(nearest_neighbors(vectors, 5).rows, by_definition(vectors, 5)[0])


def test_clips_of_one_vector_are_at_distance_0_and_the_earlier_ones_come_first():
    vectors = np.repeat(clusters(3), 4, axis=0)
    found = nearest_neighbors(vectors, 3)
    assert_array_equal(found.squared_distances, np.zeros((12, 3)))
    assert_array_equal(found.rows[5], [4, 6, 7])


@pytest.mark.parametrize("clip_count", [0, 1, 2, 15, 16, 17])
def test_of_few_clips_all_others_are_neighbors(clip_count):
    k = min(15, max(clip_count - 1, 0))
    found = nearest_neighbors(clusters(clip_count), 15)
    assert found.rows.shape == found.squared_distances.shape == (clip_count, k)
    assert all(row not in near for row, near in enumerate(found.rows.tolist()))
