"""The experiment in plain numpy: what the learner is compared with."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.training import glorot_uniform
from aloe.values.recipes import AdamRecipe

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

_BETA1, _BETA2, _EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-7)


@dataclass(frozen=True, slots=True)
class Clusters:
    """A pool whose classes overlap, and a test set from the same distribution."""

    embeddings: Float32Array
    classes: IntArray
    test_embeddings: Float32Array
    test_classes: IntArray


def clusters(clip_count: int, embedding_dim: int, class_count: int, seed: int = 0) -> Clusters:
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((class_count, embedding_dim), dtype=np.float32)
    centres *= np.float32(0.12)

    def draw(count: int) -> tuple[Float32Array, IntArray]:
        classes = np.arange(count) % class_count
        embeddings = generator.standard_normal((count, embedding_dim), dtype=np.float32)
        for begin in range(0, count, 10_000):
            embeddings[begin : begin + 10_000] += centres[classes[begin : begin + 10_000]]
        return embeddings, classes

    return Clusters(*draw(clip_count), *draw(2_000))


def softmax(logits: Float32Array) -> Float32Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Float32Array = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def plain_adam(
    recipe: AdamRecipe,
    embeddings: Float32Array,
    labels: IntArray,
    weights: Float32Array,
    shuffles: Iterable[IntArray],
) -> Float32Array:
    """Train; return (embedding_dim + 1, n_classes): the weights, with the biases as last row."""
    class_count = weights.shape[1]
    parameters = np.vstack([weights, np.zeros((1, class_count), np.float32)])
    inputs = np.hstack([embeddings, np.ones((len(embeddings), 1), np.float32)])
    targets = np.eye(class_count, dtype=np.float32)[labels]
    first, second, scratch = (np.zeros_like(parameters) for _ in range(3))
    step = 0
    for order in shuffles:
        for begin in range(0, len(order), recipe.batch_size):
            batch = order[begin : begin + recipe.batch_size]
            x = inputs[batch]
            gradient = x.T @ (softmax(x @ parameters) - targets[batch])
            gradient /= np.float32(len(batch))
            step += 1
            correction = np.sqrt(1 - float(_BETA2) ** step) / (1 - float(_BETA1) ** step)
            first += (gradient - first) * (1 - _BETA1)
            np.square(gradient, out=gradient)
            second += (gradient - second) * (1 - _BETA2)
            np.sqrt(second, out=scratch)
            scratch += _EPSILON
            np.divide(first, scratch, out=scratch)
            scratch *= np.float32(recipe.learning_rate * correction)
            parameters -= scratch
    return parameters


def plain_scores(
    embeddings: Float32Array, parameters: Float32Array
) -> tuple[Float32Array, IntArray]:
    """Return the score of each clip, its margin negated (higher means ask first), and its class."""
    probabilities = softmax(embeddings @ parameters[:-1] + parameters[-1])
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return top[:, 0] - top[:, 1], probabilities.argmax(axis=1)


def plain_experiment(data: Clusters, *, round_count: int, seed: int) -> float:
    """Run rounds of class-aware smallest margin; return the last head's test accuracy."""
    class_count = int(data.classes.max()) + 1
    generator = np.random.default_rng(seed)
    is_open = np.ones(len(data.embeddings), np.bool_)
    labeled = seed_rows(data, seed).tolist()
    is_open[labeled] = False
    recipe = AdamRecipe()
    for _ in range(round_count):
        rows = np.array(labeled)
        start = glorot_uniform(generator, data.embeddings.shape[1], class_count)
        shuffles = (generator.permutation(len(rows)) for _ in range(recipe.epoch_count))
        parameters = plain_adam(recipe, data.embeddings[rows], data.classes[rows], start, shuffles)
        scores, predicted = plain_scores(data.embeddings, parameters)
        for class_index in range(class_count):
            candidates = np.flatnonzero(is_open & (predicted == class_index))
            if len(candidates):
                best = int(candidates[scores[candidates].argmax()])
                labeled.append(best)
                is_open[best] = False
    return accuracy(data, parameters[:-1], parameters[-1])


def seed_rows(data: Clusters, seed: int, per_class: int = 5) -> IntArray:
    """Draw the clips that are labeled before the first round."""
    generator = np.random.default_rng(seed)
    rows = [
        generator.choice(np.flatnonzero(data.classes == each), per_class, replace=False)
        for each in range(int(data.classes.max()) + 1)
    ]
    return np.concatenate(rows)


def accuracy(data: Clusters, weights: Float32Array, biases: Float32Array) -> float:
    predicted = (data.test_embeddings @ weights + biases).argmax(axis=1)
    return float((predicted == data.test_classes).mean())
