"""The head's arithmetic."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from aloe.learner.domain.head import Head, softmax


def test_softmax_by_hand():
    # e^0 : e^ln2 : e^ln5 = 1 : 2 : 5
    logits = np.log(np.array([[1, 2, 5]], dtype=np.float32))
    assert_allclose(softmax(logits), [[0.125, 0.25, 0.625]], rtol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4, 3e38, -3e38])
def test_softmax_of_huge_equal_logits_is_uniform(shift):
    logits = np.full((2, 4), shift, dtype=np.float32)
    assert_array_equal(softmax(logits), np.full((2, 4), 0.25, dtype=np.float32))


@pytest.mark.filterwarnings("error")
def test_softmax_of_far_apart_logits_neither_overflows_nor_warns():
    logits = np.array([[1e4, 0.0, -1e4], [-200.0, -100.0, 0.0]], dtype=np.float32)
    probabilities = softmax(logits)
    assert np.isfinite(probabilities).all()
    assert_allclose(probabilities.sum(axis=1), [1.0, 1.0])
    assert probabilities.argmax(axis=1).tolist() == [0, 2]


def test_softmax_leaves_the_logits_as_they_were():
    logits = np.array([[1.0, 2.0]], dtype=np.float32)
    softmax(logits)
    assert_array_equal(logits, [[1.0, 2.0]])


def test_softmax_of_no_clips_is_empty():
    assert softmax(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_logits_are_embeddings_times_weights_plus_biases():
    head = Head(
        1,
        weights=np.array([[1, 0], [2, 3], [0, -1]], dtype=np.float32),
        biases=np.array([0.5, -0.5], dtype=np.float32),
    )
    embeddings = np.array([[1, 2, 3], [0, 0, 0]], dtype=np.float32)
    # (1*1 + 2*2 + 3*0, 1*0 + 2*3 - 3*1) + (0.5, -0.5) = (5.5, 2.5)
    assert_array_equal(head.logits(embeddings), [[5.5, 2.5], [0.5, -0.5]])
    assert head.logits(embeddings).dtype == np.float32
