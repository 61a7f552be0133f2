"""Acquisition functions: class probabilities to informativeness. Higher means ask first.

Names and formulas follow the paper (arXiv 2211.00119, section 2) and, for the largest margin and
the norm, the graphlearning package that the paper's code calls; with p the class probabilities of a
clip, p1 and p2 the two largest. Each is written in odds q = p / p1, which loses no digits where p1
is close to 1. The scoring kernel compiles them as they stand here.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.values.strategies import AcquisitionFunction


class SoftmaxRow(NamedTuple):
    """A clip's class probabilities, summarised by the odds q = p / p1 of each class."""

    lead: float
    """Logit of the best class less that of the second."""
    second: float
    """q of the second."""
    least: float
    """q of the least likely."""
    rest: float
    """Sum of q over all but the best: p1 = 1 / (1 + rest)."""
    rest_squares: float
    """Sum of q^2 over all but the best."""
    rest_spread: float
    """Sum of -q log q over all but the best."""


def smallest_margin(row: SoftmaxRow) -> float:
    """-(p1 - p2): the classifier wavers between two classes."""
    return (row.second - 1) / (1 + row.rest)


def largest_margin(row: SoftmaxRow) -> float:
    """1 - (p1 - smallest p): even the least likely class is not ruled out."""
    return (row.rest + row.least) / (1 + row.rest)


def least_confidence(row: SoftmaxRow) -> float:
    """1 - p1: even the best class is unlikely."""
    return row.rest / (1 + row.rest)


def entropy(row: SoftmaxRow) -> float:
    """-sum p log p, in nats."""
    return math.log1p(row.rest) + row.rest_spread / (1 + row.rest)


def norm(row: SoftmaxRow) -> float:
    """Euclidean distance of p from the one-hot vector of its largest entry."""
    return math.sqrt(row.rest_squares + row.rest * row.rest) / (1 + row.rest)


def margin_logits(row: SoftmaxRow) -> float:
    """The margin of the paper's code: of logits, not of probabilities."""
    return -row.lead


FORMULAS: dict[AcquisitionFunction, Callable[[SoftmaxRow], float]] = {
    AcquisitionFunction.SMALLEST_MARGIN: smallest_margin,
    AcquisitionFunction.LARGEST_MARGIN: largest_margin,
    AcquisitionFunction.LEAST_CONFIDENCE: least_confidence,
    AcquisitionFunction.ENTROPY: entropy,
    AcquisitionFunction.NORM: norm,
    AcquisitionFunction.MARGIN_LOGITS: margin_logits,
}
"""Of every function that depends on the head; RANDOM does not: see random_scores."""


def random_scores(seed: int, head_version: int, clip_count: int) -> Float32Array:
    """Draw uniform scores that depend on seed, head version and row alone.

    Clips keep their scores when the pool grows.

    Returns:
        (clip_count,) float32 in [0, 1)
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, head_version])))
    return generator.random(clip_count, dtype=np.float32)
