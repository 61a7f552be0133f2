"""The ridge head: least squares on the classes, in closed form, as sure as labels left out say."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from aloe.learner.domain.arrays import Float32Array, Float64Array, IntArray
from aloe.learner.domain.logistic import UNSEEN_BIAS, label_shares
from aloe.values.recipes import RidgeRecipe

_LEAST_PENALTY = 1e-12
"""Bounds the weights where all labeled clips are nearly equal, by 1 / (2 sqrt(this))."""
_LEAST_LEFT = 1e-9
"""Of 1: what a label may leave of its own residual."""
_SHARPNESS = 1.0, 128.0
"""At least, that without any skill, and at most."""
_HALVING_COUNT = 12


def ridge(
    recipe: RidgeRecipe, embeddings: Float32Array, labels: IntArray, class_count: int
) -> tuple[Float32Array, Float32Array]:
    """Fit scores to 1 for the own class and 0 for others, and logits that are calibrated.

    With s_i the share of a label, see label_shares, e_i its class as a row of 0 and 1, and mu and
    m the means of x and e by these shares, W minimises
    sum_i s_i |(x_i - mu) W + m - e_i|^2 + l2_penalty v |W|^2, v the mean of |x - mu|^2 by shares
    (Hoerl and Kennard, "Ridge regression", 1970). The logits are k times the scores
    (x - mu) W + m, less their mean. What each label's scores would be without it is known in closed
    form (Rifkin and Lippert, "Notes on regularized least squares", 2007), and k, 1 to 128, is that
    of the smallest log loss of these: a head of few labels is unsure, and so asks for what covers
    the pool.

    Args:
        recipe: the settings.
        embeddings: (n_labels, embedding_dim) float32, at least one.
        labels: (n_labels,) int64.
        class_count: number of classes. Those without labels take no part: they get weights of 0
            and UNSEEN_BIAS.

    Returns:
        Weights (embedding_dim, n_classes) and biases (n_classes,), float32. Those of the labeled
        classes sum to 0.
    """
    known, targets = np.unique(labels, return_inverse=True)
    shares = label_shares(targets, recipe.class_balance)
    goals = np.eye(len(known))[targets]
    inputs = embeddings.astype(np.float64)
    centre, frequencies = (shares @ each / len(labels) for each in (inputs, goals))
    inputs -= centre
    roots = np.sqrt(shares)[:, np.newaxis]
    inputs *= roots
    found, leverages = _least_squares(recipe.l2_penalty, inputs, roots * (goals - frequencies))
    scores = inputs @ found / roots + frequencies
    left = np.maximum(1 - leverages - shares / len(labels), _LEAST_LEFT)
    without_own = goals - (goals - scores) / left[:, np.newaxis]
    sharpness = _sharpness(without_own, targets, shares)
    found -= found.mean(axis=1, keepdims=True)
    offsets = frequencies - frequencies.mean() - centre @ found
    weights = np.zeros((embeddings.shape[1], class_count), np.float32)
    biases = np.full(class_count, UNSEEN_BIAS, np.float32)
    weights[:, known], biases[known] = sharpness * found, sharpness * offsets
    return weights, biases


def _least_squares(
    l2_penalty: float, inputs: Float64Array, goals: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Minimise |inputs W - goals|^2 + penalty |W|^2 by inverting the smaller of two matrices.

    Args:
        l2_penalty: as a part of the mean square of a row of inputs.
        inputs: (n, dim) float64.
        goals: (n, n_known) float64.

    Returns:
        W, (dim, n_known) float64, and how much each row's fit is its own goal's doing, (n,).
    """
    count, dim = inputs.shape
    penalty = max(l2_penalty * np.square(inputs).sum() / count, _LEAST_PENALTY)
    if count > dim:
        inverse = _inverse(inputs.T @ inputs, penalty)
        leverages = ((inputs @ inverse) * inputs).sum(axis=1)
        return inverse @ (inputs.T @ goals), leverages
    inverse = _inverse(inputs @ inputs.T, penalty)
    return inputs.T @ (inverse @ goals), 1 - penalty * np.diag(inverse)


def _inverse(products: Float64Array, penalty: float) -> Float64Array:
    identity = np.eye(len(products))
    inverse: Float64Array = cho_solve(cho_factor(products + penalty * identity), identity)
    return inverse


def _sharpness(scores: Float64Array, targets: IntArray, shares: Float64Array) -> float:
    """Return k, within _SHARPNESS, with the smallest log loss of softmax(k scores), by halving.

    Guo et al., "On Calibration of Modern Neural Networks", 2017. The loss is convex in k.

    Args:
        scores: (n, n_known) float64, none of which knows its own label.
        targets: (n,) int64.
        shares: (n,) float64, how much each label counts.
    """
    own = scores[np.arange(len(targets)), targets]
    low, high = np.log(_SHARPNESS)
    for _ in range(_HALVING_COUNT):
        middle = (low + high) / 2
        likely = np.exp(np.exp(middle) * (scores - scores.max(axis=1, keepdims=True)))
        likely /= likely.sum(axis=1, keepdims=True)
        slope = shares @ ((likely * scores).sum(axis=1) - own)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.exp((low + high) / 2))
