"""Training a head: a linear softmax classifier from scratch, by the task's recipe."""

from collections.abc import Iterable

import numpy as np

from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.descent import Limits
from aloe.learner.domain.head import Head, pack
from aloe.learner.domain.kernels.adam import adam_epoch
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.logistic import logistic, softmax_regression
from aloe.learner.domain.ridge import ridge
from aloe.values.recipes import (
    AdamRecipe,
    HeadRecipe,
    LbfgsRecipe,
    LogisticRecipe,
    RidgeRecipe,
)

_MOST_STEPS, _LEAST_GAIN, _LEAST_SLOPE = 1_000, 2.2e-9, 1e-5
"""When L-BFGS has converged: the limits that SciPy has by default."""
GENERATOR_PURPOSE = 1
"""Tells these random numbers from others of the round."""


def train_head(
    recipe: HeadRecipe,
    embeddings: Float32Array,
    labels: IntArray,
    *,
    class_count: int,
    seed: int,
    version: int,
) -> Head:
    """Train a head on all labels so far. The same arguments give the same bits on one machine.

    Args:
        recipe: optimiser and its settings.
        embeddings: (n_labels, embedding_dim) float32.
        labels: (n_labels,) int64, class indices.
        class_count: number of classes.
        seed: of the task.
        version: of the head; with the seed it fixes the start and the shuffles.

    Returns:
        The head.
    """
    match recipe:
        case AdamRecipe():
            generator = np.random.Generator(
                np.random.PCG64(np.random.SeedSequence([seed, version, GENERATOR_PURPOSE]))
            )
            weights = glorot_uniform(generator, embeddings.shape[1], class_count)
            shuffles = (generator.permutation(len(labels)) for _ in range(recipe.epoch_count))
            weights, biases = adam(recipe, embeddings, labels, weights, shuffles)
        case LbfgsRecipe():
            weights, biases = lbfgs(recipe, embeddings, labels, class_count)
        case LogisticRecipe():
            weights, biases = logistic(recipe, embeddings, labels, class_count)
        case RidgeRecipe():
            weights, biases = ridge(recipe, embeddings, labels, class_count)
    return Head(version, weights, biases)


def glorot_uniform(
    generator: np.random.Generator, embedding_dim: int, class_count: int
) -> Float32Array:
    """Draw starting weights, (embedding_dim, class_count) float32, as Glorot & Bengio (2010)."""
    limit = np.sqrt(6 / (embedding_dim + class_count))
    return generator.uniform(-limit, limit, (embedding_dim, class_count)).astype(np.float32)


def adam(
    recipe: AdamRecipe,
    embeddings: Float32Array,
    labels: IntArray,
    weights: Float32Array,
    shuffles: Iterable[IntArray],
) -> tuple[Float32Array, Float32Array]:
    """Minimise the mean cross-entropy of each mini-batch in turn, in one thread.

    Args:
        recipe: learning rate and batch size.
        embeddings: (n_labels, embedding_dim) float32.
        labels: (n_labels,) int64.
        weights: (embedding_dim, n_classes) float32, the start; biases start at 0.
        shuffles: per epoch, the order of the labels, (n_labels,) int64.

    Returns:
        Weights (embedding_dim, n_classes) and biases (n_classes,), float32.
    """
    class_count = weights.shape[1]
    packed, biases = pack(weights.T), pack(np.zeros(class_count, np.float32))
    moments = aligned(np.zeros((2, *packed.shape), np.float32))
    bias_moments = np.zeros((2, *biases.shape), np.float32)
    inputs, step_count = frozen(aligned(embeddings)), 0
    for order in shuffles:
        step_count = adam_epoch(
            inputs,
            labels,
            order,
            recipe.batch_size,
            recipe.learning_rate,
            step_count,
            class_count,
            packed,
            biases,
            moments,
            bias_moments,
        )
    return packed[:class_count].T, biases[:class_count]


def lbfgs(
    recipe: LbfgsRecipe, embeddings: Float32Array, labels: IntArray, class_count: int
) -> tuple[Float32Array, Float32Array]:
    """Minimise the penalised mean cross-entropy to convergence, from zero.

    Args:
        recipe: the penalty; it does not touch the biases.
        embeddings: (n_labels, embedding_dim) float32.
        labels: (n_labels,) int64.
        class_count: number of classes.

    Returns:
        Weights (embedding_dim, n_classes) and biases (n_classes,), float32.
    """
    label_count = len(labels)
    return softmax_regression(
        embeddings,
        labels,
        shares=np.ones(label_count),
        # The sum is minimised in place of the mean.
        l2_penalty=recipe.l2_penalty / 2 * label_count,
        class_count=class_count,
        limits=lbfgs_limits(label_count),
    )


def lbfgs_limits(label_count: int) -> Limits:
    """Return when `lbfgs` ends, which minimises a sum over so many labels."""
    return Limits(_MOST_STEPS, _LEAST_GAIN, _LEAST_SLOPE * label_count)
