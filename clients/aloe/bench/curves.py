"""Learning curves of several runs, brought to the same places."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def align(curves: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
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
