"""Regression by mini-batch Adam: gradient and update of a step without temporaries."""

import math

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.kernels.compiling import kernel
from aloe.learner.domain.kernels.dense import exp, multiply, sigmoid
from aloe.learner.domain.kernels.tile import CLASS_TILE, CLIP_TILE

# As Keras has them: Kingma & Ba, "Adam" (2015), epsilon outside the bias correction.
_BETA1, _BETA2 = 0.9, 0.999
_KEPT1, _KEPT2, _EPSILON = np.float32(0.1), np.float32(0.001), np.float32(1e-7)
_ZERO = np.float32(0)


@kernel
def _errors_of_batch(
    embeddings: Float32Array,
    labels: IntArray,
    batch: IntArray,
    weights: Float32Array,
    biases: Float32Array,
    class_count: int,
    errors: Float32Array,
) -> None:
    """Set errors[c, i] to (p_c - y_c) / batch size, 0 for the padding of the tiles."""
    count = len(batch)
    last = count - 1
    for c in range(0, len(weights), CLASS_TILE):
        for i in range(0, count, CLIP_TILE):
            multiply(embeddings, batch, i, last, weights, c, errors, i, batch[i])
    share = np.float32(1) / np.float32(count)
    for i in range(errors.shape[1]):
        top = errors[0, i] + biases[0]
        for c in range(class_count):
            errors[c, i] += biases[c]
            top = max(top, errors[c, i])
        total = _ZERO
        for c in range(class_count):
            errors[c, i] = exp(errors[c, i] - top)
            total += errors[c, i]
        scale = share / total if i < count else _ZERO
        for c in range(class_count):
            errors[c, i] *= scale
    for i in range(count):
        errors[labels[batch[i]], i] -= share


@kernel
def _gradient_of_tile(
    embeddings: Float32Array, batch: IntArray, errors: Float32Array, c: int, out: Float32Array
) -> None:
    """Set out, (3, embedding_dim) float32, to the gradients of the weights of three classes."""
    last = len(batch) - 1
    out[:] = _ZERO
    # Four clips at a time; the errors of the padding are 0.
    for i in range(0, len(batch), 4):
        r0, r1 = batch[i], batch[min(i + 1, last)]
        r2, r3 = batch[min(i + 2, last)], batch[min(i + 3, last)]
        e00, e01, e02, e03 = errors[c, i], errors[c, i + 1], errors[c, i + 2], errors[c, i + 3]
        e10, e11 = errors[c + 1, i], errors[c + 1, i + 1]
        e12, e13 = errors[c + 1, i + 2], errors[c + 1, i + 3]
        e20, e21 = errors[c + 2, i], errors[c + 2, i + 1]
        e22, e23 = errors[c + 2, i + 2], errors[c + 2, i + 3]
        for d in range(embeddings.shape[1]):
            x0, x1 = embeddings[r0, d], embeddings[r1, d]
            x2, x3 = embeddings[r2, d], embeddings[r3, d]
            out[0, d] += e00 * x0 + e01 * x1 + e02 * x2 + e03 * x3
            out[1, d] += e10 * x0 + e11 * x1 + e12 * x2 + e13 * x3
            out[2, d] += e20 * x0 + e21 * x1 + e22 * x2 + e23 * x3


@kernel
def _update(
    parameters: Float32Array,
    gradient: Float32Array,
    first: Float32Array,
    second: Float32Array,
    rate: np.float32,
) -> None:
    for j in range(len(parameters)):
        g = gradient[j]
        m = first[j] + (g - first[j]) * _KEPT1
        v = second[j] + (g * g - second[j]) * _KEPT2
        first[j], second[j] = m, v
        parameters[j] -= rate * (m / (np.sqrt(v) + _EPSILON))


@kernel
def _step(
    embeddings: Float32Array,
    batch: IntArray,
    errors: Float32Array,
    class_count: int,
    rate: np.float32,
    gradient: Float32Array,
    bias_gradient: Float32Array,
    weights: Float32Array,
    biases: Float32Array,
    moments: Float32Array,
    bias_moments: Float32Array,
) -> None:
    """Change weights and biases by the errors of a batch; the gradients are room to work in."""
    for c in range(class_count):
        bias_gradient[c] = errors[c, : len(batch)].sum()
    for c in range(0, len(weights), CLASS_TILE):
        _gradient_of_tile(embeddings, batch, errors, c, gradient)
        for k in range(CLASS_TILE):
            _update(weights[c + k], gradient[k], moments[0, c + k], moments[1, c + k], rate)
    _update(biases, bias_gradient, bias_moments[0], bias_moments[1], rate)


