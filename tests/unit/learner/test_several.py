"""Heads of several labels a clip against Keras, scikit-learn, plain loops and by hand."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from aloe.learner.domain.batches.situation import uncertainty_of_several
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement, class_probabilities
from aloe.learner.domain.label_sets import NEGATIVE, POSITIVE, UNKNOWN
from aloe.learner.domain.logistic import UNSEEN_BIAS
from aloe.learner.domain.several import adam_of_several, logistic_of_several, train_several
from aloe.learner.domain.training import glorot_uniform
from aloe.values.labels import LabelMode
from aloe.values.recipes import AdamRecipe, LbfgsRecipe, LogisticRecipe, RidgeRecipe
from aloe.values.strategies import AcquisitionFunction, ClassCombination

COUNT, DIM, CLASS_COUNT, EPOCHS = 200, 64, 5, 20
CONVERGED = LogisticRecipe(iteration_count=10_000)


class Problem:
    """Clips that are of a class where a direction says so, with noise; a tenth is not known."""

    def __init__(self, *, unknown: float = 0.1, dim: int = DIM) -> None:
        generator = np.random.default_rng(3)
        self.embeddings = generator.normal(size=(COUNT, dim)).astype(np.float32)
        directions = generator.normal(size=(dim, CLASS_COUNT)) / np.sqrt(dim)
        scores = self.embeddings @ directions + generator.normal(scale=0.7, size=(COUNT, 5))
        self.targets = (scores > 0.4).astype(np.int8)
        self.targets[generator.random(self.targets.shape) < unknown] = UNKNOWN
        self.start = glorot_uniform(generator, dim, CLASS_COUNT)
        self.shuffles = [generator.permutation(COUNT) for _ in range(EPOCHS)]


def test_adam_is_keras_on_the_same_shuffles_where_unknowns_count_nothing():
    keras = pytest.importorskip("keras")
    ops = keras.ops
    problem = Problem()

    def loss(targets, predicted):
        known = ops.cast(targets >= NEGATIVE, "float32")
        positive = ops.cast(targets == POSITIVE, "float32")
        predicted = ops.clip(predicted, 1e-7, 1 - 1e-7)
        right = positive * ops.log(predicted) + (1 - positive) * ops.log(1 - predicted)
        return ops.sum(-known * right, axis=-1)

    model = keras.Sequential(
        [keras.Input((DIM,)), keras.layers.Dense(CLASS_COUNT, activation="sigmoid")]
    )
    model.layers[0].set_weights([problem.start, np.zeros(CLASS_COUNT, np.float32)])
    model.compile(optimizer=keras.optimizers.Adam(0.001, epsilon=1e-7), loss=loss)
    for order in problem.shuffles:
        for begin in range(0, COUNT, 32):
            batch = order[begin : begin + 32]
            model.train_on_batch(
                problem.embeddings[batch], problem.targets[batch].astype(np.float32)
            )
    expected_weights, expected_biases = model.layers[0].get_weights()
    weights, biases = adam_of_several(
        AdamRecipe(), problem.embeddings, problem.targets, problem.start, problem.shuffles
    )
    assert np.abs(weights - problem.start).max() > 0.05, "training moved the weights"
    assert_allclose(weights, expected_weights, rtol=0, atol=1e-4)
    assert_allclose(biases, expected_biases, rtol=0, atol=1e-4)


def test_one_step_of_adam_by_hand():
    # x = 2, start 0, so each p is 1/2: the gradient x (p - y) is -1 where the clip is of the class,
    # 1 where it is not and 0 where that is not known. The first step is the learning rate.
    weights, biases = adam_of_several(
        AdamRecipe(learning_rate=0.01),
        np.array([[2.0]], dtype=np.float32),
        np.array([[POSITIVE, NEGATIVE, UNKNOWN]], dtype=np.int8),
        np.zeros((1, 3), dtype=np.float32),
        [np.array([0])],
    )
    assert_allclose(weights, [[0.01, -0.01, 0]], rtol=1e-4)
    assert_allclose(biases, [0.01, -0.01, 0], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [0.01, 0.5])
@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_logistic_is_scikit_learn_class_by_class(penalty, balance):
    linear_model = pytest.importorskip("sklearn.linear_model")
    problem = Problem()
    recipe = LogisticRecipe(penalty, 10_000, balance)
    weights, biases = logistic_of_several(recipe, problem.embeddings, problem.targets)
    for index in range(CLASS_COUNT):
        known = problem.targets[:, index] != UNKNOWN
        own = problem.targets[known, index]
        shares = np.ones(len(own))
        if balance:
            shares = (len(own) / np.bincount(own))[own]
            shares /= shares.mean()
        model = linear_model.LogisticRegression(C=1 / (2 * penalty), tol=1e-10, max_iter=10_000)
        model.fit(problem.embeddings[known].astype(np.float64), own, sample_weight=shares)
        assert_allclose(weights[:, index], model.coef_[0], rtol=0, atol=1e-4)
        assert_allclose(biases[index], model.intercept_[0], rtol=0, atol=1e-4)


def test_lbfgs_minimises_the_mean_and_not_the_sum():
    problem = Problem(unknown=0)
    mean = logistic_of_several(LbfgsRecipe(0.02), problem.embeddings, problem.targets)
    # l2 / 2 |w|^2 beside a mean of n is n l2 / 2 |w|^2 beside their sum.
    same = LogisticRecipe(0.02 / 2 * COUNT, 10_000, 0.0)
    summed = logistic_of_several(same, problem.embeddings, problem.targets)
    for one, other in zip(mean, summed, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-3)


@pytest.mark.parametrize("recipe", [LogisticRecipe(), AdamRecipe(epoch_count=3)])
def test_a_class_that_comes_changes_no_other(recipe):
    problem = Problem(dim=15)
    few = train_several(recipe, problem.embeddings, problem.targets[:, :3], seed=1, version=2)
    if isinstance(recipe, AdamRecipe):  # It starts from random weights, which depend on how many.
        start, shuffles = problem.start[:15], problem.shuffles[:3]
        parts = [
            adam_of_several(recipe, problem.embeddings, problem.targets[:, :n], each, shuffles)
            for n, each in ((3, start[:, :3]), (5, start))
        ]
        assert_array_equal(parts[0][0], parts[1][0][:, :3])
        return
    more = train_several(recipe, problem.embeddings, problem.targets, seed=1, version=2)
    assert_array_equal(few.weights, more.weights[:, :3])
    assert_array_equal(few.biases, more.biases[:3])


@pytest.mark.parametrize("recipe", [LogisticRecipe(), LbfgsRecipe(), AdamRecipe(epoch_count=3)])
def test_the_same_arguments_give_the_same_bits(recipe):
    problem = Problem()
    one, other = (
        train_several(recipe, problem.embeddings, problem.targets, seed=4, version=7)
        for _ in range(2)
    )
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.biases.tobytes() == other.biases.tobytes()
    assert one.label_mode is LabelMode.MULTIPLE


def test_classes_without_both_kinds_of_clips_are_sure_of_what_was_said():
    problem = Problem(unknown=0)
    targets = problem.targets.copy()
    targets[:, 0], targets[:, 1], targets[:, 2] = POSITIVE, NEGATIVE, UNKNOWN
    head = train_several(LogisticRecipe(), problem.embeddings, targets, seed=0, version=1)
    assert not head.weights[:, :3].any()
    assert_array_equal(
        head.biases[:3], np.array([-UNSEEN_BIAS, UNSEEN_BIAS, UNSEEN_BIAS], np.float32)
    )
    probabilities = class_probabilities(head, problem.embeddings)
    assert_allclose(probabilities[:, :3], [[1, 0, 0]] * COUNT, atol=1e-30)


def test_ridge_trains_no_such_head():
    problem = Problem()
    with pytest.raises(ValueError, match="one label a clip"):
        train_several(RidgeRecipe(), problem.embeddings, problem.targets, seed=0, version=1)


def head_of(logits: NDArray[np.float64]) -> tuple[Head, NDArray[np.float32]]:
    """Return a head and embeddings that give these logits, (n_clips, n_classes)."""
    count, class_count = logits.shape
    weights = logits.astype(np.float32)
    biases = np.zeros(class_count, np.float32)
    return Head(1, weights, biases, label_mode=LabelMode.MULTIPLE), np.eye(count, dtype=np.float32)


def scores_of(
    logits: NDArray[np.float64], function: AcquisitionFunction, combination: ClassCombination
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    head, embeddings = head_of(logits)
    rows = np.arange(len(logits))
    judgement = Judgement([Judge(head, function, combination)], embeddings, rows)
    judgement.share(0, len(rows))
    return judgement.scores[0], judgement.predicted[0]


@pytest.mark.parametrize(
    ("function", "of_half", "of_quarter"),
    [
        # Of p = 1/2 and of p = 1/4, as a choice of two.
        (AcquisitionFunction.SMALLEST_MARGIN, 0.0, -0.5),
        (AcquisitionFunction.LARGEST_MARGIN, 1.0, 0.5),
        (AcquisitionFunction.LEAST_CONFIDENCE, 0.5, 0.25),
        (
            AcquisitionFunction.ENTROPY,
            math.log(2),
            0.25 * math.log(4) + 0.75 * math.log(4 / 3),
        ),
        (AcquisitionFunction.NORM, math.sqrt(0.5), math.sqrt(2) / 4),
        (AcquisitionFunction.MARGIN_LOGITS, 0.0, -math.log(3)),
    ],
)
def test_scores_by_hand(function, of_half, of_quarter):
    logits = np.array([[0.0, -math.log(3)], [math.log(3), -math.log(3)]])
    most, predicted = scores_of(logits, function, ClassCombination.MAX)
    assert_allclose(most, [of_half, of_quarter], rtol=1e-5, atol=1e-6)
    mean, _ = scores_of(logits, function, ClassCombination.MEAN)
    assert_allclose(mean, [(of_half + of_quarter) / 2, of_quarter], rtol=1e-5, atol=1e-6)
    assert_array_equal(predicted, [0, 0])


def test_the_predicted_class_is_the_likeliest_and_the_first_of_equals():
    logits = np.array([[-3.0, -1.0, -2.0], [2.0, 5.0, 5.0], [-1e4, -1e4, -1e4]])
    _, predicted = scores_of(logits, AcquisitionFunction.ENTROPY, ClassCombination.MEAN)
    assert_array_equal(predicted, [1, 1, 0])


@pytest.mark.parametrize("count", [3, 200])
def test_probabilities_are_sigmoids(count):
    logits = np.random.default_rng(1).normal(scale=6, size=(count, 7))
    head, embeddings = head_of(logits)
    expected = 1 / (1 + np.exp(-logits))
    assert_allclose(class_probabilities(head, embeddings), expected, rtol=1e-5, atol=1e-7)


def test_judges_of_both_kinds_share_a_pass():
    generator = np.random.default_rng(2)
    embeddings = generator.normal(size=(150, 9)).astype(np.float32)
    weights, biases = generator.normal(size=(9, 4)), generator.normal(size=4)
    single, multiple = (
        Head(1, weights.astype(np.float32), biases.astype(np.float32), label_mode=mode)
        for mode in LabelMode
    )
    function, rows = AcquisitionFunction.LEAST_CONFIDENCE, np.arange(150)
    judges = [Judge(multiple, function), Judge(single, function), Judge(multiple, function)]
    together = Judgement(judges, embeddings, rows)
    together.share(0, 150)
    for place, judge in enumerate(judges):
        alone = Judgement([judge], embeddings, rows)
        alone.share(0, 150)
        assert_array_equal(together.scores[place], alone.scores[0])
        assert_array_equal(together.predicted[place], alone.predicted[0])
    softmax = class_probabilities(single, embeddings)
    assert_allclose(together.scores[1], 1 - softmax.max(axis=1), atol=1e-5)
    sigmoids = class_probabilities(multiple, embeddings)
    expected = np.minimum(sigmoids, 1 - sigmoids).mean(axis=1)
    assert_allclose(together.scores[0], expected, atol=1e-5)


def test_uncertainty_of_several_by_hand():
    probabilities = np.array([[0.5, 1.0], [0.0, 1.0], [0.25, 0.25]], np.float32)
    # 1 - |2p - 1| is 1, 0; 0, 0; 1/2, 1/2.
    assert_allclose(uncertainty_of_several(probabilities), [0.5, 0, 0.5])
