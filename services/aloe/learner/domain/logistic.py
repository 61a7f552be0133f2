"""The logistic head: penalised softmax regression by a fixed number of L-BFGS steps."""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.descent import Float64Array, Limits, Objective, minimum
from aloe.values.recipes import LogisticRecipe

UNSEEN_BIAS = -1e4
"""Of a class without labels. For any clip the logits of the others sum to 0, see logistic: the
largest is at least 0, and e^-10,000 is less than any probability that float32 has."""
CONVERGENCE = 64 * np.finfo(np.float64).eps, 1e-6
"""The gain, which is that of scikit-learn, and the slope at which it ends."""


def logistic(
    recipe: LogisticRecipe, embeddings: Float32Array, labels: IntArray, class_count: int
) -> tuple[Float32Array, Float32Array]:
    """Minimise sum of share_i x cross-entropy_i + l2_penalty ||W||^2 in float64, from zero.

    The biases are free, the share of a label is 1 or as label_shares says. With as many iterations
    as it takes this is scikit-learn's LogisticRegression with C = 1 / (2 l2_penalty), for two
    classes, of which that has one column, with C = 1 / l2_penalty. Fewer are a second, mild
    penalty. The gradients of all classes sum to 0, and so do weights and biases.

    It never starts from the head before: the few iterations end short of the optimum, at a place
    that depends on the start, and with it a head would depend on what was asked on the way.

    Args:
        recipe: the settings.
        embeddings: (n_labels, embedding_dim) float32, at least one.
        labels: (n_labels,) int64.
        class_count: number of classes. Those without labels take no part: they get weights of 0
            and UNSEEN_BIAS.

    Returns:
        Weights (embedding_dim, n_classes) and biases (n_classes,), float32.
    """
    known, targets = np.unique(labels, return_inverse=True)
    weights = np.zeros((embeddings.shape[1], class_count), np.float32)
    biases = np.full(class_count, UNSEEN_BIAS, np.float32)
    weights[:, known], biases[known] = softmax_regression(
        embeddings,
        targets,
        shares=label_shares(targets, recipe.class_balance),
        l2_penalty=recipe.l2_penalty,
        class_count=len(known),
        limits=Limits(recipe.iteration_count, *CONVERGENCE),
    )
    return weights, biases


def label_shares(targets: IntArray, class_balance: float) -> Float64Array:
    """Return how much each label counts: as its class's label count to the -class_balance.

    Args:
        targets: (n_labels,) int64, 0 to n_known_classes - 1, each at least once.
        class_balance: 0 to 1. With 1 these are the weights that scikit-learn calls "balanced".

    Returns:
        (n_labels,) float64, of mean 1.
    """
    label_counts = np.bincount(targets).astype(np.float64)
    shares: Float64Array = label_counts[targets] ** -class_balance
    shares /= shares.mean()
    return shares


def softmax_regression(
    embeddings: Float32Array,
    labels: IntArray,
    *,
    shares: Float64Array,
    l2_penalty: float,
    class_count: int,
    limits: Limits,
) -> tuple[Float32Array, Float32Array]:
    """Minimise sum of share_i x cross-entropy_i + l2_penalty ||W||^2 in float64, from zero.

    Args:
        embeddings: (n_labels, embedding_dim) float32.
        labels: (n_labels,) int64.
        shares: (n_labels,) float64, how much each label counts.
        l2_penalty: of the weights, not of the biases.
        class_count: number of classes.
        limits: when to stop.

    Returns:
        Weights (embedding_dim, n_classes) and biases (n_classes,), float32.
    """
    shape = class_count, embeddings.shape[1] + 1
    objective = _objective(embeddings.astype(np.float64), labels, shares, l2_penalty, shape)
    found = minimum(objective, np.zeros(shape[0] * shape[1]), limits).reshape(shape)
    parameters = found.astype(np.float32)
    return parameters[:, :-1].T, parameters[:, -1]


def _objective(
    inputs: Float64Array,
    labels: IntArray,
    shares: Float64Array,
    l2_penalty: float,
    shape: tuple[int, int],
) -> Objective:
    """Return what is minimised; its parameters are each class's weights, then its bias."""
    own = np.arange(len(inputs)), labels

    def objective(flat: Float64Array) -> tuple[float, Float64Array]:
        parameters = flat.reshape(shape)
        weights = parameters[:, :-1]
        logits = inputs @ weights.T + parameters[:, -1]
        logits -= logits.max(axis=1, keepdims=True)
        errors = np.exp(logits)
        sums = errors.sum(axis=1)
        loss = shares @ (np.log(sums) - logits[own])
        errors /= sums[:, np.newaxis]
        errors[own] -= 1
        errors *= shares[:, np.newaxis]
        gradient = np.empty(shape)
        gradient[:, :-1] = errors.T @ inputs + 2 * l2_penalty * weights
        gradient[:, -1] = errors.sum(axis=0)
        return float(loss + l2_penalty * np.square(weights).sum()), gradient.ravel()

    return objective
