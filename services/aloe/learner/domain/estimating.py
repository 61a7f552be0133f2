"""How many of the unanswered clips a head predicts right, judged by the labels it was trained on.

The part of the labels that a head without them predicts right would not do: query strategies ask
for the hard clips. What carries over from hard clips to others is how often a prediction of some
confidence is right. Platt (1999) fits that by a logistic regression, here on labels that heads
were trained without; its mean over the unanswered clips is the estimate. Clips that were picked at
random (audits) are like the unanswered ones, and say how far that is off.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import BoolArray, Float32Array
from aloe.learner.domain.holding_out import HeldOut, logits_of

LEAST_LABELS = 30
"""Of fewer no estimate is made."""
_LASTING_SHIFT = 0.08
_SHIFT_PER_ROOT_LABEL = 1.0
"""How far the mean of the regression is from the truth, besides what the regression knows to be
noise: a standard deviation of sqrt(_LASTING_SHIFT^2 + _SHIFT_PER_ROOT_LABEL^2 / labels), measured
on real audio with labels that query strategies asked for."""
_Z = 1.96
_RIDGE = 2.0
"""How much it is believed, without labels, that confidence is what it claims to be."""
_MOST_STEPS = 100
_SMALLEST_STEP = 1e-8
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """An estimate of the part of the unanswered clips that a head predicts right."""

    value: float
    """0 to 1."""
    low: float
    high: float
    """Of an interval that is to hold the truth 95 times of 100."""
    label_count: int
    """Labels that were held out for it."""
    audit_label_count: int
    """Those of them that were picked at random."""
    intercept: float
    slope: float
    """A prediction is right with probability sigmoid(intercept + slope log(p1 / (1 - p1)))."""


def estimate_accuracy(held_out: HeldOut, uncertainties: Float32Array) -> AccuracyEstimate | None:
    """Estimate how many of some clips a head predicts right.

    Args:
        held_out: labels, and what heads that were trained without them predict.
        uncertainties: (n_clips,) float32, 1 - p1 of the head on the clips; at least one.

    Returns:
        The estimate; None of fewer than LEAST_LABELS.
    """
    if len(held_out.logits) < LEAST_LABELS or not len(uncertainties):
        return None
    intercept, slope, covariance = _regression(held_out.logits, held_out.is_right)
    logits = logits_of(uncertainties)
    chances = _sigmoid(intercept + slope * logits)
    mean, spread = float(chances.mean()), chances * (1 - chances)
    # By the delta method: how far the mean moves with the two parameters.
    gradient = np.array([spread.mean(), (spread * logits).mean()])
    variance = float(gradient @ covariance @ gradient)
    label_count, audits = len(held_out.logits), held_out.is_audit
    audit_count = int(audits.sum())
    shift, shift_variance = 0.0, _LASTING_SHIFT**2 + _SHIFT_PER_ROOT_LABEL**2 / label_count
    if audit_count:
        expected = _sigmoid(intercept + slope * held_out.logits[audits])
        found = float((held_out.is_right[audits] - expected).mean())
        # Both are unbiased guesses of the shift, 0 and what was found; each counts by its variance.
        noise = float(spread.mean()) / audit_count
        weight = shift_variance / (shift_variance + noise)
        shift, shift_variance = weight * found, shift_variance * (1 - weight)
    value = min(1.0, max(0.0, mean + shift))
    half = _Z * math.sqrt(variance + shift_variance)
    return AccuracyEstimate(
        value=value,
        low=max(0.0, value - half),
        high=min(1.0, value + half),
        label_count=label_count,
        audit_label_count=audit_count,
        intercept=_intercept_for(value, intercept, slope, logits) if shift else intercept,
        slope=slope,
    )


def chances_of(estimate: AccuracyEstimate, uncertainties: Float32Array) -> Float64Array:
    """Return how probably predictions are right.

    Args:
        estimate: of the head that predicted.
        uncertainties: (n_clips,) float32, 1 - p1.

    Returns:
        (n_clips,) float64
    """
    return _sigmoid(estimate.intercept + estimate.slope * logits_of(uncertainties))


def _sigmoid(values: Float64Array) -> Float64Array:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)), np.float64)


def _regression(logits: Float64Array, is_right: BoolArray) -> tuple[float, float, Float64Array]:
    """Fit whether predictions are right on the logits of their confidence, by Newton's method.

    Platt's targets, (n+ + 1) / (n+ + 2) and 1 / (n- + 2), keep it finite where all are right.

    Args:
        logits: (n,) float64.
        is_right: (n,) bool.

    Returns:
        Intercept, slope and their covariance, (2, 2) float64.
    """
    right = int(is_right.sum())
    wrong = len(is_right) - right
    targets = np.where(is_right, (right + 1) / (right + 2), 1 / (wrong + 2))
    inputs = np.stack([np.ones_like(logits), logits])
    # A slope of 1 says that confidence is what it claims to be.
    prior, believed = np.diag([0.0, _RIDGE]), np.array([0.0, 1.0])

    def loss_of(parameters: Float64Array) -> float:
        values, off = parameters @ inputs, parameters - believed
        entropy = (np.logaddexp(0, values) - targets * values).sum()
        return float(entropy + off @ prior @ off / 2)

    found = believed
    for _ in range(_MOST_STEPS):
        chances = _sigmoid(found @ inputs)
        hessian = (inputs * (chances * (1 - chances))) @ inputs.T + prior
        step = np.linalg.solve(hessian, inputs @ (targets - chances) - prior @ (found - believed))
        # Whole steps may lead away from the minimum, and in circles.
        while loss_of(found + step) > loss_of(found) and np.abs(step).max() > _SMALLEST_STEP:
            step = step / 2
        found = found + step
        if float(np.abs(step).max()) < _SMALLEST_STEP:
            break
    return float(found[0]), float(found[1]), np.asarray(np.linalg.inv(hessian), np.float64)


def _intercept_for(mean: float, intercept: float, slope: float, logits: Float64Array) -> float:
    """Return the intercept with which the mean chance of some clips is another."""
    low, high = intercept - 20.0, intercept + 20.0
    for _ in range(25):
        middle = (low + high) / 2
        if float(_sigmoid(middle + slope * logits).mean()) < mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2
