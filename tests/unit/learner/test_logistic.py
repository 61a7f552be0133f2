"""The logistic head against scikit-learn, finite differences, Newton's method and by hand."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from tests.unit.learner.reference import logits_of, scores_of, softmax

from aloe.learner.domain.acquisition import FORMULAS
from aloe.learner.domain.evaluation import evaluate
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement, class_probabilities
from aloe.learner.domain.logistic import UNSEEN_BIAS, label_shares, logistic
from aloe.learner.domain.pool import MAX_MAGNITUDE
from aloe.learner.domain.pool_statistics import Judged, pool_statistics
from aloe.learner.domain.training import train_head
from aloe.values.recipes import LogisticRecipe
from aloe.values.strategies import AcquisitionFunction

DEFAULT = LogisticRecipe()
CONVERGED = LogisticRecipe(iteration_count=10_000)
DIM = 12


class Labels(NamedTuple):
    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]


def overlapping(*counts: int, seed: int = 5) -> Labels:
    """Draw clusters that overlap, of unit vectors; so many of each class."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = generator.normal(size=(len(counts), DIM))
    vectors = centres[labels] + generator.normal(scale=2, size=(len(labels), DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Labels(vectors.astype(np.float32), labels)


def trained(recipe: LogisticRecipe, given: Labels, class_count: int) -> Head:
    return train_head(
        recipe, given.embeddings, given.labels, class_count=class_count, seed=0, version=1
    )


def penalised_loss(parameters: NDArray[np.float64], given: Labels, recipe: LogisticRecipe) -> float:
    """Follow the recipe word for word; the last row of the parameters is the biases."""
    x = given.embeddings.astype(np.float64)
    own = softmax(x @ parameters[:-1] + parameters[-1])[np.arange(len(x)), given.labels]
    shares = label_shares(given.labels, recipe.class_balance)
    penalty = recipe.l2_penalty * np.square(parameters[:-1]).sum()
    return float(-(shares * np.log(own)).sum() + penalty)


@pytest.mark.parametrize("penalty", [0.0005, 0.5])
@pytest.mark.parametrize("balance", [0.0, 1.0])
@pytest.mark.parametrize("counts", [(30, 20, 9, 3), (25, 4)])
def test_it_predicts_as_scikit_learn_does_once_it_has_converged(penalty, balance, counts):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with dev")
    given, others = overlapping(*counts), overlapping(*counts, seed=6)
    head = trained(
        replace(CONVERGED, l2_penalty=penalty, class_balance=balance), given, len(counts)
    )
    # For two classes scikit-learn has one column, w and 0, of which the square is twice that of
    # our w / 2 and -w / 2.
    peer = linear_model.LogisticRegression(
        C=1 / (penalty * min(len(counts) - 1, 2)),
        class_weight="balanced" if balance else None,
        tol=1e-10,
        max_iter=10_000,
    )
    peer.fit(given.embeddings.astype(np.float64), given.labels)
    for clips in (given.embeddings, others.embeddings):
        expected = peer.predict_proba(clips.astype(np.float64))
        assert_allclose(class_probabilities(head, clips), expected, atol=1e-4)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_it_ends_where_no_coordinate_improves(balance):
    given = overlapping(20, 12, 4)
    recipe = replace(CONVERGED, l2_penalty=0.05, class_balance=balance)
    weights, biases = logistic(recipe, given.embeddings, given.labels, 3)
    optimum, step = np.vstack([weights, biases]).astype(np.float64), 1e-4
    for index in np.ndindex(optimum.shape):
        moved = [optimum.copy(), optimum.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        up, down = (penalised_loss(each, given, recipe) for each in moved)
        assert abs(up - down) / (2 * step) < 1e-4, index


def test_two_labels_by_hand():
    # x = 1 of class 0, x = -1 of class 1. With weights (w, -w) and no biases, by symmetry, the
    # loss is 2 log(1 + e^-2w) + 2 penalty w^2, so that e^-2w / (1 + e^-2w) = penalty w.
    # For w = 1 that is a penalty of 1 / (1 + e^2).
    recipe = LogisticRecipe(l2_penalty=1 / (1 + math.e**2))
    weights, biases = logistic(
        recipe, np.array([[1], [-1]], np.float32), np.array([0, 1]), class_count=2
    )
    assert_allclose(weights, [[1, -1]], atol=1e-5)
    assert_allclose(biases, [0, 0], atol=1e-6)


def test_shares_by_hand():
    # Two labels of class 0, eight of class 1.
    targets = np.array([0] * 2 + [1] * 8)
    assert_allclose(label_shares(targets, 0), 1)
    # Each class counts as five labels.
    assert_allclose(label_shares(targets, 1), [2.5] * 2 + [0.625] * 8)
    # 2^-1/2 and 8^-1/2 are as 2 to 1: 2 x 2 + 8 x 1 = 12 for ten labels.
    assert_allclose(label_shares(targets, 0.5), [20 / 12] * 2 + [10 / 12] * 8)


def test_a_balance_moves_clips_to_the_class_of_few_labels():
    given = overlapping(60, 6)
    counts = [
        np.bincount(
            class_probabilities(
                trained(replace(DEFAULT, l2_penalty=0.5, class_balance=balance), given, 2),
                given.embeddings,
            ).argmax(axis=1),
            minlength=2,
        )[1]
        for balance in (0.0, 0.5, 1.0)
    ]
    assert counts[0] < counts[1] < counts[2]


def test_a_few_iterations_end_short_of_the_optimum_and_more_go_on():
    given = overlapping(20, 20, 20)
    losses = []
    for iteration_count in (1, 5, 20, 10_000):
        recipe = replace(DEFAULT, iteration_count=iteration_count)
        found = np.vstack(logistic(recipe, given.embeddings, given.labels, 3))
        losses.append(penalised_loss(found.astype(np.float64), given, recipe))
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1] + 1


def test_weights_and_biases_of_the_labeled_classes_sum_to_0():
    given = overlapping(9, 30, 3)
    weights, biases = logistic(replace(DEFAULT, class_balance=0.7), *given, class_count=3)
    assert_allclose(weights.sum(axis=1), 0, atol=1e-5)
    assert_allclose(biases.sum(), 0, atol=1e-5)


def test_classes_without_labels_change_nothing_for_the_others():
    given = overlapping(12, 10, 8)
    alone = logistic(DEFAULT, *given, class_count=3)
    places = np.array([1, 2, 5])
    weights, biases = logistic(DEFAULT, given.embeddings, places[given.labels], class_count=7)
    assert_array_equal(weights[:, places], alone[0])
    assert_array_equal(biases[places], alone[1])
    without = [0, 3, 4, 6]
    assert_array_equal(weights[:, without], 0)
    assert_array_equal(biases[without], UNSEEN_BIAS)


FAR = np.random.default_rng(8).normal(scale=1e3, size=(100, DIM)).astype(np.float32)


@pytest.mark.parametrize("known", [1, 2, 3])
@pytest.mark.parametrize("function", FORMULAS)
def test_a_class_without_labels_is_nowhere_likely_and_leaves_every_score_a_number(known, function):
    given = overlapping(*[7] * known)
    head = trained(DEFAULT, given, 5)
    clips = np.concatenate([given.embeddings, FAR])
    probabilities = class_probabilities(head, clips)
    assert probabilities[:, known:].max() < 1e-30
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    judgement = Judgement([Judge(head, function)], clips, np.arange(len(clips)))
    judgement.share(0, len(clips))
    assert judgement.predicted.max() < known
    assert np.isfinite(judgement.scores).all()
    few = len(given.labels)
    expected = scores_of(function, logits_of(head, clips[:few]))
    assert_allclose(judgement.scores[0, :few], expected, rtol=1e-5, atol=1e-6)


def test_a_class_without_labels_leaves_evaluations_and_statistics_numbers():
    given = overlapping(10, 10)
    head = trained(DEFAULT, given, 4)
    # Validation clips may well be of a class that has no train label yet.
    labels = np.where(np.arange(20) % 5 == 0, 3, given.labels)
    found = evaluate(class_probabilities(head, given.embeddings), labels)
    assert found.accuracy <= 0.8
    assert 0 < found.loss < 90
    assert found.class_recalls[3] == 0
    assert 0 <= found.macro_f1 <= 1
    assert found.calibration_error is not None
    assert 0 <= found.calibration_error <= 1
    earlier = trained(DEFAULT, Labels(given.embeddings[:10], given.labels[:10]), 4)
    judges = [Judge(each, AcquisitionFunction.LEAST_CONFIDENCE) for each in (head, earlier)]
    judgement = Judgement(judges, given.embeddings, np.arange(20))
    judgement.share(0, 20)
    judged = Judged(judgement.scores[0], judgement.predicted[0], judgement.predicted[1])
    statistics = pool_statistics(judged, 4)
    assert statistics is not None
    assert statistics.prediction_agreement is not None
    assert np.isfinite([statistics.prediction_agreement, statistics.mean_uncertainty]).all()


def test_labels_of_one_class_make_a_head_that_is_sure_of_it():
    given = overlapping(5)
    weights, biases = logistic(DEFAULT, *given, class_count=3)
    assert_array_equal(weights, 0)
    assert_array_equal(biases, [0, UNSEEN_BIAS, UNSEEN_BIAS])


@pytest.mark.parametrize("penalty", [0.0, 1e6])
@pytest.mark.parametrize("scale", [0.0, 1e-9, MAX_MAGNITUDE])
def test_any_embeddings_that_are_taken_and_any_penalty_give_numbers(penalty, scale):
    given = overlapping(6, 5, 4)
    clips = (given.embeddings * scale).astype(np.float32)
    head = trained(LogisticRecipe(l2_penalty=penalty), Labels(clips, given.labels), 4)
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.biases).all()
    assert np.isfinite(class_probabilities(head, clips)).all()


def test_the_same_labels_give_the_same_bits_whatever_seed_and_version():
    given = overlapping(15, 14, 13)
    heads = [
        train_head(DEFAULT, *given, class_count=3, seed=seed, version=version)
        for seed, version in ((1, 1), (2**63, 9))
    ]
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    assert heads[0].biases.tobytes() == heads[1].biases.tobytes()
