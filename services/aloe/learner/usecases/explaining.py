"""Why clips were picked: what each gains, and the labeled clip that is nearest."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.distances import nearest_covered
from aloe.learner.domain.leases import Reason
from aloe.values.states import ClipState

_MOST_COMPARED = 10_000_000
"""Pairs of picks and labeled clips; of more than that, the nearest one is not looked for."""


def reasons_of(
    rows: IntArray, gains: Float32Array, vectors: Float32Array, states: NDArray[np.int8]
) -> list[Reason]:
    """Return the reason of each pick.

    Args:
        rows: (n,) int64, the picks.
        gains: (n,) float32, what each was best in, infinite where nothing bounds it.
        vectors: (n_clips, dim) float32, what the head reads.
        states: (n_clips,) int8, ClipState.
    """
    labeled = np.flatnonzero(states == ClipState.LABELED)
    nearest = np.full(len(rows), -1, np.int64)
    distances = np.full(len(rows), np.inf, np.float32)
    if len(labeled) and len(labeled) * len(rows) <= _MOST_COMPARED:
        places, squares = nearest_covered(vectors[rows], vectors[labeled])
        nearest, distances = labeled[places], np.sqrt(squares)
    return [
        Reason(gain if isfinite(gain) else None, row, distance if row >= 0 else None)
        for gain, row, distance in zip(
            gains.tolist(), nearest.tolist(), distances.tolist(), strict=True
        )
    ]
