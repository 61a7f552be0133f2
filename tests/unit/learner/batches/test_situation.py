"""What a rule picks by, and distances between clips."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.batches.scenes import line, random_situation

from aloe.learner.domain.batches.distances import DistancesTo, nearest_covered
from aloe.learner.domain.batches.situation import Situation, uncertainty


def test_uncertainty_is_what_the_best_class_does_not_lead_by():
    # By hand: 1 - (0.5 - 0.3), 1 - (0.8 - 0.1), 1 - (1 - 0), 1 - (1/3 - 1/3)
    rows = np.array([[0.3, 0.2, 0.5], [0.8, 0.1, 0.1], [0, 1, 0], [1 / 3] * 3], np.float32)
    assert_allclose(uncertainty(rows), [0.8, 0.3, 0, 1], atol=1e-7)
    assert uncertainty(np.ones((2, 1), np.float32)).tolist() == [1, 1]
    assert uncertainty(np.empty((0, 3), np.float32)).shape == (0,)


def test_before_a_head_nothing_is_known_of_any_clip():
    labels = np.array([-1, 2])
    found = Situation.without_head(
        line(1, 2, 3), line(4), line(5, 6), labels, class_count=4, seed=1, count=2
    )
    assert_array_equal(found.probabilities, np.full((3, 4), 0.25))
    assert_array_equal(found.reference_probabilities, np.full((1, 4), 0.25))
    assert_array_equal(found.covered_probabilities, np.full((2, 4), 0.25))
    assert found.scores.tolist() == [0, 0, 0]
    assert found.waiting.tolist() == [0]
    assert found.pick_count == 2
    assert replace(found, count=7).pick_count == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"references": np.zeros((3, 77), np.float32)}, "references and their probabilities"),
        ({"covered_probabilities": np.zeros((99, 2), np.float32)}, "covered and their"),
        ({"scores": np.zeros(99, np.float32)}, "99 scores of"),
        ({"covered_labels": np.zeros(99, np.int64)}, "99 labels of"),
        ({"count": -1}, "-1 clips cannot be picked"),
    ],
)
def test_shapes_that_contradict_each_other_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        random_situation(0, **wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_are_those_of_the_plain_definition(seed):
    rng = np.random.default_rng(seed)
    count, point_count, dim = rng.integers(0, [150, 300, 40])
    offset = rng.choice([0, 100])
    vectors, points = (
        (rng.normal(size=(n, dim)) + offset).astype(np.float32) for n in (count, point_count)
    )
    found = DistancesTo(vectors).of(points)
    plain = np.square(points[:, None].astype(np.float64) - vectors).sum(axis=2)
    assert found.dtype == np.float32
    assert_allclose(found, plain, rtol=1e-4, atol=1e-4)
    rows, nearest = nearest_covered(points, vectors)
    assert_array_equal(nearest, found.min(axis=1, initial=np.inf))
    assert_array_equal(rows, found.argmin(axis=1) if count else np.full(point_count, -1))


def test_equal_vectors_are_no_distance_apart():
    vectors = np.random.default_rng(0).normal(size=(70, 33)).astype(np.float32)
    assert np.diag(DistancesTo(vectors).of(vectors)).tolist() == [0] * 70


def test_the_nearest_covered_clip_is_named_with_its_squared_distance():
    # From 2: 1, 9, 1; the lower row of equals. From 7: 36, 4, 16.
    rows, distances = nearest_covered(line(2, 7), line(1, 5, 3))
    assert rows.tolist() == [0, 1]
    assert_allclose(distances, [1, 4], rtol=1e-5)
    rows, distances = nearest_covered(line(2), np.empty((0, 1), np.float32))
    assert (rows.tolist(), distances.tolist()) == ([-1], [np.inf])
