"""Learning curves of several runs: brought to the same places, and their mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.intervals import mean_band

_MIN_BAND_COUNT = 6
"""With fewer runs there is no band: it would jump from place to place and cover the figure."""


def align(curves: Sequence[Float64Array]) -> tuple[Float64Array, Float64Array]:
    """Bring curves to the places that all of them cover, interpolating linearly between heads.

    Args:
        curves: one or more, each (2, n_points) float64: ascending places (labels or rounds) above
            their values; n_points may differ.

    Returns:
        The places (n_common,) float64, and the values (n_curves, n_common) float64; n_common is 0
        where the curves have no place in common.
    """
    first = max(places[0] for places, _ in curves)
    last = min(places[-1] for places, _ in curves)
    places = np.unique(np.concatenate([places for places, _ in curves]))
    places = places[(places >= first) & (places <= last)]
    return places, np.array([np.interp(places, *curve) for curve in curves])


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean learning curve over runs; low and high are None for fewer than six."""

    places: tuple[float, ...]
    """Label counts or rounds that all runs cover."""
    mean: tuple[float, ...]
    low: tuple[float, ...] | None
    """Lower bounds of the mean's interval, a value for each place."""
    high: tuple[float, ...] | None


def mean_curve(curves: Sequence[Float64Array]) -> Curve | None:
    """Average learning curves; None where there is none, or none has a point.

    Args:
        curves: one per run, each (2, n_points) float64: places above accuracies.
    """
    curves = [curve for curve in curves if curve.size]
    if not curves:
        return None
    places, values = align(curves)
    mean = tuple(values.mean(axis=0).tolist())
    if len(curves) < _MIN_BAND_COUNT or not len(places):
        return Curve(tuple(places.tolist()), mean, None, None)
    low, high = mean_band(values)
    return Curve(tuple(places.tolist()), mean, tuple(low.tolist()), tuple(high.tolist()))
