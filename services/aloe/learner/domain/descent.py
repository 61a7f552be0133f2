"""Minimising a smooth convex function by L-BFGS, in at most so many steps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.kernels.lbfgs import lbfgs_direction

Float64Array = NDArray[np.float64]
Objective = Callable[[Float64Array], tuple[float, Float64Array]]
"""The value and the gradient, (n,) float64, at (n,) float64."""

_MEMORY = 10
"""Moves that tell the curvature; SciPy's and scikit-learn's number."""
_LEAST_FALL, _STEEPEST_LEFT = 1e-4, 0.9
"""Of the slope at the start of a step, by length: how far it must go down, and how steep it may
still be at its end (Nocedal and Wright, "Numerical Optimization", 2006, section 3.1)."""
_TRIAL_COUNT = 60
"""Each halves or doubles the length of a step."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop."""

    step_count: int
    least_gain: float
    """Of a step, relative to the value where that is over 1."""
    least_slope: float
    """Of the steepest coordinate."""


def minimum(objective: Objective, start: Float64Array, limits: Limits) -> Float64Array:
    """Go down from `start`, (n,) float64, until a limit is reached; return where that is.

    The same arguments give the same bits on one machine.
    """
    here = _Place(objective, start)
    moves, changes = np.empty((2, _MEMORY, len(start)))
    direction = np.empty_like(start)
    for step in range(limits.step_count):
        if np.abs(here.gradient).max() <= limits.least_slope:
            break
        lbfgs_direction(here.gradient, moves, changes, step, direction)
        # Nothing is known of the curvature yet: begin with a move of length 1.
        length = 1.0 if step else 1 / float(np.sqrt(direction @ direction))
        there = _step(objective, here, direction, length)
        if there is None:
            break
        np.subtract(there.point, here.point, out=moves[step % _MEMORY])
        np.subtract(there.gradient, here.gradient, out=changes[step % _MEMORY])
        gain = here.value - there.value
        here = there
        if gain <= limits.least_gain * max(1.0, abs(here.value)):
            break
    return here.point


class _Place:
    """A point with the objective's value and gradient there."""

    def __init__(self, objective: Objective, point: Float64Array) -> None:
        self.point = point
        self.value, self.gradient = objective(point)


def _step(
    objective: Objective, here: _Place, direction: Float64Array, length: float
) -> _Place | None:
    """Go along a direction until the objective has fallen enough, and falls less; None if nowhere.

    By bisection (Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods",
    Mathematical Programming 141, 2013).
    """
    slope = float(here.gradient @ direction)
    shortest, longest = 0.0, np.inf
    for _ in range(_TRIAL_COUNT):
        there = _Place(objective, here.point + length * direction)
        if not there.value <= here.value + _LEAST_FALL * length * slope:
            longest = length
        elif there.gradient @ direction < _STEEPEST_LEFT * slope:
            shortest = length
        else:
            return there
        length = (shortest + longest) / 2 if np.isfinite(longest) else 2 * length
    return None
