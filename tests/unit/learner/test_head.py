"""The head's arithmetic."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities


def probabilities_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Predict with a head that hands its input on to the softmax."""
    class_count = logits.shape[1]
    passing_on = Head(1, np.eye(class_count, dtype=np.float32), np.zeros(class_count, np.float32))
    return class_probabilities(passing_on, logits)


def test_softmax_by_hand():
    # e^0 : e^ln2 : e^ln5 = 1 : 2 : 5
    logits = np.log(np.array([[1, 2, 5]], dtype=np.float32))
    assert_allclose(probabilities_of(logits), [[0.125, 0.25, 0.625]], rtol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4, 3e38, -3e38])
def test_softmax_of_huge_equal_logits_is_uniform(shift):
    logits = np.full((2, 4), shift, dtype=np.float32)
    assert_array_equal(probabilities_of(logits), np.full((2, 4), 0.25, dtype=np.float32))


def test_softmax_of_far_apart_logits_does_not_overflow():
    logits = np.array([[1e4, 0.0, -1e4], [-200.0, -100.0, 0.0]], dtype=np.float32)
    probabilities = probabilities_of(logits)
    assert np.isfinite(probabilities).all()
    assert_allclose(probabilities.sum(axis=1), [1.0, 1.0])
    assert probabilities.argmax(axis=1).tolist() == [0, 2]


def test_no_clips_have_no_probabilities():
    assert probabilities_of(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_logits_are_embeddings_times_weights_plus_biases():
    head = Head(
        1,
        weights=np.array([[1, 0], [2, 3], [0, -1]], dtype=np.float32),
        biases=np.array([0.5, -0.5], dtype=np.float32),
    )
    # (1*1 + 2*2 + 3*0, 1*0 + 2*3 - 3*1) + (0.5, -0.5) = (5.5, 2.5): the first leads by 3;
    # without a clip's voice the biases lead by 1.
    embeddings = np.array([[1, 2, 3], [0, 0, 0]], dtype=np.float32)
    first = 1 / (1 + np.exp([-3.0, -1.0]))
    assert_allclose(class_probabilities(head, embeddings)[:, 0], first, rtol=1e-6)


def test_some_rows_get_the_probabilities_that_they_get_among_all():
    generator = np.random.default_rng(3)
    head = Head(
        1,
        generator.normal(size=(37, 5)).astype(np.float32),
        generator.normal(size=5).astype(np.float32),
    )
    embeddings = generator.normal(size=(203, 37)).astype(np.float32)
    everything = class_probabilities(head, embeddings)
    for rows in (np.array([7]), np.array([200, 3, 3, 90]), np.arange(1, 203, 2)):
        assert_array_equal(class_probabilities(head, embeddings, rows), everything[rows])
