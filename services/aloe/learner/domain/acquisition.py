"""Acquisition functions: class probabilities to informativeness. Higher means ask first.

Names and formulas follow the paper (arXiv 2211.00119, section 2) and, for the largest margin and
the norm, the graphlearning package that the paper's code calls; with p the class probabilities of a
clip, p1 and p2 the two largest.
"""

from collections.abc import Callable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


class AcquisitionFunction(Enum):
    """How informative a clip's label would be."""

    SMALLEST_MARGIN = "smallest_margin"
    LARGEST_MARGIN = "largest_margin"
    LEAST_CONFIDENCE = "least_confidence"
    ENTROPY = "entropy"
    NORM = "norm"
    RANDOM = "random"
    MARGIN_LOGITS = "margin_logits"


def smallest_margin(probabilities: Float32Array) -> Float32Array:
    """-(p1 - p2): the classifier wavers between two classes.

    Args:
        probabilities: (n_clips, n_classes) float32; logits give the margin of the paper's code.

    Returns:
        (n_clips,) float32
    """
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    scores: Float32Array = top[:, 0] - top[:, 1]
    return scores


def largest_margin(probabilities: Float32Array) -> Float32Array:
    """1 - (p1 - smallest p): even the least likely class is not ruled out.

    Args:
        probabilities: (n_clips, n_classes) float32

    Returns:
        (n_clips,) float32
    """
    scores: Float32Array = np.float32(1) - (probabilities.max(axis=1) - probabilities.min(axis=1))
    return scores


def least_confidence(probabilities: Float32Array) -> Float32Array:
    """1 - p1: even the best class is unlikely.

    Args:
        probabilities: (n_clips, n_classes) float32

    Returns:
        (n_clips,) float32
    """
    scores: Float32Array = np.float32(1) - probabilities.max(axis=1)
    return scores


def entropy(probabilities: Float32Array) -> Float32Array:
    """-sum p log p, in nats, with 0 log 0 = 0.

    Args:
        probabilities: (n_clips, n_classes) float32

    Returns:
        (n_clips,) float32
    """
    floor = np.finfo(np.float32).tiny
    logs = np.log(np.maximum(probabilities, floor))
    scores: Float32Array = -np.einsum("ij,ij->i", probabilities, logs)
    return scores


def norm(probabilities: Float32Array) -> Float32Array:
    """Euclidean distance of p from the one-hot vector of its largest entry.

    Args:
        probabilities: (n_clips, n_classes) float32

    Returns:
        (n_clips,) float32
    """
    rest = probabilities.copy()
    rows = np.arange(len(rest))
    rest[rows, probabilities.argmax(axis=1)] -= np.float32(1)
    scores: Float32Array = np.sqrt(np.einsum("ij,ij->i", rest, rest))
    return scores


def random_scores(seed: int, head_version: int, clip_count: int) -> Float32Array:
    """Uniform scores that depend on seed, head version and clip alone.

    A pool that grows keeps the scores it had.

    Returns:
        (clip_count,) float32 in [0, 1)
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, head_version])))
    return generator.random(clip_count, dtype=np.float32)


_OF_PROBABILITIES: dict[AcquisitionFunction, Callable[[Float32Array], Float32Array]] = {
    AcquisitionFunction.SMALLEST_MARGIN: smallest_margin,
    AcquisitionFunction.LARGEST_MARGIN: largest_margin,
    AcquisitionFunction.LEAST_CONFIDENCE: least_confidence,
    AcquisitionFunction.ENTROPY: entropy,
    AcquisitionFunction.NORM: norm,
}


def score_clips(
    function: AcquisitionFunction,
    *,
    logits: Float32Array,
    probabilities: Float32Array,
    seed: int,
    head_version: int,
) -> Float32Array:
    """Score clips by one of the functions.

    Args:
        function: which one.
        logits: (n_clips, n_classes) float32, what the head says before the softmax.
        probabilities: (n_clips, n_classes) float32, their softmax.
        seed: of the task, for RANDOM.
        head_version: of the head, for RANDOM.

    Returns:
        (n_clips,) float32
    """
    match function:
        case AcquisitionFunction.RANDOM:
            return random_scores(seed, head_version, len(probabilities))
        case AcquisitionFunction.MARGIN_LOGITS:
            return smallest_margin(logits)
        case _:
            return _OF_PROBABILITIES[function](probabilities)
