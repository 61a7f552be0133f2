"""The loop that the paper's authors published, as read from their code, in plain numpy.

Their repository is HarlinLee/ALOE on GitHub; the acquisition functions that it does not have are
those of graphlearning's unc_sampling. "outputs" are what their classifier returns: logits in their
code, probabilities in the paper's text. More informative asks first, of equals the earlier clip.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.client import AcquisitionFunction

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

EPOCH_COUNT, BATCH_SIZE, LEARNING_RATE = 100, 32, 0.001
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def smallest_margin(outputs: Floats) -> Floats:
    in_order = np.sort(outputs, axis=1)
    return 1 - (in_order[:, -1] - in_order[:, -2])


def largest_margin(outputs: Floats) -> Floats:
    return np.asarray(1 - (outputs.max(axis=1) - outputs.min(axis=1)))


def least_confidence(outputs: Floats) -> Floats:
    return np.asarray(1 - outputs.max(axis=1))


def entropy(probabilities: Floats) -> Floats:
    """The textbook's: graphlearning's of this name adds the largest probability and 1e-5."""
    return np.asarray(-(probabilities * np.log(probabilities)).sum(axis=1))


def norm(probabilities: Floats) -> Floats:
    chosen = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return np.asarray(np.linalg.norm(probabilities - chosen, axis=1))


Informativeness = Callable[[Floats], Floats]
PAPER: dict[AcquisitionFunction, Informativeness] = {
    AcquisitionFunction.SMALLEST_MARGIN: lambda logits: smallest_margin(softmax(logits)),
    AcquisitionFunction.LARGEST_MARGIN: lambda logits: largest_margin(softmax(logits)),
    AcquisitionFunction.LEAST_CONFIDENCE: lambda logits: least_confidence(softmax(logits)),
    AcquisitionFunction.ENTROPY: lambda logits: entropy(softmax(logits)),
    AcquisitionFunction.NORM: lambda logits: norm(softmax(logits)),
}
CODE: dict[AcquisitionFunction, Informativeness] = {
    AcquisitionFunction.MARGIN_LOGITS: smallest_margin,
}


def pick(informativeness: Floats, predicted: Ints, candidates: Ints, *, class_aware: bool) -> Ints:
    """Return the most informative candidate, or that of each class that one is predicted to be.

    Args:
        informativeness: (n_clips,)
        predicted: (n_clips,) predicted classes.
        candidates: clips, ascending.
        class_aware: one of each predicted class.
    """
    groups = [candidates]
    if class_aware:
        present = np.unique(predicted[candidates])
        groups = [candidates[predicted[candidates] == name] for name in present]
    return np.array([group[informativeness[group].argmax()] for group in groups])


def train(
    embeddings: Floats, labels: Ints, class_count: int, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Train a dense softmax layer as Keras does by default; return weights and biases."""
    embedding_dim = embeddings.shape[1]
    limit = np.sqrt(6 / (embedding_dim + class_count))
    weights = np.zeros((embedding_dim + 1, class_count), np.float32)
    weights[:-1] = generator.uniform(-limit, limit, (embedding_dim, class_count))
    inputs = np.c_[embeddings, np.ones(len(embeddings))].astype(np.float32)
    targets = np.eye(class_count, dtype=np.float32)[labels]
    first, second, step_count = np.zeros_like(weights), np.zeros_like(weights), 0
    for _ in range(EPOCH_COUNT):
        order = generator.permutation(len(inputs))
        for batch in np.split(order, range(BATCH_SIZE, len(order), BATCH_SIZE)):
            step_count += 1
            errors = softmax(inputs[batch] @ weights) - targets[batch]
            gradient = inputs[batch].T @ errors / len(batch)
            first += (1 - BETA1) * (gradient - first)
            second += (1 - BETA2) * (gradient**2 - second)
            rate = LEARNING_RATE * np.sqrt(1 - BETA2**step_count) / (1 - BETA1**step_count)
            weights -= (rate * first / (np.sqrt(second) + EPSILON)).astype(np.float32)
    return weights[:-1], weights[-1]


@dataclass(frozen=True)
class Speech:
    """Embeddings and classes, split for train and test."""

    embeddings: NDArray[np.float32]
    """(n_clips, embedding_dim)"""
    labels: Ints
    """(n_clips,)"""
    train: Ints
    """Clips, ascending."""
    test: Ints

    @property
    def class_count(self) -> int:
        return int(self.labels.max()) + 1

    def starting_clips(self, per_class: int, seed: int) -> Ints:
        """Draw the same number of train clips of each class."""
        generator = np.random.default_rng(seed)
        of_class = [self.train[self.labels[self.train] == name] for name in range(self.class_count)]
        return np.concatenate(
            [generator.choice(each, per_class, replace=False) for each in of_class]
        )


def label_actively(
    speech: Speech,
    labeled: Ints,
    round_count: int,
    *,
    is_random: bool,
    class_aware: bool,
    generator: np.random.Generator,
) -> list[float]:
    """Return the test accuracy of each head, that of the starting labels first."""
    accuracies = []
    for _ in range(round_count + 1):
        weights, biases = train(
            speech.embeddings[labeled], speech.labels[labeled], speech.class_count, generator
        )
        logits = speech.embeddings @ weights + biases
        predicted = logits.argmax(axis=1)
        accuracies.append(float((predicted == speech.labels)[speech.test].mean()))
        scores = generator.random(len(logits)) if is_random else smallest_margin(logits)
        candidates = np.setdiff1d(speech.train, labeled)
        picks = pick(scores, predicted, candidates, class_aware=class_aware)
        labeled = np.append(labeled, picks)
    return accuracies
