"""The head recipes against Keras, plain loops and an independent solver."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from tests.unit.learner.reference import softmax

from aloe.learner.domain.evaluation import evaluate
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.training import adam, glorot_uniform, lbfgs, train_head
from aloe.values.recipes import AdamRecipe, LbfgsRecipe, LogisticRecipe

LABEL_COUNT, DIM, CLASS_COUNT, EPOCHS = 200, 64, 5, 20


class Problem:
    """Clusters that overlap: 200 labels, so that the last batch of 32 holds 8."""

    def __init__(self, *, label_count=LABEL_COUNT, dim=DIM, class_count=CLASS_COUNT) -> None:
        generator = np.random.default_rng(11)
        centres = generator.normal(size=(class_count, dim))
        self.labels = generator.integers(class_count, size=label_count)
        noise = generator.normal(scale=2.0, size=(label_count, dim))
        self.embeddings = (centres[self.labels] + noise).astype(np.float32)
        self.start = glorot_uniform(generator, dim, class_count)
        self.shuffles = [generator.permutation(label_count) for _ in range(EPOCHS)]


def plain_adam(recipe: AdamRecipe, problem: Problem) -> NDArray[np.float64]:
    """Follow the recipe in float64, one formula at a time; return the biases as the last row."""
    x = np.c_[problem.embeddings, np.ones(len(problem.labels))].astype(np.float64)
    class_count = problem.start.shape[1]
    w: NDArray[np.float64] = np.r_[problem.start, np.zeros((1, class_count))].astype(np.float64)
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0
    for order in problem.shuffles:
        for begin in range(0, len(order), recipe.batch_size):
            batch = order[begin : begin + recipe.batch_size]
            logits = x[batch] @ w
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            p[np.arange(len(batch)), problem.labels[batch]] -= 1
            gradient = x[batch].T @ p / len(batch)
            t += 1
            m = 0.9 * m + 0.1 * gradient
            v = 0.999 * v + 0.001 * gradient**2
            # Keras: epsilon stands outside the bias correction.
            step = recipe.learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            w = w - step * m / (np.sqrt(v) + 1e-7)
    return w


def test_adam_is_keras_on_the_same_shuffles():
    keras = pytest.importorskip("keras")
    problem = Problem()
    model = keras.Sequential(
        [keras.Input((DIM,)), keras.layers.Dense(CLASS_COUNT, activation="softmax")]
    )
    model.layers[0].set_weights([problem.start, np.zeros(CLASS_COUNT, np.float32)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.001, epsilon=1e-7),
        loss=keras.losses.SparseCategoricalCrossentropy(),
    )
    for order in problem.shuffles:
        for begin in range(0, LABEL_COUNT, 32):
            batch = order[begin : begin + 32]
            model.train_on_batch(problem.embeddings[batch], problem.labels[batch])
    expected_weights, expected_biases = model.layers[0].get_weights()
    weights, biases = adam(
        AdamRecipe(), problem.embeddings, problem.labels, problem.start, problem.shuffles
    )
    assert np.abs(weights - problem.start).max() > 0.05, "training moved the weights"
    assert_allclose(weights, expected_weights, rtol=0, atol=1e-4)
    assert_allclose(biases, expected_biases, rtol=0, atol=1e-4)


@pytest.mark.parametrize("recipe", [AdamRecipe(), AdamRecipe(learning_rate=0.05, batch_size=7)])
def test_adam_is_the_plain_loop_of_its_formulas(recipe):
    problem = Problem()
    expected = plain_adam(recipe, problem)
    weights, biases = adam(
        recipe, problem.embeddings, problem.labels, problem.start, problem.shuffles
    )
    assert_allclose(np.vstack([weights, biases]), expected, rtol=0, atol=1e-5)


def test_one_step_of_adam_by_hand():
    # One label of class 0, x = 2, start 0, so p = (1/2, 1/2) and the gradient is
    # x (p - y) = (-1, 1) for the weights and (-1/2, 1/2) for the biases.
    # The first step of Adam is the learning rate, against the sign of the gradient.
    weights, biases = adam(
        AdamRecipe(learning_rate=0.01),
        np.array([[2.0]], dtype=np.float32),
        np.array([0]),
        np.zeros((1, 2), dtype=np.float32),
        [np.array([0])],
    )
    assert_allclose(weights, [[0.01, -0.01]], rtol=1e-4)
    assert_allclose(biases, [0.01, -0.01], rtol=1e-4)


def test_adam_leaves_its_start_as_it_was():
    problem = Problem()
    before = problem.start.copy()
    adam(AdamRecipe(), problem.embeddings, problem.labels, problem.start, problem.shuffles[:1])
    assert_array_equal(problem.start, before)


def test_glorot_start_fills_its_interval():
    start = glorot_uniform(np.random.default_rng(0), 1_000, 12)
    limit = np.sqrt(6 / 1_012)
    assert start.dtype == np.float32
    assert limit * 0.99 < np.abs(start).max() <= limit
    assert abs(start.mean()) < limit / 50


def penalised_loss(parameters: NDArray[np.float64], problem: Problem, penalty: float) -> float:
    """Mean cross-entropy plus the penalty, of a matrix whose last row is the biases."""
    logits = problem.embeddings.astype(np.float64) @ parameters[:-1] + parameters[-1]
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    own = log_p[np.arange(len(problem.labels)), problem.labels]
    return float(-own.mean() + penalty / 2 * np.square(parameters[:-1]).sum())


def test_lbfgs_ends_where_no_coordinate_improves():
    problem, penalty = Problem(label_count=60, dim=6, class_count=3), 0.01
    weights, biases = lbfgs(LbfgsRecipe(penalty), problem.embeddings, problem.labels, 3)
    optimum = np.vstack([weights, biases]).astype(np.float64)
    step = 1e-4
    for index in np.ndindex(optimum.shape):
        moved = [optimum.copy(), optimum.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        up, down = (penalised_loss(each, problem, penalty) for each in moved)
        assert abs(up - down) / (2 * step) < 1e-3, index


def test_lbfgs_finds_the_optimum_of_an_independent_solver():
    problem, penalty = Problem(label_count=80, dim=5, class_count=3), 0.05
    weights, biases = lbfgs(LbfgsRecipe(penalty), problem.embeddings, problem.labels, 3)
    # Newton's method with the Hessian in full; the pseudo-inverse takes out the shift of all
    # biases at once, which changes nothing.
    x = np.c_[problem.embeddings.astype(np.float64), np.ones(80)]
    y = np.eye(3)[problem.labels]
    ridge = np.diag([penalty] * 5 + [0.0])
    w = np.zeros((6, 3))
    for _ in range(30):
        p = softmax(x @ w)
        gradient = x.T @ (p - y) / 80 + ridge @ w
        hessian = np.zeros((6, 3, 6, 3))
        for a in range(3):
            for b in range(3):
                curvature = p[:, a] * ((a == b) - p[:, b])
                hessian[:, a, :, b] = (x.T * curvature) @ x / 80 + (a == b) * ridge
        w -= (np.linalg.pinv(hessian.reshape(18, 18)) @ gradient.ravel()).reshape(6, 3)
    assert np.abs(gradient).max() < 1e-12
    assert_allclose(weights, w[:-1], atol=2e-3)
    assert_allclose(biases - biases.mean(), w[-1] - w[-1].mean(), atol=2e-3)
    found = penalised_loss(np.vstack([weights, biases]), problem, penalty)
    assert found - penalised_loss(w, problem, penalty) < 1e-6


def test_lbfgs_without_penalty_ends_on_labels_that_can_be_told_apart():
    embeddings = np.array([[-1.0], [-2.0], [1.0], [2.0]], dtype=np.float32)
    labels = np.array([0, 0, 1, 1])
    weights, biases = lbfgs(LbfgsRecipe(0.0), embeddings, labels, 2)
    head = Head(1, weights, biases)
    assert np.isfinite(weights).all()
    assert class_probabilities(head, embeddings).argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_a_class_without_labels_is_never_the_prediction_for_a_labeled_clip():
    problem = Problem(class_count=3)
    for recipe in (AdamRecipe(), LbfgsRecipe(), LogisticRecipe()):
        head = train_head(
            recipe, problem.embeddings, problem.labels, class_count=5, seed=0, version=1
        )
        assert head.weights.shape == (DIM, 5)
        predicted = class_probabilities(head, problem.embeddings).argmax(axis=1)
        assert predicted.max() < 3, recipe


@pytest.mark.parametrize("recipe", [AdamRecipe(epoch_count=5), LbfgsRecipe(), LogisticRecipe()])
def test_equal_seed_and_version_give_the_same_bits(recipe):
    problem = Problem()

    def train() -> Head:
        return train_head(
            recipe, problem.embeddings, problem.labels, class_count=5, seed=2**63, version=4
        )

    first, second = train(), train()
    assert first.version == 4
    assert first.weights.dtype == first.biases.dtype == np.float32
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.biases.tobytes() == second.biases.tobytes()


def test_trainings_side_by_side_give_the_bits_that_each_gives_alone():
    problem = Problem()

    def train(version: int) -> bytes:
        return train_head(
            AdamRecipe(epoch_count=20),
            problem.embeddings,
            problem.labels,
            class_count=5,
            seed=1,
            version=version,
        ).weights.tobytes()

    versions = [1, 2, 3, 4]
    with ThreadPoolExecutor(len(versions)) as threads:
        assert list(threads.map(train, versions)) == [train(version) for version in versions]


def test_another_seed_or_version_gives_another_adam_head():
    problem = Problem()
    bits = {
        train_head(
            AdamRecipe(epoch_count=1),
            problem.embeddings,
            problem.labels,
            class_count=5,
            seed=seed,
            version=version,
        ).weights.tobytes()
        for seed in (0, 1)
        for version in (1, 2)
    }
    assert len(bits) == 4


def test_the_papers_recipe_learns_overlapping_clusters():
    problem = Problem()
    head = train_head(
        AdamRecipe(), problem.embeddings, problem.labels, class_count=5, seed=3, version=1
    )
    found = evaluate(class_probabilities(head, problem.embeddings), problem.labels)
    assert found.accuracy > 0.9
    assert found.loss < 0.5
