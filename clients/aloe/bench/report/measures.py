"""Figures of learning curves: area under them, labels against random."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.integrate import trapezoid

from aloe.bench.arrays import Float64Array
from aloe.bench.report.curves import align
from aloe.bench.report.intervals import (
    MIN_RESAMPLED_COUNT,
    Estimate,
    quantile_interval,
    resampling_weights,
)


def areas_under_curves(labels: Float64Array, accuracies: Float64Array) -> Float64Array:
    """Return the area under each learning curve over its width: the mean accuracy on the way.

    Args:
        labels: (n_points,) float64, ascending, at least one.
        accuracies: (n_runs, n_points) float64.

    Returns:
        (n_runs,) float64, from 0 to 1; by the trapezoidal rule.
    """
    if len(labels) == 1:
        return accuracies[:, 0]
    return np.asarray(trapezoid(accuracies, labels, axis=1) / (labels[-1] - labels[0]))


def first_reaching(
    labels: Float64Array, accuracies: Float64Array, target: Float64Array
) -> Float64Array:
    """Return the label count at which each curve first reaches its target.

    Args:
        labels: (n_points,) float64, ascending.
        accuracies: (n_curves, n_points) float64.
        target: (n_curves,) float64.

    Returns:
        (n_curves,) float64, infinity where a curve never does.
    """
    reached = accuracies >= target[:, np.newaxis]
    return np.where(reached.any(axis=1), labels[reached.argmax(axis=1)], inf)


@dataclass(frozen=True, slots=True)
class Utilisation:
    """How many labels an acquisition function needs for what random reaches in the end."""

    accuracy: float
    """The target: random's mean over the last tenth of its label counts."""
    label_count: float
    """Until its mean curve reaches the target; infinity for never."""
    random_label_count: float
    rate: Estimate
    """label_count / random_label_count: below one saves labels; infinity for never."""
    rate_bound: float
    """The rate is above this where it is infinite: the last label count over random's."""


def utilisation(
    curves: Sequence[Float64Array], random_curves: Sequence[Float64Array]
) -> Utilisation | None:
    """Return the data utilisation rate against random; None where the curves share no labels.

    The ratio of label counts at which two mean learning curves first reach the accuracy that
    random has at its end (the data utilization ratio of Melville and Mooney, "Diverse Ensembles
    for Active Learning", ICML 2004). The interval resamples seeds, both curves with the same ones;
    there is none for fewer than six.

    Args:
        curves: one per seed, each (2, n_points) float64: label counts above accuracies.
        random_curves: of the same seeds in the same order.
    """
    count = len(curves)
    labels, accuracies = align([*curves, *random_curves])
    if not len(labels):
        return None
    target, needed, random_needed = _needed(labels, accuracies, np.ones((1, count)) / count)
    bounds: tuple[float | None, float | None] = (None, None)
    if count >= MIN_RESAMPLED_COUNT:
        _, many, random_many = _needed(labels, accuracies, resampling_weights(count))
        low, high = quantile_interval(many / random_many, count)
        bounds = float(low), float(high)
    return Utilisation(
        accuracy=float(target[0]),
        label_count=float(needed[0]),
        random_label_count=float(random_needed[0]),
        rate=Estimate(float(needed[0] / random_needed[0]), *bounds, count),
        rate_bound=float(labels[-1] / random_needed[0]),
    )


def _needed(
    labels: Float64Array, accuracies: Float64Array, weights: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return random's target, and the labels that the function and random need, per weighting."""
    count = weights.shape[1]
    means, random_means = weights @ accuracies[:count], weights @ accuracies[count:]
    tail = max(1, len(labels) // 10)
    target = random_means[:, -tail:].mean(axis=1)
    # The mean of equal accuracies may be above each of them by a rounding error.
    target = np.minimum(target, random_means.max(axis=1))
    return (
        target,
        first_reaching(labels, means, target),
        first_reaching(labels, random_means, target),
    )
