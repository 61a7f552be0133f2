"""Figures of heads on the unlabeled clips, by hand."""

import numpy as np
import pytest

from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.pool_statistics import cohens_kappa, pool_statistics


def kappa(first: list[int], second: list[int]) -> float:
    return cohens_kappa(np.array(first, np.int16), np.array(second, np.int16), class_count=3)


def test_kappa_of_ten_predictions_by_hand():
    # Equal in 6 of 10. The first says 0, 1, 2 in 5, 3, 2 of them, the second in 4, 4, 2.
    first = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    second = [0, 0, 0, 1, 1, 1, 1, 2, 2, 0]
    # Expected by chance: 0.5 * 0.4 + 0.3 * 0.4 + 0.2 * 0.2.
    assert kappa(first, second) == pytest.approx((0.6 - 0.36) / (1 - 0.36))


def test_kappa_of_the_same_predictions_is_1_and_of_opposite_ones_minus_1():
    assert kappa([0, 1, 2, 1], [0, 1, 2, 1]) == 1
    assert kappa([0, 1, 0, 1], [1, 0, 1, 0]) == -1


def test_kappa_of_one_class_throughout_is_1():
    assert kappa([2, 2, 2], [2, 2, 2]) == 1


def heads() -> tuple[Head, Head]:
    weights = np.array([[2, -1, 0], [0, 1, -1]], np.float32)
    before = np.array([[-2, -1, 0], [0, 1, -1]], np.float32)
    biases = np.zeros(3, np.float32)
    return Head(2, weights, biases), Head(1, before, biases)


def test_figures_are_of_the_rows_asked_for():
    head, previous = heads()
    embeddings = np.random.default_rng(4).normal(size=(200, 2)).astype(np.float32)
    rows = np.arange(0, 200, 3)
    found = pool_statistics(head, previous, embeddings, rows)
    assert found is not None
    probabilities, before = (class_probabilities(each, embeddings[rows]) for each in heads())
    assert found.mean_uncertainty == pytest.approx(1 - probabilities.max(axis=1).mean(), abs=1e-6)
    same = [each.argmax(axis=1).astype(np.int16) for each in (probabilities, before)]
    assert found.prediction_agreement == cohens_kappa(*same, class_count=3)


def test_a_first_head_has_nothing_to_agree_with():
    found = pool_statistics(heads()[0], None, np.eye(2, dtype=np.float32), np.arange(2))
    assert found is not None
    assert found.prediction_agreement is None


def test_no_clips_have_no_figures():
    empty = np.empty(0, np.int64)
    assert pool_statistics(*heads(), np.eye(2, dtype=np.float32), empty) is None
