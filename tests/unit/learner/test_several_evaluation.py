"""Figures of several labels a clip against scikit-learn and by hand."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from aloe.learner.domain.evaluation import evaluate_several
from aloe.learner.domain.label_sets import UNKNOWN
from aloe.learner.domain.several_evaluation import (
    DEFAULT_THRESHOLD,
    average_precision,
    chosen_thresholds,
    class_figures,
    known_accuracy,
    known_loss,
    roc_auc,
)

IS, NOT = True, False


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_average_precision_by_hand():
    # In order: of it, not, of it. Recall 1/2 at precision 1, and 1 at 2/3.
    found = average_precision(column(0.9, 0.5, 0.1), np.array([IS, NOT, IS]))
    assert_allclose(found, 1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_clips_of_one_score_come_at_once():
    assert average_precision(column(0.5, 0.5, 0.5, 0.5), np.array([IS, NOT, NOT, NOT])) == 1 / 4
    assert roc_auc(column(0.5, 0.5), np.array([IS, NOT])) == 1 / 2


def test_roc_auc_by_hand():
    # Of 2 x 2 pairs the first clip is before both others, the last before none.
    assert roc_auc(column(0.9, 0.5, 0.3, 0.1), np.array([IS, NOT, NOT, IS])) == 2 / 4


@pytest.mark.parametrize("own", [[IS, IS], [NOT, NOT]])
def test_areas_take_clips_of_both_kinds(own):
    assert math.isnan(roc_auc(column(0.1, 0.2), np.array(own)))
    assert math.isnan(average_precision(column(0.1, 0.2), np.array(own))) is not own[0]


@pytest.mark.parametrize("digits", [1, 8])
def test_figures_are_those_of_scikit_learn(digits):
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(5)
    targets = (generator.random((80, 6)) < 0.3).astype(np.int8)
    noise = generator.normal(scale=0.4, size=targets.shape)
    probabilities = np.clip(targets * 0.5 + 0.25 + noise, 0, 1).round(digits).astype(np.float32)
    thresholds = np.linspace(0.2, 0.8, 6)
    found = class_figures(probabilities, targets, thresholds)
    for index in range(6):
        own, scores = targets[:, index], probabilities[:, index]
        assert_allclose(
            found.average_precisions[index], metrics.average_precision_score(own, scores)
        )
        assert_allclose(found.roc_aucs[index], metrics.roc_auc_score(own, scores))
        said = scores >= thresholds[index]
        assert_allclose(found.f1s[index], metrics.f1_score(own, said))
        assert_allclose(found.recalls[index], metrics.recall_score(own, said))
    evaluation = evaluate_several(probabilities, targets, thresholds)
    said = probabilities >= thresholds
    assert_allclose(evaluation.macro_f1, metrics.f1_score(targets, said, average="macro"))
    assert_allclose(1 - evaluation.accuracy, metrics.hamming_loss(targets, said))
    assert found.mean_average_precision is not None
    expected = metrics.average_precision_score(targets, probabilities, average="macro")
    assert_allclose(found.mean_average_precision, expected)


def test_what_is_unknown_counts_nowhere():
    generator = np.random.default_rng(6)
    targets = (generator.random((50, 3)) < 0.5).astype(np.int8)
    probabilities = generator.random((50, 3)).astype(np.float32)
    thresholds = np.full(3, 0.5)
    more = np.vstack([targets, np.full((20, 3), UNKNOWN, np.int8)])
    noise = np.vstack([probabilities, generator.random((20, 3)).astype(np.float32)])
    few, many = (
        evaluate_several(probabilities, targets, thresholds),
        evaluate_several(noise, more, thresholds),
    )
    assert few.figures == many.figures
    assert (few.accuracy, few.loss) == (many.accuracy, many.loss)
    assert_allclose(chosen_thresholds(noise, more), chosen_thresholds(probabilities, targets))


def test_a_threshold_lies_between_what_is_taken_and_the_rest():
    # The best F1 takes 0.9 to 0.5, all five of them: the next clip has 0.3.
    probabilities = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.3, 0.2, 0.1, 0.0], np.float32)
    targets = np.array([1] * 5 + [0] * 5, np.int8)
    found = chosen_thresholds(probabilities[:, np.newaxis], targets[:, np.newaxis])
    assert_allclose(found, [0.4])


@pytest.mark.parametrize(("positive", "negative"), [(4, 20), (20, 4), (0, 20), (20, 0)])
def test_few_clips_of_a_kind_leave_the_default_threshold(positive, negative):
    targets = np.array([1] * positive + [0] * negative, np.int8)[:, np.newaxis]
    probabilities = np.linspace(0.9, 0.1, len(targets), dtype=np.float32)[:, np.newaxis]
    assert_allclose(chosen_thresholds(probabilities, targets), [DEFAULT_THRESHOLD])


def test_chosen_thresholds_have_the_largest_f1_of_all():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(9)
    targets = (generator.random((60, 4)) < 0.3).astype(np.int8)
    scores = np.clip(targets * 0.3 + generator.random(targets.shape) * 0.7, 0, 1)
    probabilities = scores.astype(np.float32)
    for index, threshold in enumerate(chosen_thresholds(probabilities, targets)):
        own, column_ = targets[:, index], probabilities[:, index]
        best = max(metrics.f1_score(own, column_ >= each) for each in column_)
        assert_allclose(metrics.f1_score(own, column_ >= threshold), best)


def test_loss_and_accuracy_by_hand():
    probabilities = np.array([[0.5, 0.75], [0.25, 1.0]], np.float32)
    targets = np.array([[1, 1], [UNKNOWN, 0]], np.int8)
    # Right, right, not known, wrong; the last one's probability counts as the least float32.
    assert_allclose(known_accuracy(probabilities, targets, np.full(2, 0.5)), 2 / 3)
    least = float(np.finfo(np.float32).tiny)
    expected = -(math.log(0.5) + math.log(0.75) + math.log(least)) / 3
    assert_allclose(known_loss(probabilities, targets), expected)


def test_nothing_known_has_no_figures():
    probabilities, targets = np.ones((2, 2), np.float32), np.full((2, 2), UNKNOWN, np.int8)
    assert math.isnan(known_loss(probabilities, targets))
    assert math.isnan(known_accuracy(probabilities, targets, np.full(2, 0.5)))
    found = class_figures(probabilities, targets, np.full(2, 0.5))
    assert (found.mean_average_precision, found.mean_roc_auc) == (None, None)
