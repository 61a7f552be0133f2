"""What a process keeps to pick batches of a task: candidates under a head, and what is covered.

How clips lie to a pool's references does not depend on the head, and most candidates of one head
are candidates of the next, or were answered: what was worked out for them is used again.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.batches.herding import HerdingState
from aloe.learner.domain.head import Head

_BYTE_BUDGET = 512 * 1024**2
"""For the herding of all tasks together: 5 to 20 MB each."""
_ROWS_AT_ONCE = 240
"""Of clips that cover: what lies in a processor's second-level cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Herd:
    """The herding of some candidates under one head; it does not change."""

    head: Head | None
    """None before the first."""
    ground: Ground
    rows: IntArray
    """(m,) int64: the candidates, each once."""
    state: HerdingState

    def is_of(self, head: Head | None, ground: Ground) -> bool:
        """Whether it is of a head, on a ground."""
        return self.head is head and self.ground is ground


class Nearness:
    """How some clips lie to a ground's references, worked out in shares by any number of threads.

    What a herd knows of them is taken from it.
    """

    def __init__(
        self, ground: Ground, vectors: Float32Array, rows: IntArray, known: Herd | None
    ) -> None:
        """Take what is known.

        Args:
            ground: the references.
            vectors: (n_clips, dim) float32.
            rows: (n,) int64, of vectors, each once.
            known: a herd, on this ground or another.
        """
        self._ground, self._vectors, self._rows = ground, vectors, rows
        self._missing = np.arange(len(rows))
        self.similarities = np.empty((len(rows), len(ground.rows)), np.float32)
        """(n, r) float32, see References.similarities; what is missing, once its share is done."""
        if known is not None and known.ground is ground:
            _, places, sources = np.intersect1d(
                rows, known.rows, assume_unique=True, return_indices=True
            )
            self.similarities[places] = known.state.similarities[sources]
            self._missing = np.setdiff1d(self._missing, places, assume_unique=True)

    @property
    def missing_count(self) -> int:
        """Clips of which nothing is known."""
        return len(self._missing)

    def share(self, begin: int, end: int) -> None:
        """Work out some of what is missing."""
        places = self._missing[begin:end]
        self.similarities[places] = self._ground.references.similarities(
            self._vectors[self._rows[places]]
        )

    def all(self) -> Float32Array:
        """Work out all that is missing, in one thread; return all, (n, r) float32."""
        self.share(0, self.missing_count)
        return self.similarities


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """How much of a ground's references some clips cover; it does not change."""

    ground: Ground
    rows: IntArray
    """(n,) int64: the clips, ascending."""
    values: Float32Array
    """(r,) float32"""

    @classmethod
    def of_nothing(cls, ground: Ground) -> "Cover":
        """Return the cover of no clips."""
        return cls(ground, np.empty(0, np.int64), np.zeros(len(ground.rows), np.float32))

    def is_part_of(self, ground: Ground, rows: IntArray) -> bool:
        """Whether it is of a ground, and all its clips are among some, (n,) int64, each once."""
        return self.ground is ground and bool(np.isin(self.rows, rows, assume_unique=True).all())

    def grown(self, vectors: Float32Array, rows: IntArray, known: Herd | None) -> "Cover":
        """Return the cover of more clips: a few more cost little.

        Args:
            vectors: (n_clips, dim) float32.
            rows: (n,) int64, of vectors, ascending; its own clips are among them.
            known: knows how some of them lie.
        """
        values, more = self.values, np.setdiff1d(rows, self.rows, assume_unique=True)
        for begin in range(0, len(more), _ROWS_AT_ONCE):
            some = Nearness(self.ground, vectors, more[begin : begin + _ROWS_AT_ONCE], known)
            values = np.maximum(values, some.all().max(axis=0))
        return Cover(self.ground, rows, values) if len(more) else self


class Herds:
    """The herding of one task: its candidates under the newest head, and what is covered."""

    def __init__(self) -> None:
        self.herd: Herd | None = None
        """The one that was used last."""
        self._answered: Cover | None = None
        """Of answered clips that were no candidates; they mostly stay both."""
        self._outside: Cover | None = None
        """Of these and of leased ones."""
        self.next: tuple[Herd, Cover] | None = None
        """What was made ready for a newer head: its herd, and the answered clips besides."""

    @property
    def byte_count(self) -> int:
        """Bytes that its herds take, which tasks without a head may share."""
        herd, made = self.herd, self.next
        return sum(each.state.byte_count for each in (herd, made and made[0]) if each)

    def forget(self) -> None:
        """Let go of the herds; the next query makes its own again."""
        self.herd = self.next = None

    def has(self, head: Head | None, ground: Ground) -> bool:
        """Whether there is a herd of a head; what was made ready for it is taken now."""
        made = self.next
        if made and made[0].is_of(head, ground):
            (self.herd, self._answered), self.next = made, None
        herd = self.herd
        return herd is not None and herd.is_of(head, ground)

    def made(
        self,
        head: Head | None,
        ground: Ground,
        reference_weights: Callable[[], Float32Array],
        vectors: Float32Array,
        rows: IntArray,
    ) -> Herd:
        """Return the herd of candidates, made once for the same ones.

        Args:
            head: under which they are candidates; None before the first.
            ground: the references.
            reference_weights: returns (r,) float32, how unsure the head is of each.
            vectors: (n_clips, dim) float32.
            rows: (m,) int64, of vectors: the candidates.
        """
        has_one = self.has(head, ground)
        # By a name of its own: another thread may have it forgotten meanwhile.
        herd = self.herd
        if herd is None or not (has_one and np.array_equal(herd.rows, rows)):
            if head is None and np.array_equal(rows, ground.rows):
                state = ground.start()
            else:
                similarities = Nearness(ground, vectors, rows, herd).all()
                weights = herd.state.weights if herd and has_one else reference_weights()
                state = HerdingState(weights, similarities)
            herd = self.herd = Herd(head, ground, rows, state)
        return herd

    def answered(self, ground: Ground, vectors: Float32Array, rows: IntArray) -> Cover:
        """Return the cover of answered clips, grown from what it was before.

        Args:
            ground: the references.
            vectors: (n_clips, dim) float32.
            rows: (n,) int64, of vectors, ascending.
        """
        return _grown(self._answered, ground, vectors, rows, self.herd)

    def cover(
        self, ground: Ground, vectors: Float32Array, answered: IntArray, leased: IntArray
    ) -> Float32Array:
        """Return how much of the references clips cover that are no candidates, (r,) float32.

        Args:
            ground: the references.
            vectors: (n_clips, dim) float32.
            answered: (n,) int64, of vectors, ascending.
            leased: likewise.
        """
        self._answered = self.answered(ground, vectors, answered)
        rows, outside = np.union1d(answered, leased), self._outside
        if outside is None or not outside.is_part_of(ground, rows):
            outside = self._answered  # Leases have ended.
        self._outside = _grown(outside, ground, vectors, rows, self.herd)
        return self._outside.values


def _grown(
    before: Cover | None,
    ground: Ground,
    vectors: Float32Array,
    rows: IntArray,
    known: Herd | None,
) -> Cover:
    if before is None or not before.is_part_of(ground, rows):
        before = Cover.of_nothing(ground)
    return before.grown(vectors, rows, known)


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
