"""The ridge head against scikit-learn, heads that really left labels out, and by hand."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from tests.unit.learner.reference import softmax

from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.logistic import UNSEEN_BIAS, label_shares
from aloe.learner.domain.pool import MAX_MAGNITUDE
from aloe.learner.domain.ridge import ridge
from aloe.learner.domain.training import train_head
from aloe.values.recipes import RidgeRecipe

Array = NDArray[np.float64]
DEFAULT = RidgeRecipe()
DIM = 12
FEW, MANY = (4, 3, 2), (30, 20, 9)
"""Labels of each class: fewer and more than values."""


class Labels(NamedTuple):
    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]


def overlapping(*counts: int, seed: int = 5) -> Labels:
    """Draw clusters that overlap; so many of each class."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = generator.normal(size=(len(counts), DIM))
    vectors = 3 + centres[labels] + generator.normal(scale=2, size=(len(labels), DIM))
    return Labels(vectors.astype(np.float32), labels)


class Peer(NamedTuple):
    """scikit-learn's ridge regression of the classes, as rows of 0 and 1."""

    weights: Array
    """(DIM, n_classes)"""
    biases: Array


def peer_of(given: Labels, recipe: RidgeRecipe, left_out: int | None = None) -> Peer:
    """Fit with the penalty of all labels, on all but one where that is said."""
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with dev")
    x = given.embeddings.astype(np.float64)
    shares = label_shares(given.labels, recipe.class_balance)
    spread = np.square(x - np.average(x, axis=0, weights=shares)).sum(axis=1)
    fitted = linear_model.Ridge(alpha=recipe.l2_penalty * np.average(spread, weights=shares))
    kept = np.arange(len(x)) != left_out
    fitted.fit(x[kept], np.eye(given.labels.max() + 1)[given.labels][kept], shares[kept])
    return Peer(fitted.coef_.T, fitted.intercept_)


def sharpness_of(weights: NDArray[np.float32], peer: Peer) -> float:
    """Return the k of k (W - mean of W); all else must agree."""
    centred = peer.weights - peer.weights.mean(axis=1, keepdims=True)
    k = float((weights * centred).sum() / np.square(centred).sum())
    assert_allclose(weights, k * centred, rtol=1e-4, atol=1e-5 * k * np.abs(centred).max())
    return k


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("balance", [0.0, 1.0])
@pytest.mark.parametrize("counts", [FEW, MANY, (25, 4)])
def test_scores_are_those_of_scikit_learn_times_what_fits_labels_that_are_left_out(
    penalty, balance, counts
):
    given, recipe = overlapping(*counts), RidgeRecipe(penalty, balance)
    weights, biases = ridge(recipe, *given, class_count=len(counts))
    peer = peer_of(given, recipe)
    k = sharpness_of(weights, peer)
    assert_allclose(biases, k * (peer.biases - peer.biases.mean()), rtol=1e-3, atol=1e-4 * k)
    scores = []
    for place, x in enumerate(given.embeddings):
        without = peer_of(given, recipe, left_out=place)
        scores.append(x @ without.weights + without.biases)
    shares, own = label_shares(given.labels, balance), (np.arange(len(scores)), given.labels)

    def loss(log_k: float) -> float:
        return float(-shares @ np.log(softmax(np.exp(log_k) * np.array(scores))[own]))

    best = np.exp(minimize_scalar(loss, bounds=(0, np.log(128)), method="bounded").x)
    assert k == pytest.approx(best, rel=0.01)


def test_two_labels_by_hand():
    # x = 1 of class 0, x = -1 of class 1: v = 1, and with a penalty of 2 the score of class 0 is
    # 1/2 + w x with 2 w - 1 + 2 w = 0. Without a label, all scores are those of the other's class:
    # wrong, so that the logits are no sharper than they must be.
    weights, biases = ridge(
        RidgeRecipe(2.0), np.array([[1], [-1]], np.float32), np.array([0, 1]), class_count=2
    )
    assert_allclose(weights, [[0.25, -0.25]], rtol=1e-2)
    assert_allclose(biases, [0, 0], atol=1e-6)


