"""The clips that stand for a pool where batches are picked."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.herding import HerdingState, References

REFERENCE_COUNT = 4_096
_SEED, _DRAW = 0, 3


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Random clips of a pool, as one representation has them."""

    rows: IntArray
    """(r,) int64, ascending."""
    references: References

    _start: "list[weakref.ref[HerdingState]]" = field(default_factory=list, init=False, repr=False)

    def start(self) -> HerdingState:
        """Return the herding of all references before any head, the same for every task.

        It holds 64 MB at 4,096 references, and goes when the last task that holds it has a head.
        """
        state = self._start[0]() if self._start else None
        if state is None:
            nothing_known = np.ones(len(self.rows), np.float32)
            state = HerdingState(
                nothing_known, self.references.similarities(self.references.vectors)
            )
            self._start[:] = [weakref.ref(state)]
        return state

    @classmethod
    def of(cls, rows: IntArray, vectors: Float32Array) -> "Ground":
        """Take reference rows, (r,) int64, of vectors, (n_clips, dim) float32."""
        return cls(rows, References(vectors[rows]))


def reference_rows(row_count: int, retired_rows: Sequence[int]) -> IntArray:
    """Draw the rows that stand for a pool, ascending: (at most REFERENCE_COUNT,) int64.

    A pool that grows keeps those that no new clip takes the place of.

    Args:
        row_count: rows of the pool.
        retired_rows: those of them that are no clips any more.
    """
    order = random_scores(_SEED, _DRAW, row_count)
    order[np.asarray(retired_rows, np.int64)] = np.inf
    count = min(REFERENCE_COUNT, row_count - len(retired_rows))
    return np.sort(np.argsort(order, kind="stable")[:count])
