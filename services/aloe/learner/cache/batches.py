"""What a process keeps to pick batches of a task: candidates under a head, and what is covered."""

import weakref
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.batches.herding import HerdingState
from aloe.learner.domain.head import Head

_NOTHING = np.empty(0, np.int64)
_BYTE_BUDGET = 512 * 1024**2
"""For the herding of all tasks together: 5 to 20 MB each."""


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

    @property
    def byte_count(self) -> int:
        """Bytes that its state takes, which tasks without a head may share."""
        state = self._state
        return state.byte_count if state else 0

    def forget(self) -> None:
        """Let go of the state; the next query makes it again."""
        self._state = self._made_for = None

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
        # By names of its own: another thread may have it forgotten meanwhile.
        state, before = self._state, self._made_for
        if state is None or before is None or not _same(before, made_for):
            if head is None and np.array_equal(rows, ground.rows):
                state = ground.start()
            else:
                state = HerdingState(ground.references, reference_probabilities(), vectors[rows])
            self._state, self._made_for = state, made_for
        return state


def _same(one: tuple[Head | None, Ground, bytes], other: tuple[Head | None, Ground, bytes]) -> bool:
    return one[0] is other[0] and one[1] is other[1] and one[2] == other[2]


class RecentHerds:
    """The tasks whose herding is kept, within a budget of memory: those that were asked last."""

    def __init__(self, byte_budget: int = _BYTE_BUDGET) -> None:
        self._byte_budget = byte_budget
        self._kept: OrderedDict[int, weakref.ref[Herds]] = OrderedDict()
        """By identity, the one that was used longest ago first."""

    def used(self, herds: Herds) -> None:
        """Note that a task was asked; what was asked longest ago gives way to it."""
        self._kept[id(herds)] = weakref.ref(herds)
        self._kept.move_to_end(id(herds))
        there = {key: found for key, ref in self._kept.items() if (found := ref()) is not None}
        excess = sum(each.byte_count for each in there.values()) - self._byte_budget
        for key in list(self._kept):
            found = there.get(key)
            if found is herds or (found is not None and excess <= 0):
                continue
            if found is not None:
                excess -= found.byte_count
                found.forget()
            del self._kept[key]