def test_one_label_of_each_class_leaves_it_unsure_and_more_of_them_make_it_sure():
    centres = 10 * np.eye(4, DIM)
    noise = np.random.default_rng(3).normal(scale=0.1, size=(5, 4, DIM))
    clips = (centres + noise).astype(np.float32)
    sureness = []
    for each in (1, 5):
        weights, biases = ridge(
            DEFAULT, clips[:each].reshape(-1, DIM), np.tile(np.arange(4), each), class_count=4
        )
        likely = softmax((clips[-1] @ weights + biases).astype(np.float64))
        assert_array_equal(likely.argmax(axis=1), np.arange(4))
        sureness.append(likely.max(axis=1).mean())
    assert sureness[0] < 0.5
    assert sureness[1] > 0.99


def test_a_balance_moves_clips_to_the_class_of_few_labels():
    given = overlapping(60, 6)
    counts = []
    for balance in (0.0, 0.5, 1.0):
        weights, biases = ridge(RidgeRecipe(1.0, balance), *given, class_count=2)
        counts.append(np.count_nonzero((given.embeddings @ weights + biases).argmax(axis=1)))
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("counts", [FEW, MANY])
def test_weights_and_biases_of_the_labeled_classes_sum_to_0(counts):
    weights, biases = ridge(RidgeRecipe(class_balance=0.7), *overlapping(*counts), class_count=3)
    assert_allclose(weights.sum(axis=1), 0, atol=1e-5 * np.abs(weights).max())
    assert_allclose(biases.sum(), 0, atol=1e-5 * np.abs(biases).max())


def test_classes_without_labels_change_nothing_for_the_others():
    given = overlapping(12, 10, 8)
    alone = ridge(DEFAULT, *given, class_count=3)
    places = np.array([1, 2, 5])
    weights, biases = ridge(DEFAULT, given.embeddings, places[given.labels], class_count=7)
    assert_array_equal(weights[:, places], alone[0])
    assert_array_equal(biases[places], alone[1])
    without = [0, 3, 4, 6]
    assert_array_equal(weights[:, without], 0)
    assert_array_equal(biases[without], UNSEEN_BIAS)


@pytest.mark.parametrize("count", [1, 5])
def test_labels_of_one_class_make_a_head_that_is_sure_of_it(count):
    weights, biases = ridge(DEFAULT, *overlapping(count), class_count=3)
    assert_array_equal(weights, 0)
    assert_array_equal(biases, [0, UNSEEN_BIAS, UNSEEN_BIAS])


@pytest.mark.parametrize("penalty", [1e-6, 1e6])
@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-9, MAX_MAGNITUDE / 20])
@pytest.mark.parametrize("counts", [FEW, MANY])
def test_any_embeddings_that_are_taken_and_any_penalty_give_numbers(penalty, scale, counts):
    given = overlapping(*counts)
    clips = (given.embeddings * scale).astype(np.float32)
    head = train_head(RidgeRecipe(penalty), clips, given.labels, class_count=4, seed=0, version=1)
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.biases).all()
    far = np.full((1, DIM), MAX_MAGNITUDE, np.float32)
    likely = class_probabilities(head, np.concatenate([clips, far]))
    assert_allclose(likely.sum(axis=1), 1, rtol=1e-6)
    assert likely[:, 3].max() < 1e-30


@pytest.mark.parametrize("counts", [FEW, MANY])
def test_equal_clips_of_different_classes_are_as_likely_as_their_labels_are_frequent(counts):
    labels = overlapping(*counts).labels
    weights, biases = ridge(DEFAULT, np.ones((len(labels), DIM), np.float32), labels, class_count=3)
    assert_allclose(weights, 0, atol=1e-6)
    assert_array_equal(np.argsort(-biases), [0, 1, 2])


def test_the_same_labels_give_the_same_bits_whatever_seed_and_version():
    given = overlapping(15, 14, 13)
    heads = [
        train_head(DEFAULT, *given, class_count=3, seed=seed, version=version)
        for seed, version in ((1, 1), (2**63, 9))
    ]
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    assert heads[0].biases.tobytes() == heads[1].biases.tobytes()
