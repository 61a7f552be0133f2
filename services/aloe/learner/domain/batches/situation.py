"""What a rule picks by, and what it answers."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.kernels.compiling import frozen
from aloe.values.strategies import DEFAULT_COMBINATION, ClassCombination


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """The clips of a task as a query finds them; vectors are what the head reads.

    Raises:
        ValueError: shapes contradict each other, or the count is negative.
    """

    candidates: Float32Array
    """(m, dim) float32, the clips to pick from, none of them covered. Ties go to the lower place:
    the best by score stand in front."""
    probabilities: Float32Array
    """(m, n_classes) float32 of the candidates; uniform without a head."""
    scores: Float32Array
    """(m,) float32 of the acquisition function, higher asks first; all equal without a head."""
    covered: Float32Array
    """(l, dim) float32, clips that are labeled, abstained or leased."""
    covered_labels: IntArray
    """(l,) int64, classes; NO_CLASS for a clip that is abstained or leased."""
    covered_probabilities: Float32Array
    """(l, n_classes) float32; uniform without a head."""
    references: Float32Array
    """(r, dim) float32, random clips that stand for the pool; candidates may be among them."""
    reference_probabilities: Float32Array
    """(r, n_classes) float32; uniform without a head."""
    seed: int
    """Fixes what is drawn, together with what is above; not negative."""
    count: int
    """How many to pick, if there are so many."""

    def __post_init__(self) -> None:
        for name in ("candidates", "covered", "references"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        dim, class_count = self.candidates.shape[1], self.probabilities.shape[1]
        for name, vectors, probabilities in (
            ("candidates", self.candidates, self.probabilities),
            ("covered", self.covered, self.covered_probabilities),
            ("references", self.references, self.reference_probabilities),
        ):
            shapes = vectors.shape, probabilities.shape
            if shapes != ((len(vectors), dim), (len(vectors), class_count)):
                raise ValueError(
                    f"{name} and their probabilities are {shapes}; the candidates have {dim} values"
                    f" and {class_count} classes"
                )
        if len(self.scores) != len(self.candidates):
            raise ValueError(f"{len(self.scores)} scores of {len(self.candidates)} candidates")
        if len(self.covered_labels) != len(self.covered):
            raise ValueError(f"{len(self.covered_labels)} labels of {len(self.covered)} clips")
        if self.count < 0:
            raise ValueError(f"{self.count} clips cannot be picked")

    @classmethod
    def without_head(
        cls,
        candidates: Float32Array,
        references: Float32Array,
        covered: Float32Array,
        covered_labels: IntArray,
        *,
        class_count: int,
        seed: int,
        count: int,
    ) -> Self:
        """Return the situation before the first head: nothing is known of any clip."""

        def uniform(vectors: Float32Array) -> Float32Array:
            return np.full((len(vectors), class_count), 1 / class_count, np.float32)

        return cls(
            candidates,
            uniform(candidates),
            np.zeros(len(candidates), np.float32),
            covered,
            covered_labels,
            uniform(covered),
            references,
            uniform(references),
            seed,
            count,
        )

    @property
    def pick_count(self) -> int:
        """How many clips a rule picks."""
        return min(self.count, len(self.candidates))

    @property
    def waiting(self) -> IntArray:
        """Places among the covered of the clips that have no label, (at most l,) int64."""
        return np.flatnonzero(self.covered_labels == NO_CLASS)


@dataclass(frozen=True, slots=True, eq=False)
class Picks:
    """A batch, in the order to ask."""

    places: IntArray
    """(at most count,) int64, among the candidates, each once."""
    gains: Float32Array
    """(at most count,) float32, what each pick was best in when it was picked, by the rule."""


def uncertainty(probabilities: Float32Array) -> Float32Array:
    """Return 1 - (p1 - p2), in [0, 1], of the two largest probabilities; 1 with a single class.

    Args:
        probabilities: (n, n_classes) float32.

    Returns:
        (n,) float32
    """
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities), np.float32)
    second, first = np.partition(probabilities, -2, axis=1)[:, -2:].T
    unsure: Float32Array = np.clip(1 - (first - second), 0, 1)
    return unsure


def uncertainty_of_several(probabilities: Float32Array) -> Float32Array:
    """Return 1 - |2p - 1|, in [0, 1], of each class by itself, as DEFAULT_COMBINATION has it.

    Args:
        probabilities: (n, n_classes) float32, of several labels a clip.

    Returns:
        (n,) float32
    """
    unsure = 1 - np.abs(2 * probabilities - 1)
    takes_mean = DEFAULT_COMBINATION is ClassCombination.MEAN
    combined: Float32Array = unsure.mean(axis=1) if takes_mean else unsure.max(axis=1)
    return combined