@kernel
def adam_epoch(
    embeddings: Float32Array,
    labels: IntArray,
    order: IntArray,
    batch_size: int,
    learning_rate: float,
    steps_before: int,
    class_count: int,
    weights: Float32Array,
    biases: Float32Array,
    moments: Float32Array,
    bias_moments: Float32Array,
) -> int:
    """Go over all labels once, one step of Adam for each mini-batch.

    Args:
        embeddings: (n_labels, embedding_dim) float32.
        labels: (n_labels,) int64.
        order: (n_labels,) int64, of this epoch.
        batch_size: the last batch of an epoch may be smaller.
        learning_rate: Adam's.
        steps_before: of earlier epochs.
        class_count: classes; the padded ones beyond keep their weights of 0.
        weights: (n_padded_classes, embedding_dim) float32, changed.
        biases: (n_padded_classes,) float32, changed.
        moments: (2, n_padded_classes, embedding_dim) float32, changed: Adam's first and second.
        bias_moments: (2, n_padded_classes) float32, changed.

    Returns:
        The steps so far.
    """
    most = min(batch_size, len(order))
    errors = np.zeros((len(weights), -(-most // CLIP_TILE) * CLIP_TILE), np.float32)
    gradient = np.empty((CLASS_TILE, embeddings.shape[1]), np.float32)
    bias_gradient = np.zeros(len(biases), np.float32)
    step = steps_before
    for begin in range(0, len(order), batch_size):
        batch = order[begin : begin + batch_size]
        _errors_of_batch(embeddings, labels, batch, weights, biases, class_count, errors)
        step += 1
        rate = np.float32(learning_rate * math.sqrt(1 - _BETA2**step) / (1 - _BETA1**step))
        _step(
            embeddings,
            batch,
            errors,
            class_count,
            rate,
            gradient,
            bias_gradient,
            weights,
            biases,
            moments,
            bias_moments,
        )
    return step


@kernel
def _errors_of_several(
    embeddings: Float32Array,
    targets: NDArray[np.int8],
    batch: IntArray,
    weights: Float32Array,
    biases: Float32Array,
    errors: Float32Array,
) -> None:
    """Set errors[c, i] to (p_c - y_c) / batch size, 0 for what is unknown and for the padding."""
    count = len(batch)
    last = count - 1
    for c in range(0, len(weights), CLASS_TILE):
        for i in range(0, count, CLIP_TILE):
            multiply(embeddings, batch, i, last, weights, c, errors, i, batch[i])
    share = np.float32(1) / np.float32(count)
    for c in range(len(weights)):
        for i in range(errors.shape[1]):
            target = -1
            if c < targets.shape[1] and i < count:
                target = targets[batch[i], c]
            if target < 0:
                errors[c, i] = _ZERO
            else:
                errors[c, i] = (sigmoid(errors[c, i] + biases[c]) - np.float32(target)) * share


@kernel
def several_epoch(
    embeddings: Float32Array,
    targets: NDArray[np.int8],
    order: IntArray,
    batch_size: int,
    learning_rate: float,
    steps_before: int,
    weights: Float32Array,
    biases: Float32Array,
    moments: Float32Array,
    bias_moments: Float32Array,
) -> int:
    """Go over all labels once as adam_epoch does, by a sigmoid for each class.

    Args:
        embeddings: (n_labels, embedding_dim) float32.
        targets: (n_labels, n_classes) int8: 1, 0, or less where it is not known.
        order: (n_labels,) int64, of this epoch.
        batch_size: the last batch of an epoch may be smaller.
        learning_rate: Adam's.
        steps_before: of earlier epochs.
        weights: (n_padded_classes, embedding_dim) float32, changed.
        biases: (n_padded_classes,) float32, changed.
        moments: (2, n_padded_classes, embedding_dim) float32, changed: Adam's first and second.
        bias_moments: (2, n_padded_classes) float32, changed.

    Returns:
        The steps so far.
    """
    most = min(batch_size, len(order))
    errors = np.zeros((len(weights), -(-most // CLIP_TILE) * CLIP_TILE), np.float32)
    gradient = np.empty((CLASS_TILE, embeddings.shape[1]), np.float32)
    bias_gradient = np.zeros(len(biases), np.float32)
    step = steps_before
    for begin in range(0, len(order), batch_size):
        batch = order[begin : begin + batch_size]
        _errors_of_several(embeddings, targets, batch, weights, biases, errors)
        step += 1
        rate = np.float32(learning_rate * math.sqrt(1 - _BETA2**step) / (1 - _BETA1**step))
        _step(
            embeddings,
            batch,
            errors,
            targets.shape[1],
            rate,
            gradient,
            bias_gradient,
            weights,
            biases,
            moments,
            bias_moments,
        )
    return step
