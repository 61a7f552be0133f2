"""When a learning curve has reached an accuracy for good, whatever single heads do."""

from math import inf

import numpy as np
from scipy.optimize import isotonic_regression

from aloe.bench.arrays import Float64Array
from aloe.bench.report.censored import Wait

_ROUNDING = 1e-9
"""The mean of equal accuracies may be below each of them by a rounding error."""


def smoothed(accuracies: Float64Array) -> Float64Array:
    """Return the rising curve next to the accuracies of a run's heads.

    The median of each head and its two neighbours (of the last three at the end), then isotonic
    regression: least squares among curves that never fall (R. E. Barlow et al., "Statistical
    Inference under Order Restrictions", 1972). What a rising curve reaches it keeps, so a lucky
    head, which later ones do not confirm, is averaged with them, as is an unlucky one.

    Args:
        accuracies: (n_heads,) float64, in the order of labels.

    Returns:
        (n_heads,) float64, never falling.
    """
    middle = np.array(accuracies, dtype=np.float64)
    if len(middle) > 2:
        windows = np.lib.stride_tricks.sliding_window_view(accuracies, 3)
        middle[1:-1] = np.median(windows, axis=1)
        # A regression follows the last head alone if it is above the others.
        middle[-1] = np.median(accuracies[-3:])
    return np.asarray(isotonic_regression(middle).x)


def wait_of(curve: Float64Array, accuracy: float) -> Wait:
    """Return the labels of the first head from which on a smoothed curve has an accuracy.

    Args:
        curve: (2, n_heads) float64, label counts above accuracies, at least one head.
        accuracy: 0 to 1.
    """
    labels, accuracies = curve
    reached = smoothed(accuracies) >= accuracy - _ROUNDING
    count = float(labels[reached.argmax()]) if reached.any() else inf
    return Wait(count, float(labels[-1]))
