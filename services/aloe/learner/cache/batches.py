"""What a process keeps to pick batches of a task: candidates under a head, and what is covered."""

from collections.abc import Callable

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.batches.herding import HerdingState
from aloe.learner.domain.head import Head

_NOTHING = np.empty(0, np.int64)


class Cover:
    """How much of a ground's references some clips cover; a few more clips cost little."""

    def __init__(self) -> None:
        self._ground: Ground | None = None
        self._rows = _NOTHING
        self._cover: Float32Array = np.empty(0, np.float32)

    def of(self, ground: Ground, vectors: Float32Array, rows: IntArray) -> Float32Array:
        """Return the cover of some clips, (r,) float32.

        Args:
            ground: the references.
            vectors: (n_clips, dim) float32.
            rows: (n,) int64, of vectors, ascending.
        """
        before = None
        new = rows
        if self._ground is ground and np.isin(self._rows, rows, assume_unique=True).all():
            before, new = self._cover, np.setdiff1d(rows, self._rows, assume_unique=True)
        if before is None or len(new):
            self._cover = ground.references.cover(vectors[new], before)
        self._ground, self._rows = ground, rows
        return self._cover


class Herds:
    """The herding of one task: its candidates under the newest head, and what is covered."""

    def __init__(self) -> None:
        self.cover = Cover()
        self._made_for: tuple[Head | None, Ground, bytes] | None = None
        self._state: HerdingState | None = None

    def state(
        self,
        head: Head | None,
        ground: Ground,
        reference_probabilities: Callable[[], Float32Array],
        vectors: Float32Array,
        rows: IntArray,
    ) -> HerdingState:
        """Return the state of candidates, made once for the same ones.

        Args:
            head: under which they are candidates; None before the first.
            ground: the references.
            reference_probabilities: returns (r, n_classes) float32, by the head.
            vectors: (n_clips, dim) float32.
            rows: (m,) int64, of vectors: the candidates.
        """
        made_for = head, ground, rows.tobytes()
        if self._state is None or self._made_for is None or not _same(self._made_for, made_for):
            if head is None and np.array_equal(rows, ground.rows):
                self._state = ground.start()
            else:
                self._state = HerdingState(
                    ground.references, reference_probabilities(), vectors[rows]
                )
            self._made_for = made_for
        return self._state


def _same(one: tuple[Head | None, Ground, bytes], other: tuple[Head | None, Ground, bytes]) -> bool:
    return one[0] is other[0] and one[1] is other[1] and one[2] == other[2]
