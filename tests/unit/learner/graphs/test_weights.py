"""The graph of a pool: symmetric weights of a width that each clip sets for itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.graphs.scenes import clusters

from aloe.learner.domain.graphs.weights import neighbor_graph


def test_weights_are_the_mean_of_both_directions():
    # Three clips at 0, 1 and 3: each has both others as neighbors. By hand:
    # widths 3, 2, 3; 0-1: (e^-4/9 + e^-4/4)/2, 1-2: (e^-4 + e^-16/9)/2, 0-2: e^-4
    graph = neighbor_graph(np.array([[0], [1], [3]], np.float32)).toarray()
    expected = np.zeros((3, 3))
    expected[0, 1] = (np.exp(-4 / 9) + np.exp(-1)) / 2
    expected[1, 2] = (np.exp(-4) + np.exp(-16 / 9)) / 2
    expected[0, 2] = np.exp(-4)
    assert_allclose(graph, expected + expected.T, rtol=1e-12)


def test_scale_makes_no_difference():
    vectors = clusters(80)
    expected = neighbor_graph(vectors).toarray()
    for scale in (2.0**-60, 2.0**20):
        assert_allclose(neighbor_graph(vectors * np.float32(scale)).toarray(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "vectors",
    [
        clusters(30, 30),
        np.repeat(clusters(4), 20, axis=0),
        np.ones((40, 3), np.float32),
        np.r_[np.zeros((20, 3)), np.eye(3)].astype(np.float32),
        clusters(2),
    ],
    ids=["far clusters", "twenty of each", "all the same", "mostly the same", "two clips"],
)
def test_every_clip_has_weights(vectors):
    graph = neighbor_graph(vectors)
    assert_array_equal(graph.toarray(), graph.toarray().T)
    assert not graph.diagonal().any()
    assert graph.max() <= 1
    # Half of what its own farthest neighbor weighs, at the least.
    assert graph.sum(axis=1).min() >= np.exp(-4) / 2


def test_a_clip_alone_has_none():
    assert neighbor_graph(clusters(1)).toarray().tolist() == [[0.0]]
