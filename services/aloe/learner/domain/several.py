"""Heads of several labels a clip: a sigmoid for each class, of it against the rest.

No class has a say in another's weights, so that one that comes or goes changes no other.
"""

from collections.abc import Iterable

import numpy as np
from scipy.special import expit

from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.descent import Float64Array, Limits, Objective, minimum
from aloe.learner.domain.head import Head, pack
from aloe.learner.domain.kernels.adam import several_epoch
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.label_sets import NEGATIVE, POSITIVE, Targets
from aloe.learner.domain.logistic import CONVERGENCE, UNSEEN_BIAS, label_shares
from aloe.learner.domain.training import GENERATOR_PURPOSE, glorot_uniform, lbfgs_limits
from aloe.values.labels import LabelMode
from aloe.values.recipes import AdamRecipe, HeadRecipe, LbfgsRecipe, LogisticRecipe, RidgeRecipe


def train_several(
    recipe: HeadRecipe, embeddings: Float32Array, targets: Targets, *, seed: int, version: int
) -> Head:
    """Train a head on all labels so far. The same arguments give the same bits on one machine.

    Args:
        recipe: optimiser and its settings.
        embeddings: (n_labels, dim) float32.
        targets: (n_labels, n_classes) int8, what is known of each.
        seed: of the task.
        version: of the head; with the seed it fixes the start and the shuffles.

    Raises:
        ValueError: the recipe trains no such heads; check_task refuses it.
    """
    match recipe:
        case AdamRecipe():
            generator = np.random.Generator(
                np.random.PCG64(np.random.SeedSequence([seed, version, GENERATOR_PURPOSE]))
            )
            weights = glorot_uniform(generator, embeddings.shape[1], targets.shape[1])
            shuffles = (generator.permutation(len(targets)) for _ in range(recipe.epoch_count))
            weights, biases = adam_of_several(recipe, embeddings, targets, weights, shuffles)
        case LogisticRecipe() | LbfgsRecipe():
            weights, biases = logistic_of_several(recipe, embeddings, targets)
        case RidgeRecipe():
            raise ValueError("ridge heads are of one label a clip")
    return Head(version, weights, biases, label_mode=LabelMode.MULTIPLE)


def adam_of_several(
    recipe: AdamRecipe,
    embeddings: Float32Array,
    targets: Targets,
    weights: Float32Array,
    shuffles: Iterable[IntArray],
) -> tuple[Float32Array, Float32Array]:
    """Minimise the binary cross-entropy, summed over classes, of each mini-batch in turn.

    It is the mean over the clips of a batch, where what is unknown counts as 0; in Keras' terms
    reduce_sum(known * binary_crossentropy, axis=-1).

    Args:
        recipe: learning rate and batch size.
        embeddings: (n_labels, dim) float32.
        targets: (n_labels, n_classes) int8.
        weights: (dim, n_classes) float32, the start; biases start at 0.
        shuffles: per epoch, the order of the labels, (n_labels,) int64.

    Returns:
        Weights (dim, n_classes) and biases (n_classes,), float32.
    """
    class_count = weights.shape[1]
    packed, biases = pack(weights.T), pack(np.zeros(class_count, np.float32))
    moments = aligned(np.zeros((2, *packed.shape), np.float32))
    bias_moments = np.zeros((2, *biases.shape), np.float32)
    inputs, known, step_count = frozen(aligned(embeddings)), np.ascontiguousarray(targets), 0
    for order in shuffles:
        step_count = several_epoch(
            inputs,
            known,
            order,
            recipe.batch_size,
            recipe.learning_rate,
            step_count,
            packed,
            biases,
            moments,
            bias_moments,
        )
    return packed[:class_count].T, biases[:class_count]


def logistic_of_several(
    recipe: LogisticRecipe | LbfgsRecipe, embeddings: Float32Array, targets: Targets
) -> tuple[Float32Array, Float32Array]:
    """Fit each class on the clips of which it is known, in float64, from zero.

    Of a class, sum of share_i x cross-entropy_i + l2_penalty |w|^2 is minimised; the bias is free.
    With as many iterations as it takes this is scikit-learn's LogisticRegression of the class with
    C = 1 / (2 l2_penalty). Shares are those of label_shares, of positive and negative clips.

    Args:
        recipe: the settings, those of LbfgsRecipe as `lbfgs` takes them.
        embeddings: (n_labels, dim) float32.
        targets: (n_labels, n_classes) int8. A class that is not both positive and negative
            somewhere takes no part: it gets weights of 0 and a bias that says what was said of it,
            UNSEEN_BIAS where that is nothing or that no clip is of it. So it makes no clip worth
            asking.

    Returns:
        Weights (dim, n_classes) and biases (n_classes,), float32.
    """
    inputs, class_count = embeddings.astype(np.float64), targets.shape[1]
    weights = np.zeros((inputs.shape[1], class_count), np.float32)
    biases = np.full(class_count, UNSEEN_BIAS, np.float32)
    is_positive, is_negative = targets == POSITIVE, targets == NEGATIVE
    has_positive, has_negative = is_positive.any(axis=0), is_negative.any(axis=0)
    biases[has_positive & ~has_negative] = -UNSEEN_BIAS
    for index in np.flatnonzero(has_positive & has_negative).tolist():
        rows = np.flatnonzero(is_positive[:, index] | is_negative[:, index])
        own = is_positive[rows, index].astype(np.int64)
        weights[:, index], biases[index] = _fit(recipe, inputs[rows], own)
    return weights, biases


def _fit(
    recipe: LogisticRecipe | LbfgsRecipe, inputs: Float64Array, own: IntArray
) -> tuple[Float32Array, np.float32]:
    """Fit one class; `own`, (n,) int64, is 1 for its clips and 0 for others."""
    shares, l2_penalty, limits = _terms(recipe, own)
    objective = _objective(inputs, own, shares, l2_penalty)
    found = minimum(objective, np.zeros(inputs.shape[1] + 1), limits).astype(np.float32)
    return found[:-1], found[-1]


def _terms(
    recipe: LogisticRecipe | LbfgsRecipe, own: IntArray
) -> tuple[Float64Array, float, Limits]:
    if isinstance(recipe, LbfgsRecipe):
        # The sum is minimised in place of the mean.
        return np.ones(len(own)), recipe.l2_penalty / 2 * len(own), lbfgs_limits(len(own))
    limits = Limits(recipe.iteration_count, *CONVERGENCE)
    return label_shares(own, recipe.class_balance), recipe.l2_penalty, limits


def _objective(
    inputs: Float64Array, own: IntArray, shares: Float64Array, l2_penalty: float
) -> Objective:
    """Return what is minimised; its parameters are the weights, then the bias."""

    def objective(parameters: Float64Array) -> tuple[float, Float64Array]:
        weights = parameters[:-1]
        logits = inputs @ weights + parameters[-1]
        loss = shares @ (np.logaddexp(0, logits) - own * logits)
        errors = shares * (expit(logits) - own)
        gradient = np.empty_like(parameters)
        gradient[:-1] = errors @ inputs + 2 * l2_penalty * weights
        gradient[-1] = errors.sum()
        return float(loss + l2_penalty * np.square(weights).sum()), gradient

    return objective
