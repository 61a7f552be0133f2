"""The direction of a step of L-BFGS, by the two-loop recursion without temporaries."""

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.kernels.compiling import kernel

Float64Array = NDArray[np.float64]


@kernel
def _product(one: Float64Array, other: Float64Array) -> float:
    total = 0.0
    for d in range(len(one)):
        total += one[d] * other[d]
    return total


@kernel
def _add(target: Float64Array, factor: float, values: Float64Array) -> None:
    for d in range(len(target)):
        target[d] += factor * values[d]


@kernel
def lbfgs_direction(
    gradient: Float64Array,
    moves: Float64Array,
    changes: Float64Array,
    move_count: int,
    out: Float64Array,
) -> None:
    """Set out to -H gradient, H the inverse Hessian as the last moves tell it.

    Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", Mathematics of Computation 35,
    1980; algorithm 7.4 of Nocedal and Wright, "Numerical Optimization", 2006.

    Args:
        gradient: (n,) float64.
        moves: (memory, n) float64: move number k, from 0, stands at k modulo memory.
        changes: (memory, n) float64: of the gradient over each move; their products are over 0.
        move_count: moves so far; without any H is 1.
        out: (n,) float64, filled.
    """
    memory = len(moves)
    first = max(0, move_count - memory)
    factors, curvatures = np.empty(memory), np.empty(memory)
    for d in range(len(out)):
        out[d] = -gradient[d]
    for k in range(move_count - 1, first - 1, -1):
        i = k % memory
        curvatures[i] = _product(moves[i], changes[i])
        factors[i] = _product(moves[i], out) / curvatures[i]
        _add(out, -factors[i], changes[i])
    if move_count:
        newest = (move_count - 1) % memory
        scale = curvatures[newest] / _product(changes[newest], changes[newest])
        for d in range(len(out)):
            out[d] *= scale
    for k in range(first, move_count):
        i = k % memory
        _add(out, factors[i] - _product(changes[i], out) / curvatures[i], moves[i])
